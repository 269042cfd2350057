// The loop on epoll itself.  asio's io_context was the alternative: its async_wait costs an
// epoll_ctl for each wait and its "end of turn" another epoll_wait, where one edge-triggered
// registration for a connection's life costs nothing a turn.
#include "net/loop.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "net/loop_internal.h"

namespace mk8s::net {
namespace {

constexpr std::size_t kLoopsMax = 64;
constexpr std::size_t kEventsPerTurn = 256;

thread_local Loop* current_loop = nullptr;

MonotonicTime SteadyNow() { return std::chrono::steady_clock::now(); }

}  // namespace

struct Timer::Entry {
  Loop::State* loop;  // null once the loop is gone
  MonotonicTime due;
  std::uint64_t order;  // of creation, among equal times
  std::function<void()> fire;
  bool pending = true;
};

struct Timer::Earlier {
  bool operator()(const Entry* a, const Entry* b) const {
    return a->due != b->due ? a->due < b->due : a->order < b->order;
  }
};

struct Loop::State {
  std::size_t index = 0;
  int epoll_fd = -1;
  int wake_fd = -1;
  MonotonicTime now = SteadyNow();
  std::uint64_t turn = 1;
  std::unique_ptr<LoopBuffers> buffers;  // made by the first connection

  std::set<Timer::Entry*, Timer::Earlier> timers;
  std::uint64_t timers_made = 0;

  std::unordered_map<int, std::shared_ptr<Descriptor>> descriptors;
  std::vector<std::shared_ptr<Descriptor>> unregistered;  // kept to the end of the turn
  std::array<epoll_event, kEventsPerTurn> events{};
  std::size_t events_begin = 0, events_end = 0;  // those not dispatched yet

  std::vector<TurnTask*> tasks, tasks_next;
  std::vector<std::function<void()>> at_end;

  std::mutex mutex;  // guards posted and ended
  std::vector<std::function<void()>> posted;
  bool ended = false;
  std::atomic<bool> wake_pending = false;
  std::atomic<bool> stop = false;

  void Wake() {
    if (wake_pending.exchange(true)) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] auto written = write(wake_fd, &one, sizeof one);
  }

  int WaitMilliseconds() const {
    if (!tasks.empty() || !at_end.empty() || stop) return 0;
    if (timers.empty()) return -1;
    const auto wait = (*timers.begin())->due - SteadyNow();
    if (wait <= wait.zero()) return 0;
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    return static_cast<int>(std::min<std::int64_t>(rounded, 60'000));
  }

  void FireTimers();
  void DispatchEvents();
  void RunPosted();
  void RunTasks();
};

// --- Timer ---

Timer::Timer() = default;
Timer::Timer(std::unique_ptr<Entry> entry) : entry_(std::move(entry)) {}
Timer::Timer(Timer&& other) noexcept = default;

Timer& Timer::operator=(Timer&& other) noexcept {
  if (this == &other) return *this;
  Cancel();
  entry_ = std::move(other.entry_);
  return *this;
}

Timer::~Timer() { Cancel(); }

void Timer::Cancel() {
  if (!entry_) return;
  if (entry_->pending && entry_->loop) entry_->loop->timers.erase(entry_.get());
  entry_.reset();
}

bool Timer::pending() const { return entry_ && entry_->pending; }

void Loop::State::FireTimers() {
  while (!timers.empty() && (*timers.begin())->due <= now) {
    Timer::Entry* entry = *timers.begin();
    timers.erase(timers.begin());
    entry->pending = false;
    auto fire = std::move(entry->fire);  // the call may destroy the entry
    fire();
  }
}

// --- TurnTask ---

TurnTask::TurnTask(Loop& loop, std::function<void()> run) : loop_(loop), run_(std::move(run)) {}

TurnTask::~TurnTask() { Unschedule(); }

void TurnTask::Unschedule() {
  if (!std::exchange(scheduled_, false)) return;
  for (auto* list : {&loop_.state_->tasks, &loop_.state_->tasks_next}) {
    std::replace(list->begin(), list->end(), this, static_cast<TurnTask*>(nullptr));
  }
}

void TurnTask::Schedule() {
  if (scheduled_) return;
  scheduled_ = true;
  Loop::State& state = *loop_.state_;
  (last_turn_ == state.turn ? state.tasks_next : state.tasks).push_back(this);
}

void Loop::State::RunTasks() {
  auto once = std::exchange(at_end, {});
  for (auto& run : once) run();
  for (std::size_t i = 0; i < tasks.size(); ++i) {  // grows while it runs
    TurnTask* task = tasks[i];
    if (!task) continue;
    tasks[i] = nullptr;
    task->scheduled_ = false;
    task->last_turn_ = turn;
    task->run_();
  }
  tasks.clear();
  tasks.swap(tasks_next);
  ++turn;  // here, so that what is scheduled between two turns is for the next
}

// --- Loop ---

Loop::Loop(std::size_t index) : state_(std::make_unique<State>()) {
  state_->index = index;
  state_->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  state_->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};  // level-triggered; null = wake
  if (state_->epoll_fd < 0 || state_->wake_fd < 0 ||
      epoll_ctl(state_->epoll_fd, EPOLL_CTL_ADD, state_->wake_fd, &event) != 0) {
    log::Err("no descriptors left for an event loop");
    std::abort();  // at start, before anything is served
  }
}

Loop::~Loop() {
  Enter();
  CloseAll();
  {
    // Destroyed outside the lock and before the state: they may own connections.
    std::vector<std::function<void()>> dropped;
    std::lock_guard lock(state_->mutex);
    dropped.swap(state_->posted);
  }
  state_->unregistered.clear();
  for (auto* list : {&state_->tasks, &state_->tasks_next}) {
    for (TurnTask* task : *list) {
      if (task) task->scheduled_ = false;
    }
  }
  for (Timer::Entry* entry : state_->timers) entry->loop = nullptr;
  state_->timers.clear();
  close(state_->wake_fd);
  close(state_->epoll_fd);
  current_loop = nullptr;
}

void Loop::Enter() {
  current_loop = this;
  state_->now = SteadyNow();
}

void Loop::Run() {
  Enter();
  while (!state_->stop) Turn();
  Turn();  // what was posted before Stop
  CloseAll();
  current_loop = nullptr;
}

void Loop::RunUntil(const std::function<bool()>& done) {
  Loop* outer = current_loop;
  Enter();
  while (!done() && !state_->stop) Turn();
  current_loop = outer;
}

void Loop::Turn() {
  State& state = *state_;
  const int count = epoll_wait(state.epoll_fd, state.events.data(),
                               static_cast<int>(kEventsPerTurn), state.WaitMilliseconds());
  state.now = SteadyNow();
  state.events_begin = 0;
  state.events_end = count > 0 ? static_cast<std::size_t>(count) : 0;
  state.FireTimers();
  state.DispatchEvents();
  state.RunPosted();
  state.RunTasks();
  std::exchange(state.unregistered, {}).clear();
}

void Loop::State::DispatchEvents() {
  while (events_begin < events_end) {
    const epoll_event event = events[events_begin++];
    if (event.events == 0) continue;  // unregistered in this turn
    if (event.data.ptr == nullptr) {
      std::uint64_t count = 0;
      [[maybe_unused]] auto got = read(wake_fd, &count, sizeof count);
      wake_pending = false;
      continue;
    }
    const bool hangup = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    static_cast<Descriptor*>(event.data.ptr)
        ->OnReady({.readable = hangup || (event.events & EPOLLIN) != 0,
                   .writable = (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0,
                   .hangup = hangup,
                   .error = (event.events & EPOLLERR) != 0});
  }
}

void Loop::State::RunPosted() {
  std::vector<std::function<void()>> batch;
  {
    std::lock_guard lock(mutex);
    batch.swap(posted);
  }
  for (auto& run : batch) {
    run();
    run = nullptr;  // what it owns dies here, in order
  }
}

void Loop::CloseAll() {
  {
    std::lock_guard lock(state_->mutex);
    state_->ended = true;
  }
  while (!state_->descriptors.empty()) {
    auto first = state_->descriptors.begin();
    auto owner = first->second;
    const int fd = first->first;
    owner->OnLoopStopped();
    Unregister(fd);  // in case it did not
  }
  std::exchange(state_->unregistered, {}).clear();
}

void Loop::Stop() {
  state_->stop = true;
  state_->Wake();
}

void Loop::Post(std::function<void()> fn) {
  {
    std::lock_guard lock(state_->mutex);
    if (state_->ended) return;
    state_->posted.push_back(std::move(fn));
  }
  state_->Wake();
}

Timer Loop::After(std::chrono::milliseconds delay, std::function<void()> fn) {
  auto entry = std::make_unique<Timer::Entry>();
  entry->loop = state_.get();
  entry->due = SteadyNow() + delay;
  entry->order = state_->timers_made++;
  entry->fire = std::move(fn);
  state_->timers.insert(entry.get());
  return Timer(std::move(entry));
}

void Loop::AtEndOfTurn(std::function<void()> fn) { state_->at_end.push_back(std::move(fn)); }

bool Loop::InLoop() const { return current_loop == this; }
Loop* Loop::Current() { return current_loop; }
std::size_t Loop::index() const { return state_->index; }
MonotonicTime Loop::now() const { return state_->now; }

bool Loop::Register(int fd, std::shared_ptr<Descriptor> owner) {
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                    .data = {.ptr = owner.get()}};
  if (epoll_ctl(state_->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) return false;
  state_->descriptors[fd] = std::move(owner);
  return true;
}

void Loop::Unregister(int fd) {
  auto found = state_->descriptors.find(fd);
  if (found == state_->descriptors.end()) return;
  epoll_ctl(state_->epoll_fd, EPOLL_CTL_DEL, fd, nullptr);
  for (std::size_t i = state_->events_begin; i < state_->events_end; ++i) {
    if (state_->events[i].data.ptr == found->second.get()) state_->events[i].events = 0;
  }
  state_->unregistered.push_back(std::move(found->second));
  state_->descriptors.erase(found);
}

void Loop::ForEachDescriptor(const std::function<void(Descriptor&)>& visit) {
  std::vector<std::shared_ptr<Descriptor>> all;  // the visit may close some
  all.reserve(state_->descriptors.size());
  for (auto& [fd, owner] : state_->descriptors) all.push_back(owner);
  for (auto& owner : all) visit(*owner);
}

LoopBuffers& LoopBuffers::Of(Loop& loop) {
  auto& buffers = loop.state_->buffers;
  if (!buffers) buffers = std::make_unique<LoopBuffers>();
  return *buffers;
}

// --- LoopGroup ---

LoopGroup::LoopGroup(std::size_t count) {
  if (count == 0) count = std::max(1u, std::thread::hardware_concurrency());
  count = std::min(count, kLoopsMax);
  for (std::size_t i = 0; i < count; ++i) loops_.push_back(std::make_unique<Loop>(i));
}

LoopGroup::~LoopGroup() { Stop(); }

void LoopGroup::Start() {
  for (auto& loop : loops_) {
    threads_.emplace_back([&loop = *loop] { loop.Run(); });
    const auto name = "loop-" + std::to_string(loop->index());
    pthread_setname_np(threads_.back().native_handle(), name.c_str());
  }
}

void LoopGroup::Stop() {
  for (auto& loop : loops_) loop->Stop();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  threads_.clear();
}

}  // namespace mk8s::net

// A fixed number of threads over one bounded queue.
#include "net/work_pool.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace mk8s::net {

struct WorkPool::State {
  std::size_t queue_max = 0;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  bool stopped = false;
  std::vector<std::thread> threads;

  void Work() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return stopped || !queue.empty(); });
      if (queue.empty()) return;
      auto run = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      run();
      run = nullptr;  // what it owns dies outside the lock
      lock.lock();
    }
  }
};

WorkPool::WorkPool(std::size_t threads, std::size_t queue_max) : state_(std::make_unique<State>()) {
  state_->queue_max = queue_max;
  for (std::size_t i = 0; i < threads; ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->Work(); });
    pthread_setname_np(state_->threads.back().native_handle(), "work");
  }
}

WorkPool::~WorkPool() { Stop(); }

bool WorkPool::Submit(std::function<void()> fn) {
  {
    std::lock_guard lock(state_->mutex);
    if (state_->stopped || state_->queue.size() >= state_->queue_max) return false;
    state_->queue.push_back(std::move(fn));
  }
  state_->changed.notify_one();
  return true;
}

void WorkPool::Stop() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopped = true;
  }
  state_->changed.notify_all();
  for (auto& thread : state_->threads) {
    if (thread.joinable()) thread.join();
  }
}

std::size_t WorkPool::queued() const {
  std::lock_guard lock(state_->mutex);
  return state_->queue.size();
}

}  // namespace mk8s::net

// See audit_log.h.
#include "central/audit_log.h"

#include <future>

#include "base/limits.h"
#include "base/log.h"
#include "net/loop.h"
#include "store/audit_store.h"

namespace mk8s::central {
namespace {

// How long the writer waits before it tries a group again that could not be written.
constexpr std::chrono::milliseconds kRetryDelay{200};

}  // namespace

AuditLog::AuditLog(store::AuditStore& store) : store_(store), writer_([this] { Run(); }) {}

AuditLog::~AuditLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  writer_.join();
}

void AuditLog::Begin(AuditEvent event, net::Loop& loop, Written written) {
  Queue({.event = std::move(event), .loop = &loop, .written = std::move(written)});
}

void AuditLog::Finish(AuditEvent event) { Queue({.event = std::move(event), .outcome = true}); }

void AuditLog::Record(AuditEvent event) { Queue({.event = std::move(event)}); }

Result<void> AuditLog::RecordAndWait(AuditEvent event) {
  auto done = std::make_shared<std::promise<Result<void>>>();
  std::future<Result<void>> result = done->get_future();
  Queue({.event = std::move(event),
         .written = [done](Result<void> written) { done->set_value(std::move(written)); }});
  return result.get();
}

void AuditLog::Queue(Entry entry) {
  bool full = false;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    // An outcome is never refused: its row exists and its request has run.
    full = queue_.size() >= limits::kAuditQueueMax && !entry.outcome;
    if (!full) {
      // The writer is woken to begin a group and to end its gathering, not for each read of it: a
      // wake-up costs more than all else that a read's event does on its loop.
      const bool urgent = entry.written != nullptr;
      wake = queue_.empty() || (urgent && !urgent_);
      urgent_ = urgent_ || urgent;
      queue_.push_back(std::move(entry));
    }
  }
  if (wake) wake_.notify_one();
  if (!full) return;
  writable_.store(false, std::memory_order_relaxed);
  Answer(entry, MakeError(ErrorCode::kUnavailable, "the audit log is full; try again in a moment"));
}

void AuditLog::Answer(Entry& entry, const Result<void>& result) {
  if (entry.written == nullptr) return;
  if (entry.loop == nullptr) return entry.written(result);
  entry.loop->Post([written = std::move(entry.written), result] { written(result); });
}

void AuditLog::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    // Reads alone may gather for a while; anyone who waits for durability ends the gathering.
    wake_.wait_for(lock, limits::kAuditGroupDelay, [&] { return stopping_ || urgent_; });
    std::vector<Entry> group = std::exchange(queue_, {});
    urgent_ = false;
    lock.unlock();
    const bool written = Write(group);
    writable_.store(written, std::memory_order_relaxed);
    lock.lock();
    if (written) continue;
    if (stopping_) {
      log::Err("audit events lost at shutdown", {{"events", group.size()}});
      return;
    }
    queue_.insert(queue_.begin(), std::make_move_iterator(group.begin()),
                  std::make_move_iterator(group.end()));
    wake_.wait_for(lock, kRetryDelay, [&] { return stopping_; });
  }
}

bool AuditLog::Write(std::vector<Entry>& group) {
  std::vector<AuditEvent> events;
  events.reserve(group.size());
  for (const Entry& entry : group) events.push_back(entry.event);
  const Result<void> written = store_.WriteAudit(events);
  if (!written) log::Err("the audit log cannot be written", {{"error", written.error()}});
  if (written) {
    for (Entry& entry : group) Answer(entry, written);
    return true;
  }
  // Whoever waits is refused, and then there is nothing to record later.  The rest is tried again.
  const auto waiting = std::stable_partition(
      group.begin(), group.end(), [](const Entry& entry) { return entry.written == nullptr; });
  const Error refusal = MakeError(ErrorCode::kUnavailable,
                                  "the audit log cannot be written, so nothing is let through");
  for (auto entry = waiting; entry != group.end(); ++entry) Answer(*entry, refusal);
  group.erase(waiting, group.end());
  return false;
}

}  // namespace mk8s::central

// The audit queue in front of the store.  One writer thread takes all that is queued and writes it
// in one transaction (group commit), so durability costs one fsync per group, not per request.
// Thread-safe.
//
// Rules (contract): a mutating or connecting request is durable before dispatch (Begin, then
// Finish); reads are written at least each limits::kAuditGroupDelay (Record).  When a group cannot
// be written, Writable() turns false, Begin fails and reads are refused too until a write succeeds
// again; the queue keeps what it holds, up to limits::kAuditQueueMax.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"
#include "models/audit.h"

namespace mk8s::net {
class Loop;
}
namespace mk8s::store {
class AuditStore;
}

namespace mk8s::central {

class AuditLog {
 public:
  explicit AuditLog(store::AuditStore& store);
  /// Writes what is queued, then joins.
  ~AuditLog();

  using Written = std::function<void(Result<void>)>;

  /// Queues an event that must be durable before something happens; `written` runs on `loop` once
  /// it is, or with the error.
  void Begin(AuditEvent event, net::Loop& loop, Written written);
  /// The outcome of an event that was begun: status, duration_ms, http_status, reason.
  void Finish(AuditEvent event);
  /// A whole event of a finished read, login or administrative change.
  void Record(AuditEvent event);
  /// Record that returns once the event is durable.  Blocking: pool threads only.  For
  /// administrative changes, before their effect.
  Result<void> RecordAndWait(AuditEvent event);

  /// False since the last group failed or while the queue is full: refuse requests.
  bool Writable() const { return writable_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    AuditEvent event;
    bool outcome = false;       // Finish: an update of a row that Begin made
    net::Loop* loop = nullptr;  // where `written` runs; null: on the writer's thread
    Written written;
  };

  void Queue(Entry entry);
  void Run();
  /// Writes a group and answers those who wait.  On failure leaves in `group` what is to be tried
  /// again.
  bool Write(std::vector<Entry>& group);
  static void Answer(Entry& entry, const Result<void>& result);

  store::AuditStore& store_;
  std::atomic<bool> writable_{true};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Entry> queue_;
  bool urgent_ = false;  // someone waits for durability
  bool stopping_ = false;
  std::thread writer_;
};

}  // namespace mk8s::central

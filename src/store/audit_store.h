// The part of the store that keeps the audit log; apart from the rest so that central's queue can
// be tested against a failing one.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "models/audit.h"

namespace mk8s::store {

/// One page of the audit log, newest first.
struct AuditPage {
  std::vector<AuditEvent> events;
  std::string next_before_id;  // AuditQuery::before_id of the next page; empty: this was the last
};

/// Threads: any, several at once; calls block, so never from a loop.
class AuditStore {
 public:
  virtual ~AuditStore() = default;

  /// Writes events in one transaction that is durable when this returns (fsync).  An event whose id
  /// is stored already (a `started` one) only gets its outcome: status, duration, http_status,
  /// reason.  So one call takes new events and outcomes mixed, and a call that failed with an
  /// unknown effect may be repeated: nothing is doubled.
  virtual Result<void> WriteAudit(std::span<const AuditEvent> events) = 0;

  /// `query.limit` is held to 1..kAuditPageMax.
  virtual Result<AuditPage> QueryAudit(const AuditQuery& query) = 0;

  /// Turns `started` events from before `before` (the start of this run) into `interrupted` and
  /// returns how many.  Should their outcome come after all (another replica lives), it wins.
  virtual Result<std::int64_t> MarkInterrupted(WallTime before) = 0;

  static constexpr int kAuditPageMax = 1000;  // a page is held in memory and sent as one body
};

}  // namespace mk8s::store

// One audit event: a decided request, a login, an administrative change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace mk8s {

enum class AuditStatus {
  kStarted,  // durable before dispatch; no outcome yet
  kAllowed,
  kDenied,
  kFailed,
  kInterrupted,  // started, then central died or the stream was cut
};

std::string_view Name(AuditStatus status);
std::optional<AuditStatus> AuditStatusFromName(std::string_view name);

struct AuditEvent {
  std::string id;  // UUID v7; the request id
  WallTime time{};
  std::string user_id;  // empty where nobody was authenticated
  std::string user;     // e-mail, kept when the user is gone
  std::string cluster_id;
  std::string cluster;  // name, kept when the cluster is gone
  std::string command;  // as the contract says: command line, else kubectl's sub-command, else verb
                        // and path
  AuditStatus status = AuditStatus::kStarted;
  std::int64_t duration_ms = 0;
  std::string verb;
  std::string api_group;
  std::string resource;
  std::string subresource;
  std::string namespace_;
  std::string name;
  int http_status = 0;  // 0: none was sent
  std::string source_ip;
  std::string reason;           // why it was denied, failed or interrupted
  std::string kubectl_session;  // kubectl's Kubectl-Session, joins the requests of one command
};

/// What `GET /audit` filters by; empty = any.  Newest first.
struct AuditQuery {
  std::optional<WallTime> since;
  std::optional<WallTime> until;
  std::string user;     // e-mail or UUID
  std::string cluster;  // name or UUID
  std::string verb;
  std::optional<AuditStatus> status;
  std::string id;
  std::string before_id;  // cursor: events older than this id
  int limit = 100;
};

}  // namespace mk8s

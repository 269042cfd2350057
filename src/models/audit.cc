// Names of audit statuses, as in JSON and the database.
#include "models/audit.h"

namespace mk8s {

std::string_view Name(AuditStatus status) {
  switch (status) {
    case AuditStatus::kStarted:
      return "started";
    case AuditStatus::kAllowed:
      return "allowed";
    case AuditStatus::kDenied:
      return "denied";
    case AuditStatus::kFailed:
      return "failed";
    case AuditStatus::kInterrupted:
      return "interrupted";
  }
  return "failed";
}

std::optional<AuditStatus> AuditStatusFromName(std::string_view name) {
  for (AuditStatus status : {AuditStatus::kStarted, AuditStatus::kAllowed, AuditStatus::kDenied,
                             AuditStatus::kFailed, AuditStatus::kInterrupted}) {
    if (Name(status) == name) return status;
  }
  return std::nullopt;
}

}  // namespace mk8s

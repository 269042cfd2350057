// /audit, for administrators.
#include <charconv>

#include "base/ids.h"
#include "central/rest_call.h"
#include "central/rest_json.h"
#include "central/services.h"
#include "store/store.h"

namespace mk8s::central {
namespace {

Error Bad(std::string_view key, const std::string& what) {
  return MakeError(ErrorCode::kInvalidArgument, std::string(key) + ": " + what);
}

// A moment in RFC 3339, or a duration before now: "2026-11-24T10:00:00Z", "15m".
Result<std::optional<WallTime>> Moment(const RestCall& call, std::string_view key) {
  const std::string_view text = call.Query(key);
  if (text.empty()) return std::optional<WallTime>();
  if (const auto time = ParseTime(text)) return std::optional(*time);
  if (const auto ago = ParseDuration(text)) return std::optional<WallTime>(call.now - *ago);
  return Bad(key, "must be a time such as 2026-11-24T10:00:00Z, or a duration such as 15m");
}

Result<int> Limit(std::string_view text) {
  int limit = AuditQuery{}.limit;
  if (text.empty()) return limit;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  const int most = store::AuditStore::kAuditPageMax;
  if (error != std::errc{} || end != text.data() + text.size() || limit < 1 || limit > most) {
    return Bad("limit", "must be a number from 1 to " + std::to_string(most));
  }
  return limit;
}

}  // namespace

Result<RestAnswer> ListAudit(RestCall& call) {
  AuditQuery query;
  MK8S_ASSIGN_OR_RETURN(query.since, Moment(call, "since"));
  MK8S_ASSIGN_OR_RETURN(query.until, Moment(call, "until"));
  MK8S_ASSIGN_OR_RETURN(query.limit, Limit(call.Query("limit")));
  query.user = call.Query("user");
  query.cluster = call.Query("cluster");
  query.verb = call.Query("verb");
  query.id = call.Query("id");
  query.before_id = call.Query("cursor");
  if (!query.before_id.empty() && !IsUuid(query.before_id)) {
    return Bad("cursor", "must be the next_cursor of an earlier answer");
  }
  if (const std::string_view status = call.Query("status"); !status.empty()) {
    query.status = AuditStatusFromName(status);
    if (!query.status) {
      return Bad("status", "must be started, allowed, denied, failed or interrupted");
    }
  }
  MK8S_ASSIGN_OR_RETURN(const store::AuditPage page, call.services.store.QueryAudit(query));
  return RestAnswer{200, RenderAudit(page.events, page.next_before_id)};
}

}  // namespace mk8s::central

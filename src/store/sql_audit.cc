// The audit log.  Rows are only added, and an outcome is filled in once.
#include <unordered_map>

#include "base/text.h"
#include "store/sql_store.h"

namespace mk8s::store {
namespace {

constexpr std::string_view kColumns =
    "id, user_id, cluster_id, command, status, duration_ms, created_at, user_email, cluster_name, "
    "verb, api_group, resource, subresource, namespace, object_name, http_status, source_ip, "
    "reason, kubectl_session";
constexpr int kColumnCount = 19;

// A few sizes, so that few statements are prepared; PostgreSQL then needs one round trip for many
// rows.
constexpr std::size_t kRowsPerInsert[] = {64, 8, 1};

// An `interrupted` row takes an outcome too: MarkInterrupted cannot tell a dead process's events
// from those of a replica that lives.
constexpr std::string_view kOutcome =
    " ON CONFLICT (id) DO UPDATE SET status = excluded.status, duration_ms = excluded.duration_ms, "
    "http_status = excluded.http_status, reason = excluded.reason "
    "WHERE audit_logs.status IN ('started', 'interrupted') AND excluded.status <> 'started'";

std::string InsertSql(std::size_t rows) {
  std::string sql = "INSERT INTO audit_logs (" + std::string(kColumns) + ") VALUES ";
  int number = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    sql += row == 0 ? "(" : ", (";
    for (int column = 0; column < kColumnCount; ++column) {
      sql += (column == 0 ? "$" : ", $") + std::to_string(++number);
    }
    sql += ")";
  }
  return sql + std::string(kOutcome);
}

// Outside text is made printable: a terminal that shows it stays unmoved, and no byte of it can
// make the database refuse the row.
AuditEvent Cleaned(AuditEvent event) {
  for (std::string* text :
       {&event.user, &event.cluster, &event.command, &event.verb, &event.api_group, &event.resource,
        &event.subresource, &event.namespace_, &event.name, &event.source_ip, &event.reason,
        &event.kubectl_session}) {
    *text = Printable(*text);
  }
  return event;
}

void AppendParams(const AuditEvent& event, std::vector<Param>& params) {
  params.insert(params.end(),
                {event.id, event.user_id, event.cluster_id, event.command, Name(event.status),
                 event.duration_ms, event.time, event.user, event.cluster, event.verb,
                 event.api_group, event.resource, event.subresource, event.namespace_, event.name,
                 event.http_status, event.source_ip, event.reason, event.kubectl_session});
}

AuditEvent ReadEvent(const Row& row) {
  AuditEvent event;
  event.id = row.String(0);
  event.user_id = row.String(1);
  event.cluster_id = row.String(2);
  event.command = row.String(3);
  event.status = AuditStatusFromName(row.Text(4)).value_or(AuditStatus::kFailed);
  event.duration_ms = row.Integer(5);
  event.time = row.Time(6);
  event.user = row.String(7);
  event.cluster = row.String(8);
  event.verb = row.String(9);
  event.api_group = row.String(10);
  event.resource = row.String(11);
  event.subresource = row.String(12);
  event.namespace_ = row.String(13);
  event.name = row.String(14);
  event.http_status = static_cast<int>(row.Integer(15));
  event.source_ip = row.String(16);
  event.reason = row.String(17);
  event.kubectl_session = row.String(18);
  return event;
}

// One event for each id: an INSERT of several rows may not touch one row twice.  Of an event and
// its outcome in the same group the outcome is kept, for it holds all of the event.
std::vector<AuditEvent> Merged(std::span<const AuditEvent> events) {
  std::vector<AuditEvent> merged;
  merged.reserve(events.size());
  std::unordered_map<std::string_view, std::size_t> position;
  for (const AuditEvent& event : events) {
    const auto [found, added] = position.emplace(event.id, merged.size());
    if (added) {
      merged.push_back(Cleaned(event));
    } else if (event.status != AuditStatus::kStarted) {
      merged[found->second] = Cleaned(event);
    }
  }
  return merged;
}

// WHERE clauses joined by AND, with their parameters numbered.
class Filter {
 public:
  void Add(std::string_view before, Param param, std::string_view after = "") {
    params_.push_back(std::move(param));
    const std::string number = "$" + std::to_string(params_.size());
    sql_ += sql_.empty() ? " WHERE " : " AND ";
    sql_ += before;
    sql_ += number;
    if (!after.empty()) sql_ += std::string(after) + number + ")";
  }
  std::vector<Param>& params() { return params_; }
  const std::string& sql() const { return sql_; }

 private:
  std::string sql_;
  std::vector<Param> params_;
};

}  // namespace

Result<void> SqlStore::WriteAudit(std::span<const AuditEvent> events) {
  if (events.empty()) return {};
  const std::vector<AuditEvent> merged = Merged(events);
  return database_->Run(Access::kWrite, [&](Connection& connection) -> Result<void> {
    std::size_t written = 0;
    for (const std::size_t rows : kRowsPerInsert) {
      if (merged.size() - written < rows) continue;
      const std::string sql = InsertSql(rows);
      std::vector<Param> params;
      for (; merged.size() - written >= rows; written += rows) {
        params.clear();
        for (std::size_t i = 0; i < rows; ++i) AppendParams(merged[written + i], params);
        MK8S_RETURN_IF_ERROR(connection.Execute(sql, params, {}));
      }
    }
    return {};
  });
}

Result<AuditPage> SqlStore::QueryAudit(const AuditQuery& query) {
  const int limit = std::clamp(query.limit, 1, kAuditPageMax);
  const std::string user = ToLower(query.user);
  Filter filter;
  if (query.since) filter.Add("created_at >= ", *query.since);
  if (query.until) filter.Add("created_at < ", *query.until);
  if (!user.empty()) filter.Add("(user_email = ", user, " OR user_id = ");
  if (!query.cluster.empty()) filter.Add("(cluster_name = ", query.cluster, " OR cluster_id = ");
  if (!query.verb.empty()) filter.Add("verb = ", query.verb);
  if (query.status) filter.Add("status = ", Name(*query.status));
  if (!query.id.empty()) filter.Add("id = ", query.id);
  if (!query.before_id.empty()) filter.Add("id < ", query.before_id);
  filter.params().push_back(limit + 1);
  const std::string sql = "SELECT " + std::string(kColumns) + " FROM audit_logs" + filter.sql() +
                          " ORDER BY id DESC LIMIT $" + std::to_string(filter.params().size());
  AuditPage page;
  MK8S_RETURN_IF_ERROR(database_->Run(Access::kRead, [&](Connection& connection) -> Result<void> {
    page = {};
    MK8S_RETURN_IF_ERROR(connection.Execute(
        sql, filter.params(), [&](const Row& row) { page.events.push_back(ReadEvent(row)); }));
    return {};
  }));
  if (page.events.size() > static_cast<std::size_t>(limit)) {
    page.events.pop_back();
    page.next_before_id = page.events.back().id;
  }
  return page;
}

Result<std::int64_t> SqlStore::MarkInterrupted(WallTime before) {
  std::int64_t marked = 0;
  MK8S_RETURN_IF_ERROR(database_->Run(Access::kWrite, [&](Connection& connection) -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(
        marked,
        connection.Execute("UPDATE audit_logs SET status = 'interrupted', reason = 'mk8s-central "
                           "stopped before the outcome was known' WHERE status = 'started' AND "
                           "created_at < $1",
                           {before}));
    return {};
  }));
  return marked;
}

}  // namespace mk8s::store

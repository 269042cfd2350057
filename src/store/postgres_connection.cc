// Statements over libpq (https://www.postgresql.org/docs/15/libpq-async.html): sent, then awaited
// with poll until a deadline, so that a silent server or network cannot hold a request.
#include "store/postgres_connection.h"

#include <poll.h>

#include <charconv>

#include "base/limits.h"

namespace mk8s::store {
namespace {

class PostgresRow : public Row {
 public:
  PostgresRow(const PGresult* result, int row) : result_(result), row_(row) {}
  bool IsNull(int column) const override { return PQgetisnull(result_, row_, column) != 0; }
  std::string_view Text(int column) const override {
    return {PQgetvalue(result_, row_, column),
            static_cast<std::size_t>(PQgetlength(result_, row_, column))};
  }
  std::string Bytes(int column) const override {
    std::size_t size = 0;
    unsigned char* bytes = PQunescapeBytea(
        reinterpret_cast<const unsigned char*>(PQgetvalue(result_, row_, column)), &size);
    std::string copy;
    if (bytes) copy.assign(reinterpret_cast<const char*>(bytes), size);
    PQfreemem(bytes);
    return copy;
  }

 private:
  const PGresult* result_;
  int row_;
};

// Parameters in libpq's four parallel arrays; text needs a terminating NUL, so it is copied.
struct Arguments {
  explicit Arguments(std::span<const Param> params) {
    text.reserve(params.size());
    for (const Param& param : params) {
      const bool is_null = param.kind == Param::Kind::kNull;
      switch (param.kind) {
        case Param::Kind::kInteger:
          text.push_back(std::to_string(param.integer));
          break;
        case Param::Kind::kBoolean:
          text.emplace_back(param.integer != 0 ? "t" : "f");
          break;
        default:
          text.emplace_back(param.Text());
      }
      has_nul |= param.kind == Param::Kind::kText && text.back().find('\0') != std::string::npos;
      values.push_back(is_null ? nullptr : text.back().c_str());
      lengths.push_back(static_cast<int>(text.back().size()));
      formats.push_back(param.kind == Param::Kind::kBytes ? 1 : 0);
    }
  }
  std::vector<std::string> text;
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;
  bool has_nul = false;
};

}  // namespace

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::Open(const std::string& conninfo) {
  // tcp_user_timeout and keepalives end a connection whose peer vanished; statement_timeout ends a
  // statement on the server a little before we stop waiting for it.
  const std::string deadline_seconds = std::to_string(limits::kStoreDeadline.count());
  const std::string deadline_ms = deadline_seconds + "000";
  const std::string options =
      "-c statement_timeout=" + std::to_string(limits::kStoreDeadline.count() - 1) +
      "s -c idle_in_transaction_session_timeout=" + deadline_seconds +
      "s -c TimeZone=UTC -c DateStyle=ISO -c bytea_output=hex -c synchronous_commit=on"
      " -c client_min_messages=warning";
  const char* keys[] = {"connect_timeout",
                        "keepalives_idle",
                        "keepalives_interval",
                        "keepalives_count",
                        "tcp_user_timeout",
                        "application_name",
                        "client_encoding",
                        "options",
                        "dbname",
                        nullptr};
  // dbname comes last and is expanded, so what the URL says wins over the rest but `options`, which
  // it should not set.
  const char* values[] = {"5",
                          "10",
                          "5",
                          "3",
                          deadline_ms.c_str(),
                          "mk8s-central",
                          "UTF8",
                          options.c_str(),
                          conninfo.c_str(),
                          nullptr};
  std::unique_ptr<PostgresConnection> connection(
      new PostgresConnection(PQconnectdbParams(keys, values, 1)));
  PGconn* raw = connection->connection_.get();
  if (PQstatus(raw) != CONNECTION_OK) {
    const char* host = PQhost(raw);
    return MakeError(ErrorCode::kUnavailable,
                     std::string("cannot reach the PostgreSQL database") +
                         (host && *host ? std::string(" at ") + host : std::string()) +
                         "; check that it runs and that database.url is right",
                     PQerrorMessage(raw));
  }
  PQsetnonblocking(raw, 1);
  PQsetNoticeProcessor(
      raw, [](void*, const char*) {}, nullptr);
  return connection;
}

bool PostgresConnection::Broken() const {
  return lost_ || PQstatus(connection_.get()) != CONNECTION_OK;
}

Error PostgresConnection::Lost(std::string_view why) {
  lost_ = true;
  return MakeError(ErrorCode::kUnavailable, "the database connection was lost; try again",
                   std::string(why) + ": " + PQerrorMessage(connection_.get()));
}

Error PostgresConnection::ToError(const PGresult* result) {
  const char* field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string_view state = field ? field : "";
  std::string detail = "SQLSTATE " + std::string(state) + ": " + PQresultErrorMessage(result);
  // Classes: https://www.postgresql.org/docs/15/errcodes-appendix.html
  if (state == "23505") {
    return MakeError(ErrorCode::kAlreadyExists, "it exists already", std::move(detail));
  }
  if (state.starts_with("22")) {
    return MakeError(ErrorCode::kInvalidArgument, "the database cannot hold this text",
                     std::move(detail));
  }
  if (state.starts_with("40")) {
    conflicted_ = true;
    return MakeError(ErrorCode::kUnavailable, "the database was busy with a conflicting change",
                     std::move(detail));
  }
  if (state == "25006" || state == "42501") {
    return MakeError(ErrorCode::kPermissionDenied,
                     "the PostgreSQL database refuses writes: grant the user of database.url the "
                     "rights of the database's owner, and point it at the primary",
                     std::move(detail));
  }
  // 08 connection, 53 resources, 55 lock, 57 operator intervention (shutdown, statement_timeout).
  if (state.empty() || state.starts_with("08") || state.starts_with("53") ||
      state.starts_with("55") || state.starts_with("57")) {
    return MakeError(ErrorCode::kUnavailable, "the database is not available now; try again",
                     std::move(detail));
  }
  return MakeError(ErrorCode::kInternal, "the database failed", std::move(detail));
}

Result<void> PostgresConnection::WaitForSocket(std::chrono::steady_clock::time_point deadline) {
  const int flushed = PQflush(connection_.get());
  if (flushed < 0) return Lost("send");
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0) return Lost("no answer within the deadline");
  pollfd descriptor{PQsocket(connection_.get()),
                    static_cast<short>(flushed == 1 ? POLLIN | POLLOUT : POLLIN), 0};
  if (descriptor.fd < 0) return Lost("no socket");
  ::poll(&descriptor, 1, static_cast<int>(left.count()));
  if ((descriptor.revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
      PQconsumeInput(connection_.get()) == 0) {
    return Lost("receive");
  }
  return {};
}

Result<PostgresConnection::Answer> PostgresConnection::Await() {
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  Answer answer;
  std::optional<Error> error;
  while (true) {
    while (PQflush(connection_.get()) == 1 || PQisBusy(connection_.get()) == 1) {
      MK8S_RETURN_IF_ERROR(WaitForSocket(deadline));
    }
    Answer next(PQgetResult(connection_.get()));
    if (!next) break;
    const ExecStatusType status = PQresultStatus(next.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && !error) {
      error = ToError(next.get());
    }
    answer = std::move(next);
  }
  if (error) return *std::move(error);
  if (!answer) return Lost("no answer");
  return answer;
}

Result<std::string> PostgresConnection::Prepare(std::string_view sql) {
  const std::string key(sql);
  if (const auto found = prepared_.find(key); found != prepared_.end()) return found->second;
  const std::string name = "s" + std::to_string(prepared_.size());
  if (PQsendPrepare(connection_.get(), name.c_str(), key.c_str(), 0, nullptr) == 0) {
    return Lost("prepare");
  }
  MK8S_RETURN_IF_ERROR(Await());
  prepared_.emplace(key, name);
  return name;
}

Result<std::int64_t> PostgresConnection::Execute(std::string_view sql,
                                                 std::span<const Param> params,
                                                 const RowReader& reader) {
  conflicted_ = false;
  const Arguments arguments(params);
  if (arguments.has_nul) {
    return MakeError(ErrorCode::kInvalidArgument, "text must not contain a NUL byte");
  }
  MK8S_ASSIGN_OR_RETURN(const std::string name, Prepare(sql));
  if (PQsendQueryPrepared(connection_.get(), name.c_str(), static_cast<int>(params.size()),
                          arguments.values.data(), arguments.lengths.data(),
                          arguments.formats.data(), 0) == 0) {
    return Lost("send");
  }
  MK8S_ASSIGN_OR_RETURN(const Answer answer, Await());
  const int rows = PQntuples(answer.get());
  if (reader) {
    for (int i = 0; i < rows; ++i) reader(PostgresRow(answer.get(), i));
  }
  if (PQresultStatus(answer.get()) == PGRES_TUPLES_OK) return std::int64_t{rows};
  const std::string_view changed = PQcmdTuples(answer.get());
  std::int64_t count = 0;
  std::from_chars(changed.data(), changed.data() + changed.size(), count);
  return count;
}

Result<void> PostgresConnection::ExecuteScript(const std::string& sql) {
  if (PQsendQuery(connection_.get(), sql.c_str()) == 0) return Lost("send");
  MK8S_RETURN_IF_ERROR(Await());
  return {};
}

}  // namespace mk8s::store

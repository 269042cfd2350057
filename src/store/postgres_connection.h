// One libpq connection, used without blocking so that every wait has a deadline.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/limits.h"
#include "store/sql.h"

namespace mk8s::store {

class PostgresConnection : public Connection {
 public:
  static Result<std::unique_ptr<PostgresConnection>> Open(const std::string& conninfo);

  using Connection::Execute;
  Result<std::int64_t> Execute(std::string_view sql, std::span<const Param> params,
                               const RowReader& reader) override;
  Result<void> ExecuteScript(const std::string& sql) override;

  /// The connection died or was left in the middle of an answer; it cannot be used again.
  bool Broken() const;
  /// The last error was a conflict with another transaction: running it again may succeed.
  bool Conflicted() const { return conflicted_; }
  /// How long a statement is awaited; limits::kStoreDeadline at first.
  void SetPatience(std::chrono::seconds patience) { patience_ = patience; }

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using Answer = std::unique_ptr<PGresult, Clear>;

  explicit PostgresConnection(PGconn* connection) : connection_(connection) {}
  Result<std::string> Prepare(std::string_view sql);
  /// Waits for the answer to what was sent; more than one answer (a script): the last, or the first
  /// error.
  Result<Answer> Await();
  Result<void> WaitForSocket(std::chrono::steady_clock::time_point deadline);
  Error Lost(std::string_view why);
  Error ToError(const PGresult* result);

  std::unique_ptr<PGconn, Finish> connection_;
  std::unordered_map<std::string, std::string> prepared_;  // SQL -> name of the statement
  std::chrono::seconds patience_ = limits::kStoreDeadline;
  bool lost_ = false;
  bool conflicted_ = false;
};

}  // namespace mk8s::store

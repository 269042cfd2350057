// PostgreSQL behind sql.h: a small pool of connections that mend themselves.
#include "base/limits.h"
#include "store/databases.h"
#include "store/pool.h"
#include "store/postgres_connection.h"

namespace mk8s::store {
namespace {

constexpr int kTriesMax = 4;
// Later failures are not tried again, so that tries do not add up to more than one deadline.
constexpr std::chrono::seconds kRetryWindow{2};
// Any number, the same in every mk8s: whoever holds it migrates.
constexpr std::string_view kMigrationLock = "SELECT pg_advisory_xact_lock(7311906)";
constexpr std::string_view kNoStatementTimeout = "SET LOCAL statement_timeout = 0";

std::string_view BeginSql(Access access) {
  // REPEATABLE READ: every statement of a reader sees one moment.  Writers use READ COMMITTED, so
  // that an UPDATE that waited for a row lock sees what the other wrote.
  return access == Access::kRead ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "BEGIN";
}

class PostgresDatabase : public Database {
 public:
  PostgresDatabase(const std::string& conninfo, int connections_max)
      : pool_(connections_max, [conninfo] { return PostgresConnection::Open(conninfo); }) {}

  Result<void> Run(Access access, const Body& body) override {
    const auto start = std::chrono::steady_clock::now();
    for (int tries = 1;; ++tries) {
      MK8S_ASSIGN_OR_RETURN(auto connection, pool_.Acquire());
      bool repeatable = true;
      auto result = RunOn(*connection, access, body, repeatable);
      if (connection->Broken()) {
        connection.Discard();
        pool_.Clear();
      }
      const auto elapsed = std::chrono::steady_clock::now() - start;
      if (result || !repeatable || tries == kTriesMax || elapsed > kRetryWindow) return result;
    }
  }

 private:
  // `repeatable` tells whether the failure is one that a second try can mend and that certainly
  // left nothing behind: a connection that was dead before COMMIT, or a conflict.
  Result<void> RunOn(PostgresConnection& connection, Access access, const Body& body,
                     bool& repeatable) {
    Result<void> result;
    const auto step = [&](Result<std::int64_t> outcome) {
      if (!outcome) result = std::move(outcome).error();
      return result.has_value();
    };
    const bool migrating = access == Access::kMigrate;
    connection.SetPatience(migrating ? limits::kMigrationDeadline : limits::kStoreDeadline);
    if (step(connection.Execute(BeginSql(access))) &&
        (!migrating || (step(connection.Execute(kNoStatementTimeout)) &&
                        step(connection.Execute(kMigrationLock))))) {
      result = body(connection);
      if (result) {
        const bool committed = step(connection.Execute("COMMIT"));
        repeatable = !committed && (access == Access::kRead || connection.Conflicted());
        if (committed) return {};
        return result;
      }
    }
    repeatable = connection.Broken() || connection.Conflicted();
    if (!connection.Broken()) (void)connection.Execute("ROLLBACK");
    return result;
  }

  Pool<PostgresConnection> pool_;
};

}  // namespace

Result<std::unique_ptr<Database>> OpenPostgres(const std::string& conninfo, int connections_max) {
  auto database = std::make_unique<PostgresDatabase>(conninfo, connections_max);
  MK8S_RETURN_IF_ERROR(database->Run(Access::kRead, [](Connection&) { return Result<void>(); }));
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace mk8s::store

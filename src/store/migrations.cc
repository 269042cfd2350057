// The tables, as the steps that led to them.  A step that was released is never edited: a change is
// a new step at the end.  The same text runs in both databases (see sql.h on types).
#include "store/migrations.h"

#include "base/clock.h"

namespace mk8s::store {
namespace {

constexpr const char* kSteps[] = {
    // 1: audit_logs has no foreign keys, so its rows outlive users and clusters; their names stand
    // beside the ids.  roles.admin repeats what permissions says, to count administrators by SQL.
    R"sql(
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL,
  password_change_required BOOLEAN NOT NULL,
  disabled BOOLEAN NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  last_login TIMESTAMPTZ
);
CREATE TABLE roles (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  permissions JSONB NOT NULL,
  admin BOOLEAN NOT NULL,
  built_in BOOLEAN NOT NULL
);
CREATE TABLE user_roles (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role_id TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
  PRIMARY KEY (user_id, role_id)
);
CREATE INDEX user_roles_role ON user_roles (role_id);
CREATE TABLE clusters (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  agent_token TEXT NOT NULL,
  token_generation BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  status TEXT NOT NULL,
  last_seen TIMESTAMPTZ,
  metadata JSONB NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE audit_logs (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  cluster_id TEXT NOT NULL,
  command TEXT NOT NULL,
  status TEXT NOT NULL,
  duration_ms BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  user_email TEXT NOT NULL,
  cluster_name TEXT NOT NULL,
  verb TEXT NOT NULL,
  api_group TEXT NOT NULL,
  resource TEXT NOT NULL,
  subresource TEXT NOT NULL,
  namespace TEXT NOT NULL,
  object_name TEXT NOT NULL,
  http_status BIGINT NOT NULL,
  source_ip TEXT NOT NULL,
  reason TEXT NOT NULL,
  kubectl_session TEXT NOT NULL
);
CREATE INDEX audit_logs_created_at ON audit_logs (created_at);
CREATE INDEX audit_logs_user ON audit_logs (user_email, id);
CREATE INDEX audit_logs_cluster ON audit_logs (cluster_name, id);
CREATE INDEX audit_logs_started ON audit_logs (created_at) WHERE status = 'started';
CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL,
  revoked_at TIMESTAMPTZ,
  refresh_hash TEXT NOT NULL UNIQUE,
  source_ip TEXT NOT NULL,
  user_agent TEXT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE TABLE spent_refresh_tokens (
  hash TEXT PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE
);
CREATE INDEX spent_refresh_tokens_session ON spent_refresh_tokens (session_id);
CREATE TABLE login_failures (
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  failures BIGINT NOT NULL,
  window_started_at TIMESTAMPTZ NOT NULL,
  locked_until TIMESTAMPTZ,
  PRIMARY KEY (kind, subject)
);
CREATE TABLE secrets (
  name TEXT PRIMARY KEY,
  sealed BYTEA NOT NULL
);
CREATE TABLE changes (
  id BIGINT PRIMARY KEY CHECK (id = 1),
  number BIGINT NOT NULL
);
INSERT INTO changes (id, number) VALUES (1, 1);
)sql",
};

constexpr int kNewestVersion = static_cast<int>(std::size(kSteps));

Result<int> ReadVersion(Connection& connection) {
  int version = 0;
  MK8S_RETURN_IF_ERROR(
      connection.Execute("SELECT MAX(version) FROM schema_migrations", {},
                         [&](const Row& row) { version = static_cast<int>(row.Integer(0)); }));
  return version;
}

}  // namespace

Result<void> Migrate(Database& database) {
  return database.Run(Access::kMigrate, [](Connection& connection) -> Result<void> {
    MK8S_RETURN_IF_ERROR(
        connection.ExecuteScript("CREATE TABLE IF NOT EXISTS schema_migrations ("
                                 "version BIGINT PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL)"));
    MK8S_ASSIGN_OR_RETURN(const int version, ReadVersion(connection));
    if (version > kNewestVersion) {
      return MakeError(ErrorCode::kFailedPrecondition,
                       "the database has schema version " + std::to_string(version) +
                           ", written by a newer mk8s than this one (which knows up to " +
                           std::to_string(kNewestVersion) + "); run the newer one");
    }
    for (int next = version + 1; next <= kNewestVersion; ++next) {
      MK8S_RETURN_IF_ERROR(connection.ExecuteScript(kSteps[next - 1]));
      MK8S_RETURN_IF_ERROR(
          connection.Execute("INSERT INTO schema_migrations (version, applied_at) VALUES ($1, $2)",
                             {next, SystemClock().Now()}));
    }
    return {};
  });
}

Result<int> ReadSchemaVersion(Database& database) {
  int version = 0;
  MK8S_RETURN_IF_ERROR(database.Run(Access::kRead, [&](Connection& connection) -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(version, ReadVersion(connection));
    return {};
  }));
  return version;
}

}  // namespace mk8s::store

// The whole state for the snapshot, the change number, secrets, and what transactions share.
#include <unordered_map>

#include "store/migrations.h"
#include "store/rows.h"
#include "store/sql_store.h"

namespace mk8s::store {
namespace {

constexpr std::string_view kCountAdmins =
    "SELECT COUNT(DISTINCT users.id) FROM users JOIN user_roles ON user_roles.user_id = users.id "
    "JOIN roles ON roles.id = user_roles.role_id WHERE roles.admin = TRUE AND users.disabled = "
    "FALSE";

Result<std::int64_t> ReadNumber(Connection& connection, std::string_view sql) {
  std::int64_t number = 0;
  MK8S_RETURN_IF_ERROR(
      connection.Execute(sql, {}, [&](const Row& row) { number = row.Integer(0); }));
  return number;
}

Result<void> LoadUsers(Connection& connection, StoredState& state) {
  MK8S_RETURN_IF_ERROR(
      connection.Execute(Select(kUserColumns, "FROM users"), {},
                         [&](const Row& row) { state.users.push_back(ReadUser(row)); }));
  std::unordered_map<std::string_view, User*> by_id;
  by_id.reserve(state.users.size());
  for (User& user : state.users) by_id.emplace(user.id, &user);
  MK8S_RETURN_IF_ERROR(connection.Execute(
      "SELECT user_roles.user_id, roles.name FROM user_roles JOIN roles ON roles.id = "
      "user_roles.role_id",
      {}, [&](const Row& row) {
        const auto user = by_id.find(row.Text(0));
        if (user != by_id.end()) user->second->roles.push_back(row.String(1));
      }));
  for (User& user : state.users) std::sort(user.roles.begin(), user.roles.end());
  return {};
}

}  // namespace

Result<void> SqlStore::Change(const Database::Body& body) {
  return database_->Run(Access::kWrite, [&](Connection& connection) -> Result<void> {
    MK8S_RETURN_IF_ERROR(connection.Execute("UPDATE changes SET number = number + 1"));
    return body(connection);
  });
}

Result<void> SqlStore::ChangeKeepingAnAdmin(const Database::Body& body) {
  return Change([&](Connection& connection) -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(const std::int64_t before, ReadNumber(connection, kCountAdmins));
    MK8S_RETURN_IF_ERROR(body(connection));
    MK8S_ASSIGN_OR_RETURN(const std::int64_t after, ReadNumber(connection, kCountAdmins));
    if (before > 0 && after == 0) {
      return MakeError(ErrorCode::kFailedPrecondition,
                       "this would leave no enabled user with an administrator's role; give the "
                       "role to someone else first");
    }
    return {};
  });
}

Result<std::int64_t> SqlStore::ChangeNumber() {
  std::int64_t number = 0;
  MK8S_RETURN_IF_ERROR(database_->Run(Access::kRead, [&](Connection& connection) -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(number, ReadNumber(connection, "SELECT number FROM changes"));
    return {};
  }));
  return number;
}

Result<StoredState> SqlStore::LoadAll(WallTime now) {
  StoredState state;
  MK8S_RETURN_IF_ERROR(database_->Run(Access::kRead, [&](Connection& connection) -> Result<void> {
    state = {};
    MK8S_ASSIGN_OR_RETURN(state.change_number,
                          ReadNumber(connection, "SELECT number FROM changes"));
    MK8S_RETURN_IF_ERROR(LoadUsers(connection, state));
    MK8S_RETURN_IF_ERROR(
        connection.Execute(Select(kRoleColumns, "FROM roles ORDER BY name"), {},
                           [&](const Row& row) { state.roles.push_back(ReadRole(row)); }));
    MK8S_RETURN_IF_ERROR(
        connection.Execute(Select(kClusterColumns, "FROM clusters ORDER BY name"), {},
                           [&](const Row& row) { state.clusters.push_back(ReadCluster(row)); }));
    MK8S_RETURN_IF_ERROR(connection.Execute(
        Select(kSessionColumns, "FROM sessions WHERE revoked_at IS NULL AND expires_at > $1"),
        {now}, [&](const Row& row) { state.sessions.push_back(ReadSession(row)); }));
    return {};
  }));
  return state;
}

Result<int> SqlStore::SchemaVersion() { return ReadSchemaVersion(*database_); }

Result<std::optional<std::string>> SqlStore::FindSecret(std::string_view name) {
  std::optional<std::string> sealed;
  MK8S_RETURN_IF_ERROR(database_->Run(Access::kRead, [&](Connection& connection) -> Result<void> {
    sealed.reset();
    MK8S_RETURN_IF_ERROR(connection.Execute("SELECT sealed FROM secrets WHERE name = $1", {name},
                                            [&](const Row& row) { sealed = row.Bytes(0); }));
    return {};
  }));
  return sealed;
}

Result<std::string> SqlStore::PutSecretOnce(std::string_view name, std::string_view sealed) {
  std::string winner;
  MK8S_RETURN_IF_ERROR(database_->Run(Access::kWrite, [&](Connection& connection) -> Result<void> {
    MK8S_RETURN_IF_ERROR(connection.Execute(
        "INSERT INTO secrets (name, sealed) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        {name, Param::Bytes(sealed)}));
    MK8S_RETURN_IF_ERROR(connection.Execute("SELECT sealed FROM secrets WHERE name = $1", {name},
                                            [&](const Row& row) { winner = row.Bytes(0); }));
    return {};
  }));
  return winner;
}

}  // namespace mk8s::store

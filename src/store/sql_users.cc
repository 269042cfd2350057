// Users and the roles assigned to them.
#include "base/text.h"
#include "store/rows.h"
#include "store/sql_store.h"

namespace mk8s::store {
namespace {

Result<User> Find(Connection& connection, std::string_view id_or_email) {
  std::optional<User> user;
  MK8S_RETURN_IF_ERROR(connection.Execute(
      Select(kUserColumns, "FROM users WHERE id = $1 OR email = $2"),
      {id_or_email, ToLower(id_or_email)}, [&](const Row& row) { user = ReadUser(row); }));
  if (!user) {
    return MakeError(ErrorCode::kNotFound,
                     "there is no user \"" + Printable(id_or_email, 254) + "\"");
  }
  MK8S_RETURN_IF_ERROR(connection.Execute(
      "SELECT roles.name FROM user_roles JOIN roles ON roles.id = user_roles.role_id WHERE "
      "user_roles.user_id = $1 ORDER BY roles.name",
      {user->id}, [&](const Row& row) { user->roles.push_back(row.String(0)); }));
  return *std::move(user);
}

Result<void> SetRoles(Connection& connection, const std::string& user_id,
                      const std::vector<std::string>& roles) {
  MK8S_RETURN_IF_ERROR(connection.Execute("DELETE FROM user_roles WHERE user_id = $1", {user_id}));
  for (const std::string& role : roles) {
    std::string role_id;
    MK8S_RETURN_IF_ERROR(connection.Execute("SELECT id FROM roles WHERE name = $1", {role},
                                            [&](const Row& row) { role_id = row.String(0); }));
    if (role_id.empty()) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "there is no role \"" + Printable(role, 128) +
                           "\"; mk8s roles list shows those there are");
    }
    MK8S_RETURN_IF_ERROR(connection.Execute(
        "INSERT INTO user_roles (user_id, role_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        {user_id, role_id}));
  }
  return {};
}

Result<void> EndSessions(Connection& connection, const std::string& user_id,
                         const std::string& keep_session_id, WallTime now) {
  MK8S_RETURN_IF_ERROR(connection.Execute(
      "UPDATE sessions SET revoked_at = $1 WHERE user_id = $2 AND id <> $3 AND revoked_at IS NULL",
      {now, user_id, keep_session_id}));
  return {};
}

}  // namespace

Result<void> SqlStore::CreateUser(const User& user) {
  return Change([&](Connection& connection) -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(
        const std::int64_t created,
        connection.Execute(
            "INSERT INTO users (id, email, password_hash, password_change_required, disabled, "
            "created_at, last_login) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            {user.id, user.email, user.password_hash, user.password_change_required, user.disabled,
             user.created_at, user.last_login}));
    if (created == 0) {
      return MakeError(ErrorCode::kAlreadyExists, "there is a user with the e-mail " +
                                                      Printable(user.email, 254) + " already");
    }
    return SetRoles(connection, user.id, user.roles);
  });
}

Result<User> SqlStore::FindUser(std::string_view user) {
  std::optional<User> found;
  MK8S_RETURN_IF_ERROR(database_->Run(Access::kRead, [&](Connection& connection) -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(found, Find(connection, user));
    return {};
  }));
  return *std::move(found);
}

Result<User> SqlStore::UpdateUser(std::string_view user, const UserChange& change, WallTime now) {
  std::optional<User> updated;
  const auto body = [&](Connection& connection) -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(updated, Find(connection, user));
    const bool disabled = change.disabled.value_or(updated->disabled);
    MK8S_RETURN_IF_ERROR(connection.Execute(
        "UPDATE users SET password_hash = $1, password_change_required = $2, disabled = $3 WHERE "
        "id = $4",
        {change.password_hash.value_or(updated->password_hash),
         change.password_change_required.value_or(updated->password_change_required), disabled,
         updated->id}));
    if (change.roles) MK8S_RETURN_IF_ERROR(SetRoles(connection, updated->id, *change.roles));
    if (change.end_sessions || disabled) {
      MK8S_RETURN_IF_ERROR(EndSessions(connection, updated->id,
                                       disabled ? std::string() : change.keep_session_id, now));
    }
    MK8S_ASSIGN_OR_RETURN(updated, Find(connection, updated->id));
    return {};
  };
  MK8S_RETURN_IF_ERROR(ChangeKeepingAnAdmin(body));
  return *std::move(updated);
}

Result<void> SqlStore::DeleteUser(std::string_view user) {
  return ChangeKeepingAnAdmin([&](Connection& connection) -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(const User found, Find(connection, user));
    MK8S_RETURN_IF_ERROR(connection.Execute("DELETE FROM users WHERE id = $1", {found.id}));
    return {};
  });
}

}  // namespace mk8s::store

// Roles: their JSON in roles.permissions, as in contract and the roles file.
#include "auth/role_parse.h"
#include "base/ids.h"
#include "base/text.h"
#include "store/rows.h"
#include "store/sql_store.h"

namespace mk8s::store {
namespace {

Result<std::optional<Role>> Find(Connection& connection, std::string_view name) {
  std::optional<Role> role;
  MK8S_RETURN_IF_ERROR(connection.Execute(Select(kRoleColumns, "FROM roles WHERE name = $1"),
                                          {name}, [&](const Row& row) { role = ReadRole(row); }));
  return role;
}

Error NoSuchRole(std::string_view name) {
  return MakeError(ErrorCode::kNotFound, "there is no role \"" + Printable(name, 128) + "\"");
}

Error BuiltIn(std::string_view name) {
  return MakeError(ErrorCode::kFailedPrecondition,
                   "the role \"" + Printable(name, 128) +
                       "\" is built in and cannot be changed; make one of another name");
}

Result<void> Write(Connection& connection, const Role& role) {
  MK8S_RETURN_IF_ERROR(connection.Execute(
      "INSERT INTO roles (id, name, permissions, admin, built_in) VALUES ($1, $2, $3, $4, $5) ON "
      "CONFLICT (name) DO UPDATE SET permissions = excluded.permissions, admin = excluded.admin, "
      "built_in = excluded.built_in",
      {NewUuid(), role.name, auth::RoleToJson(role), role.admin, role.built_in}));
  return {};
}

}  // namespace

Result<void> SqlStore::PutRole(const Role& role, Put put) {
  return ChangeKeepingAnAdmin([&](Connection& connection) -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(const auto existing, Find(connection, role.name));
    if (existing && put == Put::kCreate) {
      return MakeError(ErrorCode::kAlreadyExists,
                       "there is a role \"" + Printable(role.name, 128) + "\" already");
    }
    if (!existing && put == Put::kReplace) return NoSuchRole(role.name);
    if (existing && existing->built_in) return BuiltIn(role.name);
    Role written = role;
    written.built_in = false;
    return Write(connection, written);
  });
}

Result<void> SqlStore::DeleteRole(std::string_view name) {
  return ChangeKeepingAnAdmin([&](Connection& connection) -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(const auto existing, Find(connection, name));
    if (!existing) return NoSuchRole(name);
    if (existing->built_in) return BuiltIn(name);
    MK8S_RETURN_IF_ERROR(connection.Execute("DELETE FROM roles WHERE name = $1", {name}));
    return {};
  });
}

Result<void> SqlStore::EnsureBuiltInRoles(std::span<const Role> roles) {
  std::vector<Role> differing;
  MK8S_RETURN_IF_ERROR(database_->Run(Access::kRead, [&](Connection& connection) -> Result<void> {
    differing.clear();
    for (Role role : roles) {
      role.built_in = true;
      MK8S_ASSIGN_OR_RETURN(const auto existing, Find(connection, role.name));
      if (existing != role) differing.push_back(std::move(role));
    }
    return {};
  }));
  if (differing.empty()) return {};
  return Change([&](Connection& connection) -> Result<void> {
    for (const Role& role : differing) MK8S_RETURN_IF_ERROR(Write(connection, role));
    return {};
  });
}

}  // namespace mk8s::store

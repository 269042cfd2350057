// Roles as administrators write them: the roles file in YAML, a single role in JSON (POST /roles
// and the database's roles.permissions), and back.  Every error names where it is and what was
// meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "models/role.h"

namespace mk8s::auth {

struct RoleAssignment {
  std::string email;  // lower case
  std::vector<std::string> roles;
};

struct RolesFile {
  std::vector<Role> roles;
  std::vector<RoleAssignment> users;
};

/// One or more YAML documents with `roles:` and `users:` (JSON is YAML too).  Bounded by
/// limits::kConfigFileBytesMax and kYamlDepthMax; aliases are refused.
/// Error: kInvalidArgument, "line 7: roles[0].clusters[0].verbs[1]: unknown verb "lst"; did you
/// mean "list"?"
Result<RolesFile> ParseRolesFile(std::string_view yaml);

/// `{"name", "admin"?, "clusters": [...]}`.  Bounded likewise.  Error: kInvalidArgument.
Result<Role> ParseRoleJson(std::string_view json);

/// What both parsers check of each role: names, verbs, resources, globs, sizes.
Result<void> ValidateRole(const Role& role);

std::string RoleToJson(const Role& role);
/// A roles file with `roles` alone, as `mk8s roles show` prints it.
std::string RolesToYaml(const std::vector<Role>& roles);

/// admin, developer and viewer.
const std::vector<Role>& BuiltInRoles();

}  // namespace mk8s::auth

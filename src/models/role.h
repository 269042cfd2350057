// A role as an administrator writes it.  auth/roles compiles roles to a matcher; nothing else
// interprets them.
#pragma once

#include <string>
#include <vector>

namespace mk8s {

/// One entry of a role's `clusters:` list.  Everything it names is a glob or a name; empty lists
/// grant nothing, except `names`, where empty means every object.
struct Grant {
  std::string cluster;  // glob over cluster names
  std::vector<std::string> namespaces;
  std::vector<std::string> verbs;
  std::vector<std::string> resources;
  std::vector<std::string> names;
  std::vector<std::string> except_resources;
  std::vector<std::string> except_namespaces;

  bool operator==(const Grant&) const = default;
};

struct Role {
  std::string name;
  bool admin = false;  // may administer mk8s itself and name what wildcards do not reach
  std::vector<Grant> grants;
  bool built_in = false;

  bool operator==(const Role&) const = default;
};

}  // namespace mk8s

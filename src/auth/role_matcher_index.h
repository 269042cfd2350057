// The inside of a RoleMatcher: its index.  For the files of the matcher alone.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "auth/role_grant.h"

namespace mk8s::auth {

struct IndexedGrant {
  const CompiledGrant* grant;
  const ResourcePattern* pattern;  // the one of the grant's resources that is looked up here
  std::uint32_t role;              // index into MatcherIndex::roles
};

/// By verb.
using GrantIndex = std::array<std::vector<IndexedGrant>, kVerbCount>;

struct MatcherIndex {
  /// The grants of `role` that hold on `cluster`.  Call in the order of the roles' names.
  void Add(std::shared_ptr<const CompiledRole> role, std::string_view cluster);

  std::vector<std::shared_ptr<const CompiledRole>> roles;
  std::unordered_map<std::string, GrantIndex> by_resource;  // without wildcards
  GrantIndex others;                                        // wildcards and non-resource paths
  std::vector<IndexedGrant> all;                            // each once: for explanations
  bool has_grants = false;
};

}  // namespace mk8s::auth

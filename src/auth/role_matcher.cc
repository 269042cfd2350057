// See role_matcher.h.  A matcher indexes its grants by resource and namespace, so that a decision
// looks at those few that could cover the request.
#include "auth/role_matcher.h"

#include <algorithm>

#include "auth/role_explain.h"
#include "auth/role_grant.h"
#include "auth/role_matcher_index.h"
#include "base/text.h"

namespace mk8s::auth {
namespace {

template <typename T>
void SortUnique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// What Decide gathers; with repetitions.
struct Gathering {
  std::vector<std::uint32_t> whole_roles;
  std::vector<std::uint32_t> part_roles;
  std::vector<const CompiledGrant*> part_grants;
};

void Consider(const Ask& ask, const IndexedGrant& entry, Gathering& found) {
  const CompiledGrant& grant = *entry.grant;
  // Later grants of a role that has allowed the request have nothing to add.
  if (!found.whole_roles.empty() && found.whole_roles.back() == entry.role) return;
  if (grant.FitsResource(ask, *entry.pattern) != Missing::kNothing || grant.IsExcepted(ask)) return;
  Missing missing = Missing::kNothing;
  switch (grant.Covers(ask, missing)) {
    case Coverage::kNone:
      return;
    case Coverage::kPart:
      found.part_roles.push_back(entry.role);
      found.part_grants.push_back(&grant);
      return;
    case Coverage::kWhole:
      found.whole_roles.push_back(entry.role);
      return;
  }
}

}  // namespace

RoleMatcher::RoleMatcher(std::unique_ptr<const MatcherIndex> index) : index_(std::move(index)) {}
RoleMatcher::~RoleMatcher() = default;

bool RoleMatcher::empty() const { return !index_->has_grants; }

Decision RoleMatcher::Decide(const Attributes& attributes) const {
  const Ask ask(attributes);
  Gathering found;
  index_->ForEachCandidate(ask, [&](const IndexedGrant& entry) { Consider(ask, entry, found); });

  Decision decision;
  decision.allowed = !found.whole_roles.empty();
  decision.narrowed = !decision.allowed && !found.part_roles.empty();
  auto& numbers = decision.allowed ? found.whole_roles : found.part_roles;
  SortUnique(numbers);  // roles are numbered by name
  decision.roles.reserve(numbers.size());
  for (const std::uint32_t number : numbers) {
    decision.roles.push_back(index_->roles[number]->role.name);
  }
  if (decision.allowed) return decision;
  if (!decision.narrowed) {
    decision.reason = ExplainRefusal(ask, *index_);
    return decision;
  }
  for (const CompiledGrant* grant : found.part_grants) {
    // Few, and in the order of the roles, so that the same request gets the same reason.
    const auto same = std::find(decision.scopes.begin(), decision.scopes.end(), grant->scope);
    if (same == decision.scopes.end()) decision.scopes.push_back(grant->scope);
  }
  decision.reason = ExplainNarrowing(decision.scopes);
  return decision;
}

RoleBook::RoleBook(std::vector<Role> roles) {
  std::sort(roles.begin(), roles.end(),
            [](const Role& a, const Role& b) { return a.name < b.name; });
  for (Role& role : roles) {
    auto compiled = std::make_shared<CompiledRole>();
    for (const Grant& grant : role.grants) {
      Result<CompiledGrant> one = CompileGrant(grant, role.admin);
      if (one) compiled->grants.push_back(*std::move(one));
    }
    compiled->role = std::move(role);
    roles_.push_back(std::move(compiled));
  }
}

RoleBook::~RoleBook() = default;
RoleBook::RoleBook(RoleBook&&) noexcept = default;
RoleBook& RoleBook::operator=(RoleBook&&) noexcept = default;

std::shared_ptr<const RoleMatcher> RoleBook::For(std::span<const std::string> role_names,
                                                 std::string_view cluster) const {
  auto index = std::make_unique<MatcherIndex>();
  for (const std::shared_ptr<const CompiledRole>& role : roles_) {
    const bool held =
        std::find(role_names.begin(), role_names.end(), role->role.name) != role_names.end();
    if (held) index->Add(role, cluster);
  }
  return std::shared_ptr<const RoleMatcher>(new RoleMatcher(std::move(index)));
}

bool RoleBook::IsAdmin(std::span<const std::string> role_names) const {
  return std::any_of(role_names.begin(), role_names.end(), [this](const std::string& name) {
    const Role* role = Find(name);
    return role != nullptr && role->admin;
  });
}

const Role* RoleBook::Find(std::string_view name) const {
  const auto found = std::lower_bound(
      roles_.begin(), roles_.end(), name,
      [](const auto& role, std::string_view key) { return role->role.name < key; });
  return found != roles_.end() && (*found)->role.name == name ? &(*found)->role : nullptr;
}

std::vector<std::string> RoleBook::WhoMayAllow(const Attributes& attributes,
                                               std::string_view cluster) const {
  const Ask ask(attributes);
  std::vector<std::string> names;
  for (const std::shared_ptr<const CompiledRole>& role : roles_) {
    const bool allows =
        std::any_of(role->grants.begin(), role->grants.end(), [&](const CompiledGrant& grant) {
          return GlobMatch(grant.cluster, cluster) &&
                 WhatIsMissing(ask, grant) == Missing::kNothing;
        });
    if (allows) names.push_back(role->role.name);
  }
  return names;
}

}  // namespace mk8s::auth

// See role_matcher.h.  A matcher indexes its grants by verb and by group and resource, so that a
// decision looks at those few that could cover the request.
#include "auth/role_matcher.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "auth/role_explain.h"
#include "auth/role_grant.h"
#include "auth/role_matcher_index.h"
#include "base/text.h"

namespace mk8s::auth {
namespace {

// Calls `visit` for each bit of `verbs`.
template <typename Visit>
void ForEachVerb(VerbSet verbs, Visit visit) {
  for (; verbs != 0; verbs &= verbs - 1) visit(static_cast<std::size_t>(__builtin_ctz(verbs)));
}

std::string KeyOf(std::string_view group, std::string_view resource) {
  std::string key;
  key.reserve(group.size() + resource.size() + 1);
  key += resource;
  key += '\0';
  key += group;
  return key;
}

void AddTo(GrantIndex& index, const IndexedGrant& entry, VerbSet verbs) {
  ForEachVerb(verbs, [&](std::size_t verb) { index[verb].push_back(entry); });
}

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

void MatcherIndex::Add(std::shared_ptr<const CompiledRole> role, std::string_view cluster) {
  const auto number = static_cast<std::uint32_t>(roles.size());
  for (const CompiledGrant& grant : role->grants) {
    if (!GlobMatch(grant.cluster, cluster)) continue;
    has_grants = true;
    for (const ResourcePattern& pattern : grant.resources) {
      // An administrator's "*" holds impersonate, bind and escalate as well.
      VerbSet verbs = grant.verbs;
      if (grant.admin && (verbs & Bit(Verb::kAny)) != 0) {
        verbs |= Bit(Verb::kImpersonate) | Bit(Verb::kBind) | Bit(Verb::kEscalate);
      }
      const IndexedGrant entry{&grant, &pattern, number};
      all.push_back(entry);
      const bool exact =
          pattern.path.empty() &&
          (pattern.group + pattern.resource).find_first_of("*?") == std::string::npos;
      AddTo(exact ? by_resource[KeyOf(pattern.group, pattern.resource)] : others, entry, verbs);
    }
  }
  roles.push_back(std::move(role));
}

RoleMatcher::RoleMatcher(std::unique_ptr<const MatcherIndex> index) : index_(std::move(index)) {}
RoleMatcher::~RoleMatcher() = default;

bool RoleMatcher::empty() const { return !index_->has_grants; }

Decision RoleMatcher::Decide(const Attributes& attributes) const {
  const Ask ask(attributes);
  const GrantIndex* exact = nullptr;
  if (attributes.is_resource) {
    const auto found = index_->by_resource.find(KeyOf(attributes.api_group, attributes.resource));
    if (found != index_->by_resource.end()) exact = &found->second;
  }
  Gathering found;
  ForEachVerb(ask.plain | ask.friendly, [&](std::size_t verb) {
    if (exact != nullptr) {
      for (const IndexedGrant& entry : (*exact)[verb]) Consider(ask, entry, found);
    }
    for (const IndexedGrant& entry : index_->others[verb]) Consider(ask, entry, found);
  });

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

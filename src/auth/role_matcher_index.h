// The inside of a RoleMatcher: its index.  For the files of the matcher alone.
#pragma once

#include <cstdint>
#include <functional>
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
  VerbSet verbs;
  std::uint32_t role;  // index into MatcherIndex::roles
};

/// Lets maps be asked with a string_view.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};
template <typename T>
using TextMap = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

/// Grants by namespace, so that who holds a hundred teams' roles does not pay for a hundred.
class GrantsByNamespace {
 public:
  void Add(const IndexedGrant& entry);

  /// Calls `visit` for each grant that may cover a request in `namespace_`; once or more.
  template <typename Visit>
  void ForEachIn(std::string_view namespace_, Visit visit) const;
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const IndexedGrant& entry : all_) visit(entry);
  }

 private:
  static constexpr std::size_t kPrefixBytesMax = 63;  // a namespace is no longer

  std::vector<IndexedGrant> all_;
  std::vector<IndexedGrant> everywhere_;          // "*", "*-dev"
  TextMap<std::vector<IndexedGrant>> in_;         // "web"
  TextMap<std::vector<IndexedGrant>> by_prefix_;  // "team-1-*", by what is before the wildcard
  std::uint64_t prefix_lengths_ = 0;              // of the keys of by_prefix_, as bits
};

struct MatcherIndex {
  /// The grants of `role` that hold on `cluster`.  Call in the order of the roles' names.
  void Add(std::shared_ptr<const CompiledRole> role, std::string_view cluster);

  /// Calls `visit` for each grant that may cover `ask`.
  template <typename Visit>
  void ForEachCandidate(const Ask& ask, Visit visit) const;

  std::vector<std::shared_ptr<const CompiledRole>> roles;
  TextMap<TextMap<GrantsByNamespace>> by_resource;  // name, then group; those without wildcards
  GrantsByNamespace others;                         // wildcards and non-resource paths
  std::vector<IndexedGrant> all;                    // for explanations
  bool has_grants = false;
};

template <typename Visit>
void GrantsByNamespace::ForEachIn(std::string_view namespace_, Visit visit) const {
  for (const IndexedGrant& entry : everywhere_) visit(entry);
  if (const auto found = in_.find(namespace_); found != in_.end()) {
    for (const IndexedGrant& entry : found->second) visit(entry);
  }
  for (std::uint64_t left = prefix_lengths_; left != 0; left &= left - 1) {
    const auto length = static_cast<std::size_t>(__builtin_ctzll(left));
    if (length > namespace_.size()) break;
    const auto found = by_prefix_.find(namespace_.substr(0, length));
    if (found == by_prefix_.end()) continue;
    for (const IndexedGrant& entry : found->second) visit(entry);
  }
}

template <typename Visit>
void MatcherIndex::ForEachCandidate(const Ask& ask, Visit visit) const {
  const VerbSet wanted = ask.plain | ask.friendly;
  const auto visit_verb = [&](const IndexedGrant& entry) {
    if ((entry.verbs & wanted) != 0) visit(entry);
  };
  // A Namespace object's own name decides, and what is in no namespace may be anywhere.
  const bool anywhere = ask.namespace_.empty() || ask.namespace_object;
  const auto visit_grants = [&](const GrantsByNamespace& grants) {
    anywhere ? grants.ForEach(visit_verb) : grants.ForEachIn(ask.namespace_, visit_verb);
  };
  if (ask.attributes.is_resource) {
    if (const auto groups = by_resource.find(ask.attributes.resource);
        groups != by_resource.end()) {
      const auto grants = groups->second.find(ask.attributes.api_group);
      if (grants != groups->second.end()) visit_grants(grants->second);
    }
  }
  visit_grants(others);
}

}  // namespace mk8s::auth

// See role_matcher_index.h.
#include "auth/role_matcher_index.h"

#include "base/text.h"

namespace mk8s::auth {

void GrantsByNamespace::Add(const IndexedGrant& entry) {
  all_.push_back(entry);
  for (const std::string& glob : entry.grant->scope.namespaces) {
    const std::size_t wildcard = glob.find_first_of("*?");
    if (wildcard == glob.npos) {
      in_[glob].push_back(entry);
    } else if (wildcard == 0 || wildcard > kPrefixBytesMax) {
      everywhere_.push_back(entry);
    } else {
      by_prefix_[glob.substr(0, wildcard)].push_back(entry);
      prefix_lengths_ |= std::uint64_t{1} << wildcard;
    }
  }
}

void MatcherIndex::Add(std::shared_ptr<const CompiledRole> role, std::string_view cluster) {
  const auto number = static_cast<std::uint32_t>(roles.size());
  for (const CompiledGrant& grant : role->grants) {
    if (!GlobMatch(grant.cluster, cluster)) continue;
    has_grants = true;
    VerbSet verbs = grant.verbs;
    if (grant.admin && (verbs & Bit(Verb::kAny)) != 0) {
      // An administrator's "*" holds these as well.
      verbs |= Bit(Verb::kImpersonate) | Bit(Verb::kBind) | Bit(Verb::kEscalate);
    }
    for (const ResourcePattern& pattern : grant.resources) {
      const IndexedGrant entry{&grant, &pattern, verbs, number};
      all.push_back(entry);
      const bool exact = pattern.path.empty() &&
                         pattern.group.find_first_of("*?") == std::string::npos &&
                         pattern.resource.find_first_of("*?") == std::string::npos;
      (exact ? by_resource[pattern.resource][pattern.group] : others).Add(entry);
    }
  }
  roles.push_back(std::move(role));
}

}  // namespace mk8s::auth

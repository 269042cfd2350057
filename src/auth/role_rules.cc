// RoleMatcher::RulesIn: a user's grants in Kubernetes' own terms, for `kubectl auth can-i --list`.
// Exceptions and the limits of wildcards cannot be said there; the answer is marked incomplete.
#include <algorithm>

#include "auth/role_grant.h"
#include "auth/role_matcher.h"
#include "auth/role_matcher_index.h"
#include "base/text.h"

namespace mk8s::auth {
namespace {

struct FriendlySubresource {
  Verb verb;
  std::string_view resource;
  std::string_view subresource;
  std::vector<std::string> api_verbs;
};

const std::vector<FriendlySubresource>& FriendlySubresources() {
  static const std::vector<FriendlySubresource> all = {
      {Verb::kLogs, "pods", "log", {"get"}},
      {Verb::kExec, "pods", "exec", {"create"}},
      {Verb::kExec, "pods", "attach", {"create"}},
      {Verb::kPortForward, "pods", "portforward", {"create"}},
      {Verb::kProxy, "pods", "proxy", {"create"}},
      {Verb::kProxy, "services", "proxy", {"create"}},
      {Verb::kDebug, "pods", "ephemeralcontainers", {"get", "patch", "update"}},
  };
  return all;
}

std::vector<std::string> ApiVerbs(VerbSet verbs) {
  if ((verbs & Bit(Verb::kAny)) != 0) return {"*"};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kVerbCount; ++i) {
    const auto verb = static_cast<Verb>(i);
    const bool friendly = verb >= Verb::kLogs && verb <= Verb::kDebug;
    if (!friendly && (verbs & Bit(verb)) != 0) names.emplace_back(Name(verb));
  }
  return names;
}

bool HoldsIn(const CompiledGrant& grant, std::string_view namespace_) {
  const auto matches = [namespace_](const std::string& glob) {
    return GlobMatch(glob, namespace_);
  };
  const ListScope& scope = grant.scope;
  if (std::any_of(scope.except_namespaces.begin(), scope.except_namespaces.end(), matches)) {
    return false;
  }
  if (grant.all_namespaces || namespace_.empty()) return grant.all_namespaces;
  return std::any_of(scope.namespaces.begin(), scope.namespaces.end(), matches);
}

void AddRules(const CompiledGrant& grant, const ResourcePattern& pattern,
              std::vector<RoleMatcher::Rule>& rules) {
  std::vector<std::string> verbs = ApiVerbs(grant.verbs);
  if (!pattern.path.empty()) {
    if (!verbs.empty()) rules.push_back({.verbs = std::move(verbs), .paths = {pattern.path}});
    return;
  }
  std::string resource = pattern.resource;
  if (pattern.has_subresource) resource += "/" + pattern.subresource;
  const std::vector<std::string>& names = grant.scope.names;
  if (!verbs.empty()) {
    rules.push_back({.verbs = std::move(verbs),
                     .api_groups = {pattern.group},
                     .resources = {std::move(resource)},
                     .names = names});
  }
  if (pattern.has_subresource || (grant.verbs & Bit(Verb::kAny)) != 0) return;
  for (const FriendlySubresource& one : FriendlySubresources()) {
    if ((grant.verbs & Bit(one.verb)) == 0 || !pattern.MatchesResource("", one.resource)) continue;
    rules.push_back({.verbs = one.api_verbs,
                     .api_groups = {""},
                     .resources = {std::string(one.resource) + "/" + std::string(one.subresource)},
                     .names = names});
  }
}

}  // namespace

std::vector<RoleMatcher::Rule> RoleMatcher::RulesIn(std::string_view namespace_) const {
  std::vector<Rule> rules;
  for (const IndexedGrant& entry : index_->all) {
    if (HoldsIn(*entry.grant, namespace_)) AddRules(*entry.grant, *entry.pattern, rules);
  }
  return rules;
}

}  // namespace mk8s::auth

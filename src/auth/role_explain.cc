// See role_explain.h.
#include "auth/role_explain.h"

#include <algorithm>

#include "base/text.h"

namespace mk8s::auth {
namespace {

// A sentence names this many; the rest is "...".
constexpr std::size_t kListedMax = 5;

std::string Listed(const std::vector<std::string>& items) {
  std::string out;
  for (std::size_t i = 0; i < items.size() && i < kListedMax; ++i) {
    if (i > 0) out += ", ";
    out += items[i];
  }
  return items.size() > kListedMax ? out + ", ..." : out;
}

std::string Namespaces(const ListScope& scope) {
  std::string out = scope.cluster_scoped ? "all namespaces" : "the namespaces ";
  if (!scope.cluster_scoped) out += Listed(scope.namespaces);
  if (!scope.except_namespaces.empty()) out += " except " + Listed(scope.except_namespaces);
  return out;
}

std::string ResourceOf(const Attributes& asked) {
  if (!asked.is_resource) return asked.path;
  std::string out = asked.resource;
  if (!asked.api_group.empty()) out += "." + asked.api_group;
  if (!asked.subresource.empty()) out += "/" + asked.subresource;
  return out;
}

std::string NotNamed(const Ask& ask) {
  std::string out = "none of your roles on this cluster grants anything on ";
  out += ResourceOf(ask.attributes);
  if (!ask.attributes.subresource.empty()) {
    out += " (a grant on " + ask.attributes.resource + " does not include it)";
  }
  return out;
}

std::string WrongVerb(const Ask& ask, const std::string& role, VerbSet verbs) {
  if (ask.special) {
    const VerbSet friendly = ask.friendly & ~Bit(Verb::kAny);
    return ResourceOf(ask.attributes) + " needs the verb " + VerbList(friendly) + ", which role " +
           role + " does not grant on it";
  }
  return "role " + role + " grants only " + VerbList(verbs) + " on it";
}

std::string WrongName(const Ask& ask, const std::string& role, const ListScope& scope) {
  std::string out = "role " + role + " grants it only for the names " + Listed(scope.names);
  if (ask.name.empty()) out += ", which cannot limit " + std::string(ask.verb);
  return out;
}

Missing WhatIsMissing(const Ask& ask, const CompiledGrant& grant, const ResourcePattern& pattern) {
  Missing missing = grant.FitsResource(ask, pattern);
  if (missing != Missing::kNothing) return missing;
  if (grant.IsExcepted(ask)) return Missing::kExcepted;
  const Coverage coverage = grant.Covers(ask, missing);
  return coverage == Coverage::kPart ? Missing::kNamespace : missing;
}

}  // namespace

Missing WhatIsMissing(const Ask& ask, const CompiledGrant& grant) {
  Missing best = Missing::kResource;
  for (const ResourcePattern& pattern : grant.resources) {
    best = std::max(best, WhatIsMissing(ask, grant, pattern));
  }
  return best;
}

std::string ExplainRefusal(const Ask& ask, const MatcherIndex& index) {
  Missing best = Missing::kResource;
  const CompiledGrant* nearest = nullptr;
  std::string role;
  for (const IndexedGrant& entry : index.all) {
    const Missing missing = WhatIsMissing(ask, *entry.grant, *entry.pattern);
    if (missing <= best) continue;
    best = missing;
    nearest = entry.grant;
    role = index.roles[entry.role]->role.name;
  }
  switch (best) {
    case Missing::kResource:
      return index.all.empty() ? "none of your roles grants anything on this cluster"
                               : NotNamed(ask);
    case Missing::kVerb:
      return WrongVerb(ask, role, nearest->verbs);
    case Missing::kNamed:
      return "wildcards do not reach " + ResourceOf(ask.attributes) + "; a role must name it";
    case Missing::kExcepted:
      return "role " + role + " excepts it";
    case Missing::kNamespace:
      return "role " + role + " grants it only in " + Namespaces(nearest->scope);
    case Missing::kClusterScope:
      return "it belongs to no namespace, and role " + role + " is limited to " +
             Namespaces(nearest->scope);
    case Missing::kName:
      return WrongName(ask, role, nearest->scope);
    case Missing::kNothing:
      break;
  }
  return "no role grants it";
}

std::string ExplainNarrowing(const std::vector<ListScope>& scopes) {
  std::string out = "your roles grant it only ";
  for (std::size_t i = 0; i < scopes.size() && i < kListedMax; ++i) {
    if (i > 0) out += ", and ";
    out += "in " + Namespaces(scopes[i]);
    if (!scopes[i].names.empty()) out += " for the names " + Listed(scopes[i].names);
  }
  return scopes.size() > kListedMax ? out + ", ..." : out;
}

}  // namespace mk8s::auth

// See role_grant.h.
#include "auth/role_grant.h"

#include <algorithm>

#include "base/text.h"

namespace mk8s::auth {
namespace {

bool MatchesAny(const std::vector<std::string>& globs, std::string_view text) {
  return std::any_of(globs.begin(), globs.end(),
                     [text](const std::string& glob) { return GlobMatch(glob, text); });
}

bool IsConnecting(std::string_view subresource) {
  return subresource == "exec" || subresource == "attach" || subresource == "portforward" ||
         subresource == "proxy";
}

// The friendly verb of a special subresource; kAny for all others.
Verb FriendlyVerb(std::string_view subresource) {
  if (subresource.empty()) return Verb::kAny;
  if (subresource == "log") return Verb::kLogs;
  if (subresource == "exec" || subresource == "attach") return Verb::kExec;
  if (subresource == "portforward") return Verb::kPortForward;
  if (subresource == "proxy") return Verb::kProxy;
  if (subresource == "ephemeralcontainers") return Verb::kDebug;
  return Verb::kAny;
}

// Who may do these may give themselves everything else (contract of roles: docs/security.md).
bool Escalates(const Attributes& asked, std::string_view verb) {
  const bool write = !IsReadVerb(verb);
  const std::string& group = asked.api_group;
  if (group.empty()) {
    return (asked.resource == "serviceaccounts" && asked.subresource == "token") ||
           (asked.resource == "nodes" && asked.subresource == "proxy");
  }
  if (group == "certificates.k8s.io") {
    return asked.resource == "signers" || (write && asked.subresource == "approval");
  }
  if (group == "apiregistration.k8s.io") return write && asked.resource == "apiservices";
  // Mutating and validating policies do what webhooks do, so the whole group counts.
  return write && (group == "rbac.authorization.k8s.io" || group == "admissionregistration.k8s.io");
}

// Proxy names may carry scheme and port: "https:web:443", "web:80" (k8s.io/apimachinery
// pkg/util/net, SplitSchemeNamePort).
std::string_view ObjectName(const Attributes& asked) {
  const std::string_view name = asked.name;
  if (asked.subresource != "proxy") return name;
  const std::size_t first = name.find(':');
  if (first == name.npos) return name;
  const std::size_t second = name.find(':', first + 1);
  if (second == name.npos) return name.substr(0, first);
  return name.substr(first + 1, second - first - 1);
}

// Other methods on paths that are no resource; their verb is the lower-case method.
std::string_view NonResourceVerb(std::string_view method) {
  if (method == "head") return "get";
  if (method == "post") return "create";
  if (method == "put") return "update";
  return method;
}

}  // namespace

bool Admits(std::span<const ListScope> scopes, bool namespace_object, std::string_view namespace_,
            std::string_view name) {
  if (namespace_object) namespace_ = name;
  return std::any_of(scopes.begin(), scopes.end(), [&](const ListScope& scope) {
    const bool there = namespace_.empty() ? scope.cluster_scoped
                                          : MatchesAny(scope.namespaces, namespace_) &&
                                                !MatchesAny(scope.except_namespaces, namespace_);
    return there && (scope.names.empty() || MatchesAny(scope.names, name));
  });
}

Ask::Ask(const Attributes& request)
    : attributes(request), name(ObjectName(request)), verb(request.verb) {
  plain = Bit(Verb::kAny);
  friendly = Bit(Verb::kAny);
  if (!request.is_resource) {
    verb = NonResourceVerb(verb);
    if (const auto known = VerbFromName(verb)) plain |= Bit(*known);
    return;
  }
  if (IsConnecting(request.subresource)) verb = "create";
  const std::optional<Verb> known = VerbFromName(verb);
  if (known) plain |= Bit(*known);
  if (known == Verb::kImpersonate || known == Verb::kBind || known == Verb::kEscalate) {
    plain &= ~Bit(Verb::kAny);  // "*" does not name them
  }
  const Verb reach = FriendlyVerb(request.subresource);
  special = reach != Verb::kAny;
  if (special && (reach != Verb::kLogs || verb == "get")) friendly |= Bit(reach);
  escalating = Escalates(request, verb);
  list = verb == "list" || verb == "watch";
  namespace_object = request.api_group.empty() && request.resource == "namespaces";
  // Another group's cluster-scoped "namespaces" is read by kube-apiserver as if it were in itself.
  const bool in_itself = request.resource == "namespaces" && request.name == request.namespace_;
  if (!in_itself || namespace_object) namespace_ = request.namespace_;
  if (namespace_.empty() && (list || verb == "deletecollection")) {
    scope = ScopeOf(request.api_group, request.resource);
  }
}

Missing CompiledGrant::FitsResource(const Ask& ask, const ResourcePattern& pattern) const {
  const Attributes& asked = ask.attributes;
  const VerbSet any = admin ? Bit(Verb::kAny) : 0;  // reaches impersonate, bind and escalate too
  if (!asked.is_resource) {
    const bool reached = pattern.path.empty() ? admin && pattern.resource == "*"
                                              : GlobMatch(pattern.path, asked.path);
    if (!reached) return Missing::kResource;
    return (verbs & (ask.plain | any)) != 0 ? Missing::kNothing : Missing::kVerb;
  }
  if (!pattern.path.empty() || !pattern.MatchesResource(asked.api_group, asked.resource)) {
    return Missing::kResource;
  }
  VerbSet needed = ask.plain | any;
  const bool exact = pattern.has_subresource && pattern.subresource == asked.subresource;
  if (ask.special && !exact) {
    if (pattern.has_subresource && !GlobMatch(pattern.subresource, asked.subresource)) {
      return Missing::kResource;
    }
    needed = ask.friendly;
  } else if (ask.special) {
    needed |= ask.friendly;
  } else if (pattern.has_subresource
                 ? asked.subresource.empty() || !GlobMatch(pattern.subresource, asked.subresource)
                 : !asked.subresource.empty() && pattern.resource != "*") {
    return Missing::kResource;
  }
  if (ask.special && ask.verb == "create" && !create_written) needed &= ~Bit(Verb::kCreate);
  if ((verbs & needed) == 0) return Missing::kVerb;
  if (ask.escalating && !admin) {
    // "nodes" with verb proxy says what is meant; "nodes" with "*" does not.
    const bool said = !ask.special || exact || (verbs & ask.friendly & ~Bit(Verb::kAny)) != 0;
    if (!pattern.named || !said) return Missing::kNamed;
  }
  return Missing::kNothing;
}

bool CompiledGrant::IsExcepted(const Ask& ask) const {
  const Attributes& asked = ask.attributes;
  return std::any_of(
      except_resources.begin(), except_resources.end(), [&asked](const ResourcePattern& pattern) {
        if (!asked.is_resource) return !pattern.path.empty() && GlobMatch(pattern.path, asked.path);
        if (!pattern.path.empty()) return false;
        if (!pattern.MatchesResource(asked.api_group, asked.resource)) return false;
        return !pattern.has_subresource || GlobMatch(pattern.subresource, asked.subresource);
      });
}

bool CompiledGrant::InNamespaces(std::string_view namespace_) const {
  if (MatchesAny(scope.except_namespaces, namespace_)) return false;
  return all_namespaces || MatchesAny(scope.namespaces, namespace_);
}

bool CompiledGrant::HasName(std::string_view name) const {
  return scope.names.empty() || MatchesAny(scope.names, name);
}

Coverage CompiledGrant::Covers(const Ask& ask, Missing& missing) const {
  const Attributes& asked = ask.attributes;
  if (!asked.is_resource) {
    if (all_namespaces && scope.names.empty()) return Coverage::kWhole;
    missing = Missing::kClusterScope;
    return Coverage::kNone;
  }
  if (ask.namespace_object) return CoversNamespaceObject(ask, missing);
  if (ask.namespace_.empty()) return CoversAllNamespaces(ask, missing);
  if (!InNamespaces(ask.namespace_)) {
    missing = Missing::kNamespace;
    return Coverage::kNone;
  }
  return CoversName(ask, missing);
}

// The object's name, once its namespace is settled.
Coverage CompiledGrant::CoversName(const Ask& ask, Missing& missing) const {
  if (scope.names.empty()) return Coverage::kWhole;
  if (ask.name.empty() && ask.list) return Coverage::kPart;
  if (!ask.name.empty() && HasName(ask.name)) return Coverage::kWhole;
  missing = Missing::kName;  // a create's name is in its body, so names cannot limit it
  return Coverage::kNone;
}

// A Namespace is cluster-scoped, but whoever may work in it may see it.
Coverage CompiledGrant::CoversNamespaceObject(const Ask& ask, Missing& missing) const {
  if (!all_namespaces && !IsReadVerb(ask.verb)) {
    missing = Missing::kClusterScope;
    return Coverage::kNone;
  }
  if (!ask.name.empty()) {
    if (!InNamespaces(ask.name)) {
      missing = Missing::kNamespace;
      return Coverage::kNone;
    }
    return CoversName(ask, missing);
  }
  const bool limited = !all_namespaces || !scope.except_namespaces.empty();
  if (ask.list && limited) return Coverage::kPart;
  if (limited && ask.verb == "deletecollection") {
    missing = Missing::kNamespace;
    return Coverage::kNone;
  }
  return CoversName(ask, missing);
}

// No namespace in the request: a cluster-scoped object, or a list over all namespaces.
Coverage CompiledGrant::CoversAllNamespaces(const Ask& ask, Missing& missing) const {
  const bool known_cluster_scoped = ask.scope == ResourceScope::kCluster;
  const bool object = !ask.list && ask.verb != "deletecollection";
  if (!all_namespaces && (object || known_cluster_scoped)) {
    missing = Missing::kClusterScope;
    return Coverage::kNone;
  }
  if (object || known_cluster_scoped) return CoversName(ask, missing);
  if (all_namespaces && scope.except_namespaces.empty()) return CoversName(ask, missing);
  if (ask.list && (ask.name.empty() || HasName(ask.name))) return Coverage::kPart;
  missing = ask.list ? Missing::kName : Missing::kNamespace;
  return Coverage::kNone;
}

Result<CompiledGrant> CompileGrant(const Grant& grant, bool admin) {
  CompiledGrant compiled;
  compiled.cluster = grant.cluster;
  compiled.admin = admin;
  compiled.scope.namespaces = grant.namespaces;
  compiled.scope.except_namespaces = grant.except_namespaces;
  compiled.scope.names = grant.names;
  compiled.all_namespaces =
      std::any_of(grant.namespaces.begin(), grant.namespaces.end(), [](const std::string& glob) {
        return !glob.empty() && glob.find_first_not_of('*') == glob.npos;
      });
  compiled.scope.cluster_scoped = compiled.all_namespaces;
  for (std::size_t i = 0; i < grant.verbs.size(); ++i) {
    const std::optional<VerbSet> verbs = VerbSetOf(grant.verbs[i]);
    if (!verbs) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "verbs[" + std::to_string(i) + "]: " + VerbFault(grant.verbs[i]));
    }
    compiled.verbs |= *verbs;
    compiled.create_written |= grant.verbs[i] == Name(Verb::kCreate);
  }
  const auto parse = [](const std::vector<std::string>& written, std::string_view key,
                        std::vector<ResourcePattern>& patterns) -> Result<void> {
    for (std::size_t i = 0; i < written.size(); ++i) {
      Result<std::vector<ResourcePattern>> parsed = ParseResource(written[i]);
      if (!parsed) {
        return MakeError(parsed.error().code, std::string(key) + "[" + std::to_string(i) +
                                                  "]: " + parsed.error().message);
      }
      for (ResourcePattern& pattern : *parsed) patterns.push_back(std::move(pattern));
    }
    return {};
  };
  MK8S_RETURN_IF_ERROR(parse(grant.resources, "resources", compiled.resources));
  MK8S_RETURN_IF_ERROR(
      parse(grant.except_resources, "except_resources", compiled.except_resources));
  return compiled;
}

}  // namespace mk8s::auth

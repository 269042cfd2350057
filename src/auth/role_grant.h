// One grant of a role, compiled, and the question whether it covers a request.  The rules live
// here; auth/role_matcher finds the grants to ask.
//
// Special subresources (log, exec, attach, portforward, proxy, ephemeralcontainers) are reached by
// their friendly verb on the resource, by the API's verb where the subresource is named, or by verb
// "*"; never by get, create or patch on "pods" or "*".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "auth/role_matcher.h"
#include "auth/role_resources.h"
#include "auth/role_verbs.h"
#include "base/result.h"
#include "models/attributes.h"
#include "models/role.h"

namespace mk8s::auth {

/// A request, read once for all grants.
struct Ask {
  explicit Ask(const Attributes& request);

  const Attributes& attributes;
  std::string_view name;  // the object's; of "https:web:443" in a proxy request, "web"
  std::string_view namespace_;
  std::string_view verb;    // `create` for connecting subresources
  VerbSet plain = 0;        // the API's verb, or "*"
  VerbSet friendly = 0;     // the verb that reaches a special subresource from its resource, or "*"
  bool special = false;     // a special subresource
  bool escalating = false;  // out of reach of wildcards
  bool namespace_object = false;  // core namespaces
  bool list = false;              // list or watch
  ResourceScope scope = ResourceScope::kUnknown;
};

enum class Coverage : std::uint8_t {
  kNone,
  kPart,  // of a list or watch
  kWhole,
};

/// The first thing that was missing, worst first: what a refusal explains.
enum class Missing : std::uint8_t {
  kResource,
  kVerb,
  kNamed,  // reached by a wildcard only
  kExcepted,
  kNamespace,
  kClusterScope,
  kName,
  kNothing,
};

struct CompiledGrant {
  std::string cluster;  // glob
  VerbSet verbs = 0;
  bool admin = false;  // the role's: wildcards reach everything
  bool all_namespaces = false;
  bool create_written = false;  // not only meant by `apply`, which starts no shell
  ListScope scope;
  std::vector<ResourcePattern> resources;
  std::vector<ResourcePattern> except_resources;

  /// Whether verb and resource fit by this one of `resources`, or what is missing.
  Missing FitsResource(const Ask& ask, const ResourcePattern& pattern) const;
  bool IsExcepted(const Ask& ask) const;
  /// Namespaces and names, once verb and resource fit.  `missing` is set where kNone is returned.
  Coverage Covers(const Ask& ask, Missing& missing) const;

 private:
  bool InNamespaces(std::string_view namespace_) const;
  bool HasName(std::string_view name) const;
  Coverage CoversNamespaceObject(const Ask& ask, Missing& missing) const;
  Coverage CoversAllNamespaces(const Ask& ask, Missing& missing) const;
  Coverage CoversName(const Ask& ask, Missing& missing) const;
};

struct CompiledRole {
  Role role;
  std::vector<CompiledGrant> grants;
};

/// Errors name the key within the grant: "verbs[1]: unknown verb ...".
Result<CompiledGrant> CompileGrant(const Grant& grant, bool admin);

}  // namespace mk8s::auth

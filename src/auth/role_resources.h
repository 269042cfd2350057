// How roles spell resources, and which resources Kubernetes itself has.
//
//   pods                  the built-in group's resource, and nothing else of that name
//   pods/log              its subresource
//   apps/deployments      group/resource            deployments.apps        resource.group
//   apps/deployments/scale                          deployments.apps/scale  with a subresource
//   core/*                the group whose name is empty
//   *                     every resource and subresource that is not special (role_grant.h)
//   */scale, apps/*, *.cert-manager.io, pods/*, deploy*     globs in any place
//   /metrics, /logs/*     a path that is no resource
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "models/attributes.h"

namespace mk8s::auth {

struct BuiltInResource {
  std::string_view group;
  std::string_view name;
  bool namespaced = true;
  std::string_view short_name = {};  // kubectl's, for "did you mean"
};

/// The resources of Kubernetes 1.36's own groups, and the pseudo-resources that impersonation and
/// certificate signing ask for.
std::span<const BuiltInResource> BuiltInResources();

enum class ResourceScope { kNamespaced, kCluster, kUnknown };

/// By the table; resources of other groups are unknown.
ResourceScope ScopeOf(std::string_view group, std::string_view resource);

/// One group and resource, each a name or a glob.
struct ResourcePattern {
  std::string group;
  std::string resource;
  std::string subresource;       // meaningful if has_subresource
  bool has_subresource = false;  // else the resource itself, and for resource "*" its subresources
  bool named = false;            // without any wildcard, as what escalates must be
  std::string path;              // a non-resource path or glob; all else is empty then

  bool MatchesResource(std::string_view api_group, std::string_view name) const;
};

/// One spelling of the list above; a bare name or a bare glob stands for one pattern per built-in
/// resource.  Error: kInvalidArgument with a suggestion, for a bare name that Kubernetes lacks.
Result<std::vector<ResourcePattern>> ParseResource(std::string_view written);

/// The nearest of `candidates` to `word` within a typing error or two; "" if none is near.
std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace mk8s::auth

// What a cluster's discovery says of one resource: for those that no table of ours knows, such as
// custom ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "models/attributes.h"

namespace mk8s::kube {

/// Where discovery lists the resources of the asked group and version: /apis/GROUP/VERSION.
/// Without a version (a self review's "" or "*"), where it lists the group's versions: /apis/GROUP.
/// Nothing where no group or version is called so: what a client wrote is put into no path.
std::optional<std::string> DiscoveryPath(const Attributes& asked);

/// Whether the objects of `resource` belong to namespaces, by an APIResourceList (apimachinery
/// pkg/apis/meta/v1/types.go) in JSON; nothing if it is not in there.  Error: kBadGateway.
Result<std::optional<bool>> IsNamespaced(std::string_view resource_list, std::string_view resource);

/// The versions of an APIGroup in JSON, the preferred one first, each once and fit for a path.
/// Error: kBadGateway.
Result<std::vector<std::string>> VersionsOf(std::string_view api_group);

}  // namespace mk8s::kube

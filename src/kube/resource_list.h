// What a cluster's discovery says of one resource: for those that no table of ours knows, such as
// custom ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "models/attributes.h"

namespace mk8s::kube {

/// Where discovery lists the resources of the request's group and version: /apis/GROUP/VERSION.
std::string ResourceListPath(const Attributes& attributes);

/// Whether the objects of `resource` belong to namespaces, by an APIResourceList (apimachinery
/// pkg/apis/meta/v1/types.go) in JSON; nothing if it is not in there.  Error: kBadGateway.
Result<std::optional<bool>> IsNamespaced(std::string_view resource_list, std::string_view resource);

}  // namespace mk8s::kube

// See resource_list.h.
#include "kube/resource_list.h"

#include <boost/json/parse.hpp>

#include "base/limits.h"

namespace mk8s::kube {

std::string ResourceListPath(const Attributes& attributes) {
  std::string path = "/" + attributes.api_prefix;
  if (!attributes.api_group.empty()) path += "/" + attributes.api_group;
  return path + "/" + attributes.api_version;
}

Result<std::optional<bool>> IsNamespaced(std::string_view resource_list,
                                         std::string_view resource) {
  const auto malformed = [] {
    return MakeError(ErrorCode::kBadGateway, "the cluster's discovery is not an APIResourceList");
  };
  boost::json::parse_options options;
  options.max_depth = limits::kJsonDepthMax;
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(
      boost::json::string_view(resource_list.data(), resource_list.size()), error, {}, options);
  if (error || !parsed.is_object()) return malformed();
  const boost::json::value* resources = parsed.get_object().if_contains("resources");
  if (resources == nullptr || !resources->is_array()) return malformed();
  for (const boost::json::value& entry : resources->get_array()) {
    if (!entry.is_object()) return malformed();
    const boost::json::value* name = entry.get_object().if_contains("name");
    if (name == nullptr || !name->is_string()) return malformed();
    if (std::string_view(name->get_string()) != resource) continue;
    const boost::json::value* namespaced = entry.get_object().if_contains("namespaced");
    if (namespaced == nullptr || !namespaced->is_bool()) return malformed();
    return std::optional<bool>(namespaced->get_bool());
  }
  return std::optional<bool>();
}

}  // namespace mk8s::kube

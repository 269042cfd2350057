// See resource_list.h.
#include "kube/resource_list.h"

#include <algorithm>
#include <boost/json/parse.hpp>

#include "base/limits.h"

namespace mk8s::kube {
namespace {

namespace json = boost::json;

constexpr std::size_t kNameBytesMax = 253;  // a DNS subdomain (RFC 1123)

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

Error Malformed(const std::string& kind) {
  return MakeError(ErrorCode::kBadGateway, "the cluster's discovery is not an " + kind);
}

Result<json::object> ParseObject(std::string_view text, const std::string& kind) {
  json::parse_options options;
  options.max_depth = limits::kJsonDepthMax;
  boost::system::error_code error;
  json::value parsed = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error || !parsed.is_object()) return Malformed(kind);
  return std::move(parsed.get_object());
}

// Null where `from` is no object, or has no such string.
const json::string* StringOf(const json::value* from, std::string_view key) {
  if (from == nullptr || !from->is_object()) return nullptr;
  const json::value* value = from->get_object().if_contains(key);
  return value == nullptr ? nullptr : value->if_string();
}

}  // namespace

std::optional<std::string> DiscoveryPath(const Attributes& asked) {
  const bool core = asked.api_group.empty();
  if (!core && !IsName(asked.api_group)) return std::nullopt;
  const std::string group = core ? "/api" : "/apis/" + asked.api_group;
  if (asked.api_version.empty() || asked.api_version == "*") return core ? group + "/v1" : group;
  if (!IsName(asked.api_version)) return std::nullopt;
  return group + "/" + asked.api_version;
}

Result<std::optional<bool>> IsNamespaced(std::string_view resource_list,
                                         std::string_view resource) {
  const std::string kind = "APIResourceList";
  MK8S_ASSIGN_OR_RETURN(const json::object list, ParseObject(resource_list, kind));
  const json::value* resources = list.if_contains("resources");
  if (resources == nullptr || !resources->is_array()) return Malformed(kind);
  for (const json::value& entry : resources->get_array()) {
    const json::string* name = StringOf(&entry, "name");
    if (name == nullptr) return Malformed(kind);
    if (std::string_view(*name) != resource) continue;
    const json::value* namespaced = entry.get_object().if_contains("namespaced");
    if (namespaced == nullptr || !namespaced->is_bool()) return Malformed(kind);
    return std::optional<bool>(namespaced->get_bool());
  }
  return std::optional<bool>();
}

Result<std::vector<std::string>> VersionsOf(std::string_view api_group) {
  const std::string kind = "APIGroup";
  MK8S_ASSIGN_OR_RETURN(const json::object group, ParseObject(api_group, kind));
  const json::value* versions = group.if_contains("versions");
  if (versions == nullptr || !versions->is_array()) return Malformed(kind);
  std::vector<std::string> names;
  const auto add = [&names](const json::string* version) {
    if (version == nullptr || !IsName(*version)) return;
    std::string name(*version);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  add(StringOf(group.if_contains("preferredVersion"), "version"));
  for (const json::value& version : versions->get_array()) add(StringOf(&version, "version"));
  return names;
}

}  // namespace mk8s::kube

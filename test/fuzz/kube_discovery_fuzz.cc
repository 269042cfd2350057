// What a cluster says of its groups and resources, and what a client calls them: any bytes give an
// answer or an error, and a path only where no name leaves its segment.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "kube/resource_list.h"
#include "kube/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  (void)mk8s::kube::IsNamespaced(text, "widgets").has_value();
  if (const auto versions = mk8s::kube::VersionsOf(text)) {
    for (const std::string& version : *versions) {
      if (!mk8s::kube::DiscoveryPath({.api_group = "g", .api_version = version})) std::abort();
    }
  }
  const std::size_t line = std::min(text.find('\n'), size);
  const std::string group(text.substr(0, line));
  const std::string version(text.substr(std::min(line + 1, size)));
  const auto path = mk8s::kube::DiscoveryPath({.api_group = group, .api_version = version});
  if (!path) return 0;
  const auto target = mk8s::kube::Target::Parse(*path);
  if (!target || target->Serialize() != *path || !target->query().empty()) std::abort();
  if (target->segment_count() > 3) std::abort();
  return 0;
}

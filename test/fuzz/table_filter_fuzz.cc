// Any rows and column definitions of a Table, listed and watched: see filter_driver.h.  The text is
// rows | column definitions, once for each Table.
#include <vector>

#include "filter_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using mk8s::fuzz::Fuzz;
  if (size == 0) return 0;
  const std::vector<std::string_view> parts =
      mk8s::Split({reinterpret_cast<const char*>(bytes) + 1, size - 1}, '|');
  std::string events;
  for (std::size_t i = 0; i < parts.size(); i += 2) {
    std::string table =
        R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"continue":"k"})";
    if (i + 1 < parts.size()) table += R"(,"columnDefinitions":)" + std::string(parts[i + 1]);
    table += R"(,"rows":)" + std::string(parts[i]) + "}";
    Fuzz(mk8s::kube::ListShape::kList, table, bytes[0]);
    events += R"({"type":"MODIFIED","object":)" + table + "}\n";
  }
  Fuzz(mk8s::kube::ListShape::kWatch, events, bytes[0]);
  return 0;
}

// What central answers and what the user's kubeconfig holds: parsed, shown as YAML, read back the
// same.
#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>

#include "cli/documents.h"
#include "cli/kubeconfig.h"
#include "cli/rest_types.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  (void)mk8s::cli::ParseClusters(text).has_value();
  (void)mk8s::cli::ParseAudit(text).has_value();
  (void)mk8s::cli::ParseRoles(text).has_value();
  (void)mk8s::cli::ParseLogin(text).has_value();
  (void)mk8s::cli::ParseError(500, "", text, "https://c").message.size();
  (void)mk8s::cli::MergeKubeconfig(text, {}, {}).has_value();
  if (const auto value = mk8s::cli::ParseYaml(text)) {
    const auto again = mk8s::cli::ParseYaml(mk8s::cli::ToYaml(*value));
    if (!again || *again != *value) std::abort();
  }
  return 0;
}

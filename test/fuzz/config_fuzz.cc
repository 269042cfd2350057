// Configuration files: whatever the bytes, an error or a configuration, and never a recursion
// without bound.  The same reader serves both programs.
#include <cstdint>
#include <cstdlib>

#include "config/agent_config.h"
#include "config/central_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace mk8s;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto environment = config::FixedEnvironment({{"A", "a: [b"}, {"HOME", "/h"}});
  if (const auto central =
          config::ParseCentralConfig(text, {.file = "f", .dev = true}, environment)) {
    // What is shown must be readable again, secrets and masked URLs apart.
    if (config::DescribeConfig(*central).find("auth:\n") == std::string::npos) std::abort();
  }
  (void)config::ParseAgentConfig(text, "f", environment);
  return 0;
}

// Bodies and messages of exec's callers: parsing must end and hold to its bounds.
#include <cstdint>
#include <cstdlib>

#include "base/limits.h"
#include "base/text.h"
#include "central/exec_messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace mk8s;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  for (const bool interactive : {false, true}) {
    const auto order = central::ParseExecOrder(text, interactive);
    if (!order) continue;
    if (order->command.empty() || order->command.size() > limits::kExecArgumentsMax) std::abort();
    if (order->terminal && !interactive) std::abort();
  }
  if (const auto input = central::ParseExecInput(text); input && input->bytes.size() > size) {
    std::abort();
  }
  if (!IsUtf8(central::RenderExecAnswer(text, text, 1))) std::abort();
  return 0;
}

// Bytes of a WebSocket's other end: reading must end, and not depend on how they were cut.
#include <cstdint>
#include <cstdlib>

#include "http/websocket.h"

namespace {

using mk8s::http::WebSocketMessage;
using mk8s::http::WebSocketReader;
using mk8s::http::WebSocketRole;

std::string ReadAll(WebSocketRole role, std::string_view bytes, std::size_t piece) {
  std::string read;
  WebSocketReader reader(role, 4096);
  while (!bytes.empty()) {
    const bool good = reader.Push(bytes.substr(0, piece), [&](WebSocketMessage message) {
      if (message.payload.size() > 4096) std::abort();
      read += static_cast<char>(message.opcode);
      read += message.payload;
    });
    if (!good) break;
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return read + std::to_string(reader.close_code());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  for (const WebSocketRole role : {WebSocketRole::kServer, WebSocketRole::kClient}) {
    if (ReadAll(role, text, 1) != ReadAll(role, text, size + 1)) std::abort();
  }
  return 0;
}

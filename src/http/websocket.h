// WebSocket messages (RFC 6455) without I/O, either end: central's exec route serves them, mk8s
// asks.  No extensions; subprotocols are the caller's matter.  What the gateway relays between
// kubectl and a cluster does not come through here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace mk8s::http {

inline constexpr std::string_view kWebSocketProtocol = "websocket";

enum class WebSocketRole { kServer, kClient };

enum class WebSocketOpcode : std::uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xa,
};

// Close codes (section 7.4.1) that we send.
inline constexpr std::uint16_t kCloseNormal = 1000;
inline constexpr std::uint16_t kCloseGoingAway = 1001;
inline constexpr std::uint16_t kCloseProtocolError = 1002;
inline constexpr std::uint16_t kCloseNotUtf8 = 1007;
inline constexpr std::uint16_t kCloseTooBig = 1009;
inline constexpr std::uint16_t kCloseInternal = 1011;

/// Whole: fragments were put together.  A close's payload is its code and reason.
struct WebSocketMessage {
  WebSocketOpcode opcode = WebSocketOpcode::kText;
  std::string payload;
};

/// Reads what the other end sends.
class WebSocketReader {
 public:
  /// `role` is our own: a server takes masked frames only, a client unmasked ones only.
  WebSocketReader(WebSocketRole role, std::size_t message_bytes_max)
      : role_(role), message_bytes_max_(message_bytes_max) {}

  /// Of the messages that begin from here on.
  void SetMessageBytesMax(std::size_t bytes) { message_bytes_max_ = bytes; }

  /// Gives each whole message in turn.  False when the other end broke the protocol: then
  /// close_code() is what to send, and nothing more is read.  Bytes behind a close are dropped.
  bool Push(std::string_view bytes, const std::function<void(WebSocketMessage)>& on_message);

  std::uint16_t close_code() const { return close_code_; }

 private:
  bool ReadHeader();
  bool CheckHeader();
  bool EndFrame(const std::function<void(WebSocketMessage)>& on_message);
  bool EndControl(const std::function<void(WebSocketMessage)>& on_message);
  bool Fail(std::uint16_t code);

  const WebSocketRole role_;
  std::size_t message_bytes_max_;
  std::string header_;  // of the frame that arrives, as far as it came
  bool in_payload_ = false;
  bool final_ = false;
  WebSocketOpcode opcode_ = WebSocketOpcode::kText;
  std::uint64_t payload_left_ = 0;
  std::size_t mask_at_ = 0;
  std::array<char, 4> mask_{};
  std::string control_;                            // payload of a control frame
  std::optional<WebSocketOpcode> message_opcode_;  // of the fragmented message under way
  std::string message_;
  std::uint16_t close_code_ = 0;
  bool closed_ = false;
};

/// One message in one frame.  A client's is masked with random bytes.
std::string WebSocketFrame(WebSocketRole role, WebSocketOpcode opcode, std::string_view payload);
/// The frame that closes; `reason` is cut to what a control frame holds.
std::string WebSocketClose(WebSocketRole role, std::uint16_t code, std::string_view reason = {});

/// The value of Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string WebSocketAccept(std::string_view key);

/// Whether a request for an upgrade to `websocket` is one of version 13 with a valid key; its
/// Sec-WebSocket-Accept.  Error: kInvalidArgument.
Result<std::string> CheckWebSocketRequest(const RequestHead& head);

}  // namespace mk8s::http

// See websocket.h.  Section numbers are RFC 6455's.
#include "http/websocket.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/text.h"

namespace mk8s::http {
namespace {

constexpr std::size_t kControlBytesMax = 125;  // section 5.5
constexpr std::uint8_t kFinal = 0x80;
constexpr std::uint8_t kReserved = 0x70;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;
constexpr std::size_t kKeyBytes = 16;

std::uint8_t At(std::string_view bytes, std::size_t index) {
  return static_cast<std::uint8_t>(bytes[index]);
}

bool IsControl(WebSocketOpcode opcode) { return (static_cast<std::uint8_t>(opcode) & 0x8) != 0; }

bool IsKnown(std::uint8_t opcode) { return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xa); }

// Section 7.4: what an endpoint may send.
bool IsCloseCode(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

bool WebSocketReader::Push(std::string_view bytes,
                           const std::function<void(WebSocketMessage)>& on_message) {
  while (!bytes.empty() && !closed_) {
    if (!in_payload_) {
      header_ += bytes.front();
      bytes.remove_prefix(1);
      if (!ReadHeader()) return false;
      if (in_payload_ && payload_left_ == 0 && !EndFrame(on_message)) return false;
      continue;
    }
    const std::size_t count = std::min<std::uint64_t>(payload_left_, bytes.size());
    std::string& into = IsControl(opcode_) ? control_ : message_;
    const std::size_t from = into.size();
    into += bytes.substr(0, count);
    bytes.remove_prefix(count);
    if (role_ == WebSocketRole::kServer) {
      for (std::size_t i = from; i < into.size(); ++i) {
        into[i] = static_cast<char>(into[i] ^ mask_[mask_at_++ % mask_.size()]);
      }
    }
    payload_left_ -= count;
    if (payload_left_ == 0 && !EndFrame(on_message)) return false;
  }
  return close_code_ == 0;
}

// Section 5.2.  Does nothing until the header is whole.
bool WebSocketReader::ReadHeader() {
  if (header_.size() < 2) return true;
  const bool masked = (At(header_, 1) & kMasked) != 0;
  const std::uint8_t length = At(header_, 1) & 0x7f;
  const std::size_t length_bytes = length == kLength16 ? 2 : length == kLength64 ? 8 : 0;
  if (header_.size() == 2 && !CheckHeader()) return false;
  if (header_.size() < 2 + length_bytes + (masked ? mask_.size() : 0)) return true;
  payload_left_ = length_bytes == 0 ? length : 0;
  for (std::size_t i = 0; i < length_bytes; ++i) {
    payload_left_ = payload_left_ << 8 | At(header_, 2 + i);
  }
  // The shortest form, and no top bit.
  if ((length_bytes == 2 && payload_left_ < kLength16) ||
      (length_bytes == 8 && (payload_left_ <= 0xffff || payload_left_ >> 63 != 0))) {
    return Fail(kCloseProtocolError);
  }
  if (masked)
    std::copy_n(header_.end() - static_cast<std::ptrdiff_t>(mask_.size()), mask_.size(),
                mask_.begin());
  mask_at_ = 0;
  if (!IsControl(opcode_) && (message_.size() > message_bytes_max_ ||
                              payload_left_ > message_bytes_max_ - message_.size())) {
    return Fail(kCloseTooBig);
  }
  header_.clear();
  in_payload_ = true;
  return true;
}

// What the first two bytes tell.
bool WebSocketReader::CheckHeader() {
  const std::uint8_t first = At(header_, 0), second = At(header_, 1);
  const std::uint8_t opcode = first & 0x0f;
  const bool masked = (second & kMasked) != 0;
  if ((first & kReserved) != 0 || !IsKnown(opcode) || masked != (role_ == WebSocketRole::kServer)) {
    return Fail(kCloseProtocolError);
  }
  final_ = (first & kFinal) != 0;
  opcode_ = static_cast<WebSocketOpcode>(opcode);
  if (IsControl(opcode_)) {
    if (!final_ || (second & 0x7f) > kControlBytesMax) return Fail(kCloseProtocolError);
    return true;
  }
  // A continuation needs a message under way; a new message none (section 5.4).
  if ((opcode_ == WebSocketOpcode::kContinuation) != message_opcode_.has_value()) {
    return Fail(kCloseProtocolError);
  }
  if (!message_opcode_) message_opcode_ = opcode_;
  return true;
}

bool WebSocketReader::EndFrame(const std::function<void(WebSocketMessage)>& on_message) {
  in_payload_ = false;
  if (IsControl(opcode_)) return EndControl(on_message);
  if (!final_) return true;
  WebSocketMessage message{*std::exchange(message_opcode_, std::nullopt),
                           std::exchange(message_, {})};
  if (message.opcode == WebSocketOpcode::kText && !IsUtf8(message.payload)) {
    return Fail(kCloseNotUtf8);
  }
  on_message(std::move(message));
  return true;
}

bool WebSocketReader::EndControl(const std::function<void(WebSocketMessage)>& on_message) {
  WebSocketMessage message{opcode_, std::exchange(control_, {})};
  if (opcode_ == WebSocketOpcode::kClose) {
    const std::string_view payload = message.payload;
    if (payload.size() == 1 ||
        (payload.size() >= 2 &&
         !IsCloseCode(static_cast<std::uint16_t>(At(payload, 0) << 8 | At(payload, 1))))) {
      return Fail(kCloseProtocolError);
    }
    if (payload.size() > 2 && !IsUtf8(payload.substr(2))) return Fail(kCloseNotUtf8);
    closed_ = true;
  }
  on_message(std::move(message));
  return true;
}

bool WebSocketReader::Fail(std::uint16_t code) {
  close_code_ = code;
  closed_ = true;
  message_.clear();
  return false;
}

std::string WebSocketFrame(WebSocketRole role, WebSocketOpcode opcode, std::string_view payload) {
  const bool masked = role == WebSocketRole::kClient;
  std::string frame;
  frame.reserve(payload.size() + 14);
  frame += static_cast<char>(kFinal | static_cast<std::uint8_t>(opcode));
  const std::uint8_t mask_bit = masked ? kMasked : 0;
  const auto append_length = [&](int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      frame += static_cast<char>(payload.size() >> shift);
    }
  };
  if (payload.size() < kLength16) {
    frame += static_cast<char>(mask_bit | payload.size());
  } else if (payload.size() <= 0xffff) {
    frame += static_cast<char>(mask_bit | kLength16);
    append_length(2);
  } else {
    frame += static_cast<char>(mask_bit | kLength64);
    append_length(8);
  }
  if (!masked) return frame.append(payload);
  const std::string mask = RandomBytes(4);  // section 5.3
  frame += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame += static_cast<char>(payload[i] ^ mask[i % mask.size()]);
  }
  return frame;
}

std::string WebSocketClose(WebSocketRole role, std::uint16_t code, std::string_view reason) {
  std::string payload;
  payload += static_cast<char>(code >> 8);
  payload += static_cast<char>(code & 0xff);
  payload += reason.substr(0, kControlBytesMax - payload.size());
  while (!IsUtf8(std::string_view(payload).substr(2))) payload.pop_back();
  return WebSocketFrame(role, WebSocketOpcode::kClose, payload);
}

std::string WebSocketAccept(std::string_view key) {
  constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // section 1.3
  return Base64Encode(Sha1(std::string(key).append(kGuid)));
}

Result<std::string> CheckWebSocketRequest(const RequestHead& head) {
  const auto keys = head.fields.All("sec-websocket-key");
  const Result<std::string> key =
      keys.size() == 1 ? Base64Decode(keys[0]) : Result<std::string>(std::string());
  if (head.method != "GET" || head.fields.Get("sec-websocket-version") != "13" || !key ||
      key->size() != kKeyBytes) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "the WebSocket's handshake must be a GET with version 13 and a key of 16 "
                     "bytes in base64 (RFC 6455)");
  }
  return WebSocketAccept(keys[0]);
}

}  // namespace mk8s::http

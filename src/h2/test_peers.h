// For the tests: a client and a server session joined back to back in memory, handlers that record,
// and hand-made frames.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "h2/session.h"

namespace mk8s::h2::testing {

/// What one side of an exchange heard.
struct Heard {
  std::string body;
  bool ended = false;
  http::Fields trailers;
  std::optional<http::ResetReason> reset;
  int resets = 0;
  std::size_t sent = 0;
};

class ServerSide : public http::StreamEvents, public Heard {
 public:
  void OnBody(std::string_view bytes) override {
    body += bytes;
    if (on_body) on_body(bytes);
    if (consume) stream->Consume(bytes.size());
  }
  void OnEnd(const http::Fields& fields) override {
    ended = true;
    trailers = fields;
    if (on_end) on_end();
  }
  void OnReset(http::ResetReason reason) override {
    reset = reason;
    ++resets;
  }
  void OnSent(std::size_t bytes) override {
    sent += bytes;
    if (on_sent) on_sent(bytes);
  }

  http::RequestHead head;
  bool head_ended = false;
  std::shared_ptr<http::ResponseStream> stream;
  bool consume = true;
  std::function<void(std::string_view)> on_body;
  std::function<void()> on_end;
  std::function<void(std::size_t)> on_sent;
};

class ClientSide : public http::ResponseEvents, public Heard {
 public:
  void OnHead(http::ResponseHead response, bool end) override {
    head = std::move(response);
    head_ended = end;
  }
  void OnBody(std::string_view bytes) override {
    body += bytes;
    if (on_body) on_body(bytes);
    if (consume) stream->Consume(bytes.size());
  }
  void OnEnd(const http::Fields& fields) override {
    ended = true;
    trailers = fields;
  }
  void OnReset(http::ResetReason reason) override {
    reset = reason;
    ++resets;
    if (on_reset) on_reset();
  }
  void OnSent(std::size_t bytes) override { sent += bytes; }

  std::optional<http::ResponseHead> head;
  bool head_ended = false;
  std::shared_ptr<http::Stream> stream;
  bool consume = true;
  std::function<void(std::string_view)> on_body;
  std::function<void()> on_reset;
};

class RecordingHandler : public http::Handler {
 public:
  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) override {
    auto side = std::make_shared<ServerSide>();
    side->head = std::move(head);
    side->head_ended = end;
    side->stream = std::move(stream);
    if (keep) requests.push_back(side);
    if (on_request) on_request(*side);
    return side;
  }

  bool keep = true;
  std::vector<std::shared_ptr<ServerSide>> requests;
  std::function<void(ServerSide&)> on_request;
};

inline http::RequestHead Get(std::string target = "/api") {
  return {.method = "GET", .authority = "cluster.test", .target = std::move(target)};
}
inline http::RequestHead Post(std::string target = "/api") {
  return {.method = "POST", .authority = "cluster.test", .target = std::move(target)};
}

inline constexpr WallTime kTestTime{std::chrono::seconds(1'780'000'000)};

class Pair {
 public:
  explicit Pair(Options options = {}) : clock(kTestTime) {
    options.clock = &clock;
    server = Session::Server(handler, options);
    client = Session::Client(options);
    server->SetWakeup([this] { ++server_wakeups; });
    client->SetWakeup([this] { ++client_wakeups; });
  }

  /// One way, at most one flush; returns how many bytes moved.
  static std::size_t Move(Session& from, Session& to, std::size_t split = SIZE_MAX) {
    std::string bytes;
    from.Produce(bytes, limits::kFlushBytes);
    for (std::string_view rest = bytes; !rest.empty();) {
      const std::string_view piece = rest.substr(0, split);
      // Its own allocation, so that a read beyond it is seen by AddressSanitizer.
      EXPECT_TRUE(to.Receive(std::string(piece)));
      rest.remove_prefix(piece.size());
    }
    return bytes.size();
  }

  /// Until both are quiet.
  void Run(std::size_t split = SIZE_MAX) {
    while (Move(*client, *server, split) + Move(*server, *client, split) > 0) {
    }
  }

  std::shared_ptr<ClientSide> Send(const http::RequestHead& head, bool end = true) {
    auto side = std::make_shared<ClientSide>();
    side->stream = client->Send(head, end, side);
    return side;
  }

  ServerSide& last() { return *handler.requests.back(); }

  ManualClock clock;
  RecordingHandler handler;
  std::unique_ptr<Session> server;
  std::unique_ptr<Session> client;
  int server_wakeups = 0;
  int client_wakeups = 0;
};

// --- Frames by hand, RFC 9113 section 4.1, and HPACK literals, RFC 7541 section 6.2.2. ---

inline std::string Frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream_id,
                         std::string_view payload) {
  std::string frame;
  for (int shift : {16, 8, 0}) frame += static_cast<char>(payload.size() >> shift);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  for (int shift : {24, 16, 8, 0}) frame += static_cast<char>(stream_id >> shift);
  return frame.append(payload);
}

inline std::string HpackString(std::string_view text) {
  std::string out;
  if (text.size() < 127) {
    out += static_cast<char>(text.size());
  } else {
    out += '\x7f';
    std::size_t rest = text.size() - 127;
    for (; rest >= 128; rest /= 128) out += static_cast<char>(rest % 128 + 128);
    out += static_cast<char>(rest);
  }
  return out.append(text);
}

using FieldList = std::vector<std::pair<std::string, std::string>>;

inline std::string HpackBlock(const FieldList& fields) {
  std::string block;
  for (const auto& [name, value] : fields) {
    block.append(1, '\0').append(HpackString(name)).append(HpackString(value));
  }
  return block;
}

inline FieldList RawGet(const FieldList& more = {}) {
  FieldList fields{
      {":method", "GET"}, {":scheme", "https"}, {":authority", "a.test"}, {":path", "/"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr std::uint8_t kData = 0, kHeaders = 1, kPriority = 2, kRst = 3, kSettings = 4,
                              kPing = 6, kGoaway = 7, kWindowUpdate = 8, kContinuation = 9;
inline constexpr std::uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4;

inline std::string Number(std::uint32_t value) {
  std::string bytes;
  for (int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift);
  return bytes;
}

struct Parsed {
  std::uint8_t type;
  std::uint8_t flags;
  std::uint32_t stream_id;
  std::string payload;
};

inline std::vector<Parsed> ParseFrames(std::string_view bytes) {
  std::vector<Parsed> frames;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  while (bytes.size() >= 9) {
    const std::size_t length = (std::size_t{byte(0)} << 16) | (byte(1) << 8) | byte(2);
    const std::uint32_t stream_id =
        (std::uint32_t{byte(5)} << 24) | (byte(6) << 16) | (byte(7) << 8) | byte(8);
    frames.push_back({byte(3), byte(4), stream_id, std::string(bytes.substr(9, length))});
    bytes.remove_prefix(9 + length);
  }
  return frames;
}

/// The error code of the last frame of `type` in `bytes`; nullopt if there is none.
inline std::optional<std::uint32_t> LastErrorCode(std::string_view bytes, std::uint8_t type) {
  std::optional<std::uint32_t> code;
  for (const Parsed& frame : ParseFrames(bytes)) {
    if (frame.type != type) continue;
    const std::size_t at = type == kGoaway ? 4 : 0;
    code = 0;
    for (std::size_t i = at; i < at + 4; ++i) {
      code = *code << 8 | static_cast<std::uint8_t>(frame.payload[i]);
    }
  }
  return code;
}

}  // namespace mk8s::h2::testing

// Frames as RFC 6455 shows them, and those that it forbids.
#include "http/websocket.h"

#include <gtest/gtest.h>

namespace mk8s::http {
namespace {

using Role = WebSocketRole;
using Opcode = WebSocketOpcode;

struct Read {
  std::string messages;  // "T:Hello P:..." by opcode
  std::uint16_t close_code = 0;
};

Read ReadAll(Role role, std::string_view bytes, std::size_t piece, std::size_t bytes_max = 100) {
  Read read;
  WebSocketReader reader(role, bytes_max);
  while (!bytes.empty()) {
    const bool good = reader.Push(bytes.substr(0, piece), [&](WebSocketMessage message) {
      constexpr std::string_view kLetters = "cTB     CPQ";
      read.messages += kLetters[static_cast<std::size_t>(message.opcode)];
      read.messages += ":" + message.payload + " ";
    });
    if (!good) break;
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  read.close_code = reader.close_code();
  return read;
}

struct Case {
  std::string name;
  Role role;
  std::string bytes;
  std::string messages;
  std::uint16_t close_code = 0;
};

std::string Bytes(std::initializer_list<int> bytes, std::string_view text = {}) {
  std::string out;
  for (const int byte : bytes) out += static_cast<char>(byte);
  return out.append(text);
}

TEST(WebSocket, ReadsFrames) {
  const std::string hello = Bytes({0x81, 0x05}, "Hello");
  const Case cases[] = {
      // Section 5.7's examples.
      {"text", Role::kClient, hello, "T:Hello "},
      {"masked", Role::kServer,
       Bytes({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}), "T:Hello "},
      {"fragments", Role::kClient, Bytes({0x01, 3}, "Hel") + Bytes({0x80, 2}, "lo"), "T:Hello "},
      {"ping", Role::kClient, Bytes({0x89, 5}, "Hello"), "P:Hello "},
      {"a ping between fragments", Role::kClient,
       Bytes({0x01, 3}, "Hel") + Bytes({0x89, 1}, "x") + Bytes({0x80, 2}, "lo"), "P:x T:Hello "},
      {"an empty message", Role::kClient, Bytes({0x82, 0}), "B: "},
      {"a character over two fragments", Role::kClient,
       Bytes({0x01, 1, 0xc3}) + Bytes({0x80, 1, 0xa4}), "T:ä "},
      {"close", Role::kClient, Bytes({0x88, 4, 0x03, 0xe8}, "ok"), "C:\x03\xe8ok "},
      {"bytes behind a close", Role::kClient, Bytes({0x88, 0}) + hello, "C: "},
      {"length in 16 bits too big", Role::kClient, Bytes({0x82, 126, 0x01, 0x00}), "",
       kCloseTooBig},
      {"length in 64 bits too big", Role::kClient, Bytes({0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}), "",
       kCloseTooBig},
      {"fragments too big together", Role::kClient,
       Bytes({0x02, 60}, std::string(60, 'x')) + Bytes({0x80, 60}, std::string(60, 'x')), "",
       kCloseTooBig},
      {"a text of no text", Role::kClient, Bytes({0x81, 1, 0xff}), "", kCloseNotUtf8},
      {"unmasked to a server", Role::kServer, hello, "", kCloseProtocolError},
      {"masked to a client", Role::kClient, Bytes({0x81, 0x80, 1, 2, 3, 4}), "",
       kCloseProtocolError},
      {"a reserved bit", Role::kClient, Bytes({0xc1, 0}), "", kCloseProtocolError},
      {"a reserved opcode", Role::kClient, Bytes({0x83, 0}), "", kCloseProtocolError},
      {"a long ping", Role::kClient, Bytes({0x89, 126, 0, 126}), "", kCloseProtocolError},
      {"a ping in fragments", Role::kClient, Bytes({0x09, 0}), "", kCloseProtocolError},
      {"a continuation of nothing", Role::kClient, Bytes({0x80, 0}), "", kCloseProtocolError},
      {"a message within a message", Role::kClient, Bytes({0x01, 0}) + hello, "",
       kCloseProtocolError},
      {"a length not in its shortest form", Role::kClient, Bytes({0x82, 126, 0, 5}), "",
       kCloseProtocolError},
      {"the same in 64 bits", Role::kClient, Bytes({0x82, 127, 0, 0, 0, 0, 0, 0, 0, 5}), "",
       kCloseProtocolError},
      {"a close of one byte", Role::kClient, Bytes({0x88, 1, 3}), "", kCloseProtocolError},
      {"a close code for nobody", Role::kClient, Bytes({0x88, 2, 0x03, 0xed}), "",
       kCloseProtocolError},
      {"a close reason of no text", Role::kClient, Bytes({0x88, 3, 0x03, 0xe8, 0xff}), "",
       kCloseNotUtf8},
  };
  for (const Case& c : cases) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{1000}}) {
      const Read read = ReadAll(c.role, c.bytes, piece);
      EXPECT_EQ(read.messages, c.messages) << c.name << " by " << piece;
      EXPECT_EQ(read.close_code, c.close_code) << c.name << " by " << piece;
    }
  }
}

TEST(WebSocket, ReadsWhatItWrites) {
  for (const std::size_t size : {0, 1, 125, 126, 65'535, 65'536, 70'000}) {
    const std::string payload(size, 'x');
    for (const Role role : {Role::kServer, Role::kClient}) {
      const Role other = role == Role::kServer ? Role::kClient : Role::kServer;
      const std::string frame = WebSocketFrame(role, Opcode::kBinary, payload);
      EXPECT_EQ(ReadAll(other, frame, 4096, 100'000).messages, "B:" + payload + " ") << size;
    }
  }
  const std::string close =
      WebSocketClose(Role::kServer, kCloseGoingAway, std::string(200, 'a') + "ä");
  EXPECT_EQ(ReadAll(Role::kClient, close, 1000).messages,
            "C:\x03\xe9" + std::string(123, 'a') + " ");
}

TEST(WebSocket, ChecksTheHandshake) {
  const RequestHead good{.method = "GET",
                         .protocol = "websocket",
                         .fields = {{"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
                                    {"sec-websocket-version", "13"}}};
  const auto accept = CheckWebSocketRequest(good);
  ASSERT_TRUE(accept);
  EXPECT_EQ(*accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // section 1.3's
  RequestHead bad = good;
  bad.fields.Set("sec-websocket-version", "8");
  EXPECT_FALSE(CheckWebSocketRequest(bad));
  bad = good;
  bad.fields.Set("sec-websocket-key", "c2hvcnQ=");
  EXPECT_FALSE(CheckWebSocketRequest(bad));
  bad = good;
  bad.fields.Add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_FALSE(CheckWebSocketRequest(bad));
  bad = good;
  bad.method = "POST";
  EXPECT_FALSE(CheckWebSocketRequest(bad));
}

}  // namespace
}  // namespace mk8s::http

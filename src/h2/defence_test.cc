// Peers that break the rules or the bounds.
#include <gtest/gtest.h>

#include "h2/test_peers.h"

namespace mk8s::h2 {
namespace {

using http::ResetReason;
using testing::FieldList;
using testing::Frame;
using testing::Get;
using testing::HpackBlock;
using testing::kTestTime;
using testing::Number;
using testing::Pair;
using testing::RawGet;

constexpr std::uint32_t kNoErrorCode = 0, kProtocolErrorCode = 1, kCalmCode = 11;

// A server session and a client made by hand.
class Server {
 public:
  explicit Server(Options options = {}) : clock(kTestTime) {
    options.clock = &clock;
    session = Session::Server(handler, options);
    EXPECT_TRUE(
        session->Receive(std::string(testing::kPreface) + Frame(testing::kSettings, 0, 0, {})));
  }
  std::string Output() {
    std::string out;
    session->Produce(out, 10'000'000);
    return out;
  }
  std::string Request(std::uint32_t stream_id, const FieldList& fields, bool end = true) {
    EXPECT_TRUE(session->Receive(Frame(testing::kHeaders,
                                       testing::kEndHeaders | (end ? testing::kEndStream : 0),
                                       stream_id, HpackBlock(fields))));
    return Output();
  }

  ManualClock clock;
  testing::RecordingHandler handler;
  std::unique_ptr<Session> session;
};

// Else it would switch off the connection's deadlines for as long as its peer likes.
TEST(Defence, AHeaderSectionWithoutItsEndIsNoOpenStream) {
  Server server;
  const std::string block = HpackBlock(RawGet());
  EXPECT_TRUE(server.session->Receive(Frame(testing::kHeaders, testing::kEndStream, 1, block)));
  EXPECT_EQ(server.session->OpenStreams(), 0u);
  EXPECT_TRUE(server.handler.requests.empty());
  EXPECT_TRUE(server.session->Receive(Frame(testing::kContinuation, testing::kEndHeaders, 1, {})));
  EXPECT_EQ(server.handler.requests.size(), 1u);
  EXPECT_EQ(server.session->OpenStreams(), 1u);
  EXPECT_TRUE(server.session->Receive(Frame(testing::kHeaders, testing::kEndStream, 3, block)));
  EXPECT_EQ(server.session->OpenStreams(), 1u);
  server.session->ConnectionLost();
  EXPECT_EQ(server.session->OpenStreams(), 0u);
}

TEST(Defence, MalformedRequestsAreResetAndNotHandled) {
  const std::pair<const char*, FieldList> cases[] = {
      {"upper case", RawGet({{"X-Upper", "1"}})},
      {"connection", RawGet({{"connection", "close"}})},
      {"transfer-encoding", RawGet({{"transfer-encoding", "chunked"}})},
      {"upgrade", RawGet({{"upgrade", "h2c"}})},
      {"te", RawGet({{"te", "gzip"}})},
      {"line feed in value", RawGet({{"x", "a\nb"}})},
      {"carriage return in value", RawGet({{"x", "a\rimpersonate-user: root"}})},
      {"NUL in value", RawGet({{"x", std::string("a\0b", 3)}})},
      {"space in name", RawGet({{"a b", "1"}})},
      {"empty name", RawGet({{"", "1"}})},
      {"pseudo-header after field", RawGet({{"x", "1"}, {":path", "/b"}})},
      {"second path", RawGet({{":path", "/b"}})},
      {"unknown pseudo-header", RawGet({{":x", "1"}})},
      {"no path", {{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}}},
      {"no method", {{":scheme", "https"}, {":authority", "a"}, {":path", "/"}}},
      {"path without slash",
       {{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "x"}}},
      {"protocol without CONNECT", RawGet({{":protocol", "websocket"}})},
      {"other host", RawGet({{"host", "b.test"}})},
      {"two content lengths", RawGet({{"content-length", "1"}, {"content-length", "2"}})},
  };
  for (const auto& [name, fields] : cases) {
    SCOPED_TRACE(name);
    Server server;
    const std::string out = server.Request(1, fields);
    EXPECT_EQ(testing::LastErrorCode(out, testing::kRst), kProtocolErrorCode);
    EXPECT_TRUE(server.handler.requests.empty());
    EXPECT_EQ(server.session->OpenStreams(), 0u);
    server.Request(3, RawGet());
    EXPECT_EQ(server.handler.requests.size(), 1u) << "the connection goes on";
  }
}

TEST(Defence, HostIsTheAuthorityWhereThereIsNone) {
  Server server;
  server.Request(1, {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "h.test"}});
  server.Request(3, RawGet({{"host", "A.TEST"}}));
  ASSERT_EQ(server.handler.requests.size(), 2u);
  EXPECT_EQ(server.handler.requests[0]->head.authority, "h.test");
  EXPECT_EQ(server.handler.requests[1]->head.authority, "a.test");
  EXPECT_TRUE(server.handler.requests[1]->head.fields.empty());
}

TEST(Defence, AnswersWhatIsOverABound) {
  Options options;
  options.header_bytes_max = 4000;
  options.header_fields_max = 20;
  options.target_bytes_max = 1000;
  auto long_target = Get("/" + std::string(1000, 'x'));
  auto many = Get(), large = Get(), connect = Get("");
  for (int i = 0; i < 20; ++i) many.fields.Add("n", "v");
  for (int i = 0; i < 5; ++i) large.fields.Add("n", std::string(800, 'v'));
  connect.method = "CONNECT";
  const std::tuple<http::RequestHead, int> cases[] = {
      {Get("/" + std::string(999, 'x')), 200}, {long_target, 414}, {many, 431}, {large, 431}};
  for (const auto& [head, status] : cases) {
    for (const bool end : {true, false}) {
      SCOPED_TRACE(std::to_string(status) + (end ? " end" : " body"));
      Pair pair(options);
      pair.handler.on_request = [](testing::ServerSide& side) {
        side.stream->SendHead({.status = 200}, true);
        side.stream->Reset(ResetReason::kNoError);
      };
      pair.Run();
      const auto call = pair.Send(head, end);
      if (!end) call->stream->SendBody(std::string(100'000, 'b'));
      pair.Run();
      ASSERT_TRUE(call->head);
      EXPECT_EQ(call->head->status, status);
      EXPECT_TRUE(call->head_ended);
      EXPECT_EQ(pair.handler.requests.size(), status == 200 ? 1u : 0u);
      EXPECT_EQ(pair.client->OpenStreams() + pair.server->OpenStreams(), 0u);
    }
  }
}

TEST(Defence, PlainConnectIsNotAllowed) {
  Server server;
  const std::string out = server.Request(1, {{":method", "CONNECT"}, {":authority", "a:443"}});
  EXPECT_TRUE(server.handler.requests.empty());
  EXPECT_EQ(server.session->OpenStreams(), 0u);
  EXPECT_FALSE(testing::ParseFrames(out).empty());
}

TEST(Defence, ClientRefusesResponseHeadersOverABound) {
  Options options;
  options.header_bytes_max = 4000;
  Pair pair;
  pair.client = Session::Client(options);
  pair.handler.on_request = [](testing::ServerSide& side) {
    http::ResponseHead head;
    for (int i = 0; i < 5; ++i) head.fields.Add("n", std::string(800, 'v'));
    side.stream->SendHead(head, false);
    side.stream->SendBody("never seen");
  };
  const auto call = pair.Send(Get());
  pair.Run();
  EXPECT_FALSE(call->head);
  EXPECT_EQ(call->reset, ResetReason::kEnhanceYourCalm);
  EXPECT_EQ(pair.last().reset, ResetReason::kEnhanceYourCalm);
}

// nghttp2 takes three digits for a status.  The body that follows must not come without a head.
TEST(Defence, ClientRefusesAStatusThatIsNone) {
  for (const char* status : {"000", "020", "099"}) {
    Pair pair;
    pair.Run();
    const auto call = pair.Send(Get());
    std::string bytes;
    pair.client->Produce(bytes, limits::kFlushBytes);
    ASSERT_TRUE(pair.client->Receive(
        Frame(testing::kHeaders, testing::kEndHeaders, 1, HpackBlock({{":status", status}})) +
        Frame(testing::kData, 0, 1, "body")));
    pair.client->Produce(bytes, limits::kFlushBytes);
    EXPECT_FALSE(call->head);
    EXPECT_EQ(call->body, "");
    EXPECT_EQ(call->reset, ResetReason::kProtocolError) << status;
  }
}

TEST(Defence, FloodsEndTheConnection) {
  const auto stream_of = [](int i) { return static_cast<std::uint32_t>(2 * i + 1); };
  struct Case {
    const char* name;
    std::function<std::string(int)> frames;
  };
  const Case cases[] = {
      {"ping", [](int) { return Frame(testing::kPing, 0, 0, "12345678"); }},
      {"ping answers", [](int) { return Frame(testing::kPing, testing::kAck, 0, "12345678"); }},
      {"settings", [](int) { return Frame(testing::kSettings, 0, 0, {}); }},
      {"priority", [](int) { return Frame(testing::kPriority, 0, 1, std::string(5, '\x03')); }},
      {"empty data",
       [](int i) {
         return i == 0 ? Frame(testing::kHeaders, testing::kEndHeaders, 1, HpackBlock(RawGet()))
                       : Frame(testing::kData, 0, 1, {});
       }},
      {"rapid reset",
       [&](int i) {
         return Frame(testing::kHeaders, testing::kEndHeaders | testing::kEndStream, stream_of(i),
                      HpackBlock(RawGet())) +
                Frame(testing::kRst, 0, stream_of(i), Number(8));
       }},
      {"resets that we are made to send",
       [&](int i) {
         return Frame(testing::kHeaders, testing::kEndHeaders, stream_of(i), HpackBlock(RawGet())) +
                Frame(testing::kWindowUpdate, 0, stream_of(i), Number(0x7fffffff));
       }},
  };
  for (const Case& flood : cases) {
    for (const bool slow : {false, true}) {
      SCOPED_TRACE(std::string(flood.name) + (slow ? " slowly" : ""));
      Server server;
      std::string out;
      bool failed = false;
      int i = 0;
      const int count = static_cast<int>(limits::kHousekeepingFramesMax) + 100;
      for (; i < count && !failed && !server.session->Finished(); ++i) {
        if (slow && i == count / 2) server.clock.Advance(std::chrono::seconds(11));
        const auto result = server.session->Receive(flood.frames(i));
        failed = !result;
        if (failed) {
          EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted);
        }
        out = server.Output();
      }
      EXPECT_EQ(server.session->Finished(), !slow);
      if (!slow) {
        EXPECT_GE(i, static_cast<int>(limits::kHousekeepingFramesMax) - 2);
        EXPECT_EQ(testing::LastErrorCode(out + server.Output(), testing::kGoaway), kCalmCode);
      }
    }
  }
}

TEST(Defence, EndlessHeadersEndTheConnection) {
  Server server;
  Result<void> result =
      server.session->Receive(Frame(testing::kHeaders, 0, 1, HpackBlock(RawGet())));
  for (int i = 0; i < 100 && result; ++i) {
    result = server.session->Receive(Frame(testing::kContinuation, 0, 1, HpackBlock({{"x", "y"}})));
  }
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(testing::LastErrorCode(server.Output(), testing::kGoaway), kCalmCode);
  EXPECT_TRUE(server.session->Finished());
}

TEST(Defence, AnswersToAPeerThatDoesNotReadAreBounded) {
  Options options;
  options.housekeeping_frames_max = 1'000'000;
  Server server(options);
  Result<void> result;
  for (int i = 0; i < 10'000 && result; ++i) {
    result = server.session->Receive(Frame(testing::kPing, 0, 0, "12345678"));
  }
  EXPECT_FALSE(result);
}

TEST(Defence, OtherProtocolsAreRefused) {
  testing::RecordingHandler handler;
  const auto session = Session::Server(handler);
  const auto result = session->Receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kBadGateway);
  EXPECT_TRUE(session->Finished());
}

TEST(Defence, ConnectionErrorsAreAnsweredByGoaway) {
  const std::pair<const char*, std::string> cases[] = {
      {"data on stream 0", Frame(testing::kData, 0, 0, "x")},
      {"headers on stream 2", Frame(testing::kHeaders, 5, 2, HpackBlock(RawGet()))},
      {"data on an idle stream", Frame(testing::kData, 0, 7, "x")},
      {"bad HPACK", Frame(testing::kHeaders, 5, 1, "\xff\xff\xff\xff\xff\xff")},
      {"short PING", Frame(testing::kPing, 0, 0, "x")},
      {"frame too long", Frame(testing::kData, 0, 1, std::string(70'000, 'x'))},
      {"window overflow", Frame(testing::kWindowUpdate, 0, 0, Number(0x7fffffff))},
  };
  for (const auto& [name, bytes] : cases) {
    SCOPED_TRACE(name);
    Server server;
    server.Output();
    (void)server.session->Receive(bytes);
    const auto code = testing::LastErrorCode(server.Output(), testing::kGoaway);
    ASSERT_TRUE(code);
    EXPECT_NE(*code, kNoErrorCode);
    EXPECT_TRUE(server.session->Finished());
  }
}

// A peer that sends more than its window is cut off with the frame that exceeds it.
TEST(Defence, WindowsAreEnforced) {
  Options options;
  options.stream_window_bytes = 70'000;
  Server server(options);
  server.handler.on_request = [](testing::ServerSide& side) { side.consume = false; };
  server.Request(1, RawGet(), false);
  ASSERT_TRUE(server.session->Receive(Frame(testing::kSettings, testing::kAck, 0, {})));
  for (int i = 0; i < 10; ++i) {
    (void)server.session->Receive(Frame(testing::kData, 0, 1, std::string(30'000, 'x')));
  }
  server.Output();
  EXPECT_LE(server.handler.requests[0]->body.size(), 90'000u);
  EXPECT_EQ(server.handler.requests[0]->reset, ResetReason::kFlowControl);
}

}  // namespace
}  // namespace mk8s::h2

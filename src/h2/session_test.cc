// Exchanges between two sessions: heads, bodies, ends, in every order and however the bytes are
// cut.
#include "h2/session.h"

#include <gtest/gtest.h>

#include "h2/test_peers.h"

namespace mk8s::h2 {
namespace {

using http::Fields;
using http::ResetReason;
using testing::Get;
using testing::Pair;
using testing::Post;
using testing::ServerSide;

TEST(Session, CarriesHeadsOfBothSides) {
  Pair pair;
  pair.handler.on_request = [](ServerSide& side) {
    side.stream->SendHead({.status = 404, .fields = {{"content-type", "text/plain"}}}, true);
  };
  auto head = Get("/api/v1/pods?limit=500");
  head.fields = {{"accept", "application/json"}, {"accept", "text/html"}};
  const auto call = pair.Send(head);
  pair.Run();

  EXPECT_EQ(pair.last().head.method, "GET");
  EXPECT_EQ(pair.last().head.authority, "cluster.test");
  EXPECT_EQ(pair.last().head.target, "/api/v1/pods?limit=500");
  EXPECT_EQ(pair.last().head.protocol, "");
  EXPECT_EQ(pair.last().head.fields, head.fields);
  EXPECT_TRUE(pair.last().head_ended);
  EXPECT_FALSE(pair.last().ended);
  ASSERT_TRUE(call->head);
  EXPECT_EQ(call->head->status, 404);
  EXPECT_EQ(call->head->fields, (Fields{{"content-type", "text/plain"}}));
  EXPECT_TRUE(call->head_ended);
  EXPECT_FALSE(call->ended);
  EXPECT_EQ(pair.client->OpenStreams() + pair.server->OpenStreams(), 0u);
  EXPECT_EQ(call->resets + pair.last().resets, 0);
}

TEST(Session, DropsConnectionFieldsAndRejoinsCookies) {
  Pair pair;
  auto head = Get();
  head.fields = {{"connection", "x"}, {"keep-alive", "1"},
                 {"upgrade", "h2c"},  {"transfer-encoding", "chunked"},
                 {"host", "other"},   {"te", "gzip"},
                 {"te", "trailers"},  {"cookie", "a=1"},
                 {"x-kept", "yes"},   {"cookie", "b=2"}};
  pair.Send(head);
  pair.Run();
  EXPECT_EQ(pair.last().head.authority, "cluster.test");
  EXPECT_EQ(pair.last().head.fields,
            (Fields{{"te", "trailers"}, {"x-kept", "yes"}, {"cookie", "a=1; b=2"}}));
}

// A whole exchange with bodies and trailers both ways, the bytes cut into pieces of each size.
TEST(Session, DoesNotCareHowBytesAreCut) {
  for (std::size_t split = 1; split <= 64; ++split) {
    SCOPED_TRACE(split);
    Pair pair;
    pair.handler.on_request = [](ServerSide& side) {
      side.on_end = [&side] {
        side.stream->SendHead({.status = 200, .fields = {{"x", std::string(300, 'v')}}}, false);
        side.stream->SendBody(side.body + side.body);
        side.stream->SendEnd({{"checksum", "1"}});
      };
    };
    const auto call = pair.Send(Post(), false);
    call->stream->SendBody(std::string(1000, 'a'));
    call->stream->SendBody(std::string(1000, 'b'));
    call->stream->SendEnd({{"client-trailer", "2"}});
    pair.Run(split);

    EXPECT_EQ(pair.last().body, std::string(1000, 'a') + std::string(1000, 'b'));
    EXPECT_EQ(pair.last().trailers, (Fields{{"client-trailer", "2"}}));
    EXPECT_EQ(call->body.size(), 4000u);
    EXPECT_TRUE(call->ended);
    EXPECT_EQ(call->trailers, (Fields{{"checksum", "1"}}));
    EXPECT_EQ(call->sent, 2000u);
    EXPECT_EQ(pair.last().sent, 4000u);
    EXPECT_EQ(pair.client->OpenStreams() + pair.server->OpenStreams(), 0u);
    EXPECT_EQ(call->resets + pair.last().resets, 0);
  }
}

// Each end may close its direction first; the other goes on.
TEST(Session, ClosesEachDirectionOfAnUpgradedStreamOnItsOwn) {
  http::RequestHead upgrade = Post();
  upgrade.protocol = "websocket";
  for (const bool client_first : {true, false}) {
    SCOPED_TRACE(client_first);
    Pair pair;
    pair.Run();  // the client learns that upgrades are allowed
    const auto call = pair.Send(upgrade, false);
    pair.Run();
    ServerSide& served = pair.last();
    served.stream->SendHead({.status = 200}, false);
    pair.Run();
    if (client_first) {
      call->stream->SendBody("up");
      call->stream->SendEnd();
      pair.Run();
      EXPECT_TRUE(served.ended);
      EXPECT_FALSE(call->ended);
      served.stream->SendBody("down, later");
      pair.Run();
      EXPECT_EQ(call->body, "down, later");
      served.stream->SendEnd();
    } else {
      served.stream->SendBody("down");
      served.stream->SendEnd();
      pair.Run();
      EXPECT_TRUE(call->ended);
      EXPECT_FALSE(served.ended);
      call->stream->SendBody("up, later");
      pair.Run();
      EXPECT_EQ(served.body, "up, later");
      call->stream->SendEnd();
    }
    EXPECT_EQ(pair.client->OpenStreams(), 1u);
    pair.Run();
    EXPECT_TRUE(served.ended);
    EXPECT_TRUE(call->ended);
    EXPECT_EQ(call->resets + served.resets, 0);
    EXPECT_EQ(pair.client->OpenStreams() + pair.server->OpenStreams(), 0u);
  }
}

TEST(Session, PutsEndOfStreamOnTheLastData) {
  Pair pair;
  pair.Run();
  const auto call = pair.Send(Get());
  std::string bytes;
  pair.client->Produce(bytes, limits::kFlushBytes);
  ASSERT_EQ(testing::ParseFrames(bytes).size(), 1u);
  ASSERT_TRUE(pair.server->Receive(bytes));
  pair.last().stream->SendHead({.status = 200}, false);
  pair.last().stream->SendBody("all of it");
  pair.last().stream->SendEnd();
  bytes.clear();
  pair.server->Produce(bytes, limits::kFlushBytes);
  const auto frames = testing::ParseFrames(bytes);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[1].type, testing::kData);
  EXPECT_EQ(frames[1].flags, testing::kEndStream);
}

TEST(Session, ExtendedConnectCarriesAnUpgrade) {
  Pair pair;
  pair.Run();
  ASSERT_TRUE(pair.client->PeerAllowsConnectProtocol());
  auto head = Get("/api/v1/namespaces/a/pods/b/exec?command=sh");
  head.protocol = "websocket";
  const auto call = pair.Send(head, false);
  pair.Run();
  ServerSide& served = pair.last();
  EXPECT_EQ(served.head.method, "CONNECT");
  EXPECT_EQ(served.head.protocol, "websocket");
  EXPECT_EQ(served.head.target, head.target);
  EXPECT_FALSE(served.head_ended);
  served.stream->SendHead({.status = 200}, false);
  served.stream->SendBody("from server");
  call->stream->SendBody("from client");
  pair.Run();
  EXPECT_EQ(call->body, "from server");
  EXPECT_EQ(served.body, "from client");
  call->stream->SendEnd();
  pair.Run();
  served.stream->SendBody(", more");
  served.stream->SendEnd();
  pair.Run();
  EXPECT_EQ(call->body, "from server, more");
  EXPECT_EQ(pair.client->OpenStreams() + pair.server->OpenStreams(), 0u);
}

TEST(Session, RefusesUpgradesThatThePeerDoesNotTake) {
  Options options;
  options.enable_connect_protocol = false;
  Pair pair(options);
  pair.Run();
  EXPECT_FALSE(pair.client->PeerAllowsConnectProtocol());
  auto head = Get();
  head.protocol = "websocket";
  const auto call = pair.Send(head, false);
  EXPECT_FALSE(call->reset) << "not from within Send";
  pair.Run();
  EXPECT_EQ(call->reset, ResetReason::kRefused);
  EXPECT_TRUE(pair.handler.requests.empty());
}

TEST(Session, ContinueIsSentOnceAndSwallowed) {
  Pair pair;
  auto head = Post();
  head.fields = {{"expect", "100-continue"}};
  const auto call = pair.Send(head, false);
  pair.Run();
  EXPECT_FALSE(pair.last().head.fields.Find("expect"));
  pair.last().stream->SendContinue();
  pair.last().stream->SendContinue();
  std::string bytes;
  pair.server->Produce(bytes, limits::kFlushBytes);
  EXPECT_EQ(testing::ParseFrames(bytes).size(), 1u);
  ASSERT_TRUE(pair.client->Receive(bytes));
  EXPECT_FALSE(call->head);
  call->stream->SendBody("body");
  call->stream->SendEnd();
  pair.Run();
  pair.last().stream->SendHead({.status = 201}, true);
  pair.Run();
  EXPECT_EQ(pair.last().body, "body");
  ASSERT_TRUE(call->head);
  EXPECT_EQ(call->head->status, 201);
}

TEST(Session, BodyOfAnotherLengthThanPromisedIsAProtocolError) {
  for (const std::string_view body : {"1234", "123456"}) {
    Pair pair;
    auto head = Post();
    head.fields = {{"content-length", "5"}};
    const auto call = pair.Send(head, false);
    call->stream->SendBody(body);
    call->stream->SendEnd();
    pair.Run();
    EXPECT_EQ(pair.last().reset, ResetReason::kProtocolError) << body;
    EXPECT_FALSE(pair.last().ended) << body;
    EXPECT_EQ(call->reset, ResetReason::kProtocolError) << body;
  }
}

// Whatever a handler does from within a callback, also dropping all it holds.
TEST(Session, HandlersMayDropEverythingInsideACallback) {
  Pair pair;
  pair.handler.keep = false;
  pair.handler.on_request = [](ServerSide& side) {
    side.consume = false;
    side.on_body = [&side](std::string_view) {
      side.stream->Reset(ResetReason::kCancel);
      side.stream->SendBody("ignored");
      side.stream.reset();
    };
  };
  auto call = pair.Send(Post(), false);
  call->stream->SendBody("x");
  call->on_reset = [&call] { call.reset(); };
  pair.Run();
  EXPECT_EQ(call, nullptr);
  EXPECT_EQ(pair.client->OpenStreams() + pair.server->OpenStreams(), 0u);
}

TEST(Session, WakesOnlyWhenThereIsSomethingNewToSend) {
  Pair pair;
  pair.Run();
  pair.client_wakeups = pair.server_wakeups = 0;
  const auto call = pair.Send(Post(), false);
  call->stream->SendBody("a");
  call->stream->SendBody("b");
  EXPECT_EQ(pair.client_wakeups, 1);
  pair.Run();
  EXPECT_EQ(pair.client_wakeups, 1);
  EXPECT_EQ(pair.server_wakeups, 0);
  call->stream->SendBody("c");
  call->stream->SendBody("d");
  EXPECT_EQ(pair.client_wakeups, 2);
}

TEST(Session, StopsAtOutMaxAndGoesOn) {
  Pair pair;
  const auto call = pair.Send(Post(), false);
  pair.Run();
  const std::string body(300'000, 'x');
  call->stream->SendBody(body);
  pair.client_wakeups = 0;
  std::string out;
  pair.client->Produce(out, 1000);
  EXPECT_GE(out.size(), 1000u);
  EXPECT_LE(out.size(), 1000 + limits::kFrameBytesMax + 9);
  EXPECT_EQ(pair.client_wakeups, 1) << "there is more";
  ASSERT_TRUE(pair.server->Receive(out));
  pair.Run();
  EXPECT_EQ(pair.last().body, body);
}

}  // namespace
}  // namespace mk8s::h2

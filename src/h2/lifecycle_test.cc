// Ends: resets, drains, limits on streams, lost connections.
#include <gtest/gtest.h>

#include <random>

#include "h2/test_peers.h"

namespace mk8s::h2 {
namespace {

using http::ResetReason;
using testing::ClientSide;
using testing::Get;
using testing::Pair;
using testing::Post;
using testing::ServerSide;

TEST(Reset, EachReasonReachesTheOtherSideAndOneself) {
  const std::pair<ResetReason, ResetReason> cases[] = {
      {ResetReason::kNoError, ResetReason::kNoError},
      {ResetReason::kCancel, ResetReason::kCancel},
      {ResetReason::kRefused, ResetReason::kRefused},
      {ResetReason::kProtocolError, ResetReason::kProtocolError},
      {ResetReason::kInternal, ResetReason::kInternal},
      {ResetReason::kFlowControl, ResetReason::kFlowControl},
      {ResetReason::kEnhanceYourCalm, ResetReason::kEnhanceYourCalm},
      {ResetReason::kConnectionLost, ResetReason::kInternal},
  };
  for (const auto& [sent, heard] : cases) {
    for (const bool by_client : {true, false}) {
      SCOPED_TRACE(std::string(http::Name(sent)) + (by_client ? " by client" : " by server"));
      Pair pair;
      const auto call = pair.Send(Post(), false);
      pair.Run();
      ServerSide& served = pair.last();
      http::Stream& stream = by_client ? *call->stream : static_cast<http::Stream&>(*served.stream);
      stream.Reset(sent);
      stream.Reset(ResetReason::kInternal);
      stream.SendBody("ignored");
      stream.SendEnd();
      EXPECT_EQ(call->resets + served.resets, 0) << "not from within Reset";
      pair.Run();
      EXPECT_EQ(call->reset, by_client ? sent : heard);
      EXPECT_EQ(served.reset, by_client ? heard : sent);
      EXPECT_EQ(call->resets, 1);
      EXPECT_EQ(served.resets, 1);
      EXPECT_EQ(served.body, "");
      EXPECT_EQ(pair.client->OpenStreams() + pair.server->OpenStreams(), 0u);
    }
  }
}

// A server that answered needs no more of the request; the answer arrives whole all the same.
TEST(Reset, NoErrorAfterTheEndLetsTheBodyLeaveFirst) {
  Pair pair;
  const auto call = pair.Send(Post(), false);
  pair.Run();
  ServerSide& served = pair.last();
  served.stream->SendHead({.status = 413}, false);
  served.stream->SendBody(std::string(400'000, 'x'));
  served.stream->SendEnd();
  served.stream->Reset(ResetReason::kNoError);
  pair.Run();
  EXPECT_EQ(call->body.size(), 400'000u);
  EXPECT_TRUE(call->ended);
  EXPECT_EQ(call->reset, ResetReason::kNoError) << "the request was still open";
  EXPECT_EQ(served.reset, ResetReason::kNoError);
  EXPECT_EQ(pair.client->OpenStreams() + pair.server->OpenStreams(), 0u);
}

// Else a client that never ends its request would keep the stream for ever.
TEST(Reset, BehindAWholeAnswerWhoseRequestGoesOn) {
  Pair pair;
  const auto call = pair.Send(Post(), false);
  pair.Run();
  pair.last().stream->SendHead({.status = 401}, false);
  pair.last().stream->SendBody("who?");
  pair.last().stream->SendEnd();
  pair.Run();
  EXPECT_EQ(call->head->status, 401);
  EXPECT_EQ(call->body, "who?");
  EXPECT_TRUE(call->ended);
  EXPECT_EQ(call->reset, ResetReason::kNoError);
  EXPECT_EQ(pair.client->OpenStreams() + pair.server->OpenStreams(), 0u);
}

TEST(Reset, BeforeAnythingWasSent) {
  Pair pair;
  const auto call = pair.Send(Post(), false);
  call->stream->SendBody("x");
  call->stream->Reset(ResetReason::kCancel);
  pair.Run();
  EXPECT_EQ(call->reset, ResetReason::kCancel);
  EXPECT_TRUE(pair.handler.requests.empty());
  EXPECT_EQ(pair.client->OpenStreams(), 0u);
}

TEST(Reset, ThousandsAtRandomPointsLeaveNothingOpen) {
  Options options = Options::Tunnel();
  Pair pair(options);
  pair.handler.keep = false;
  std::mt19937 random(7);
  std::vector<std::shared_ptr<ServerSide>> served;
  pair.handler.on_request = [&](ServerSide& side) {
    switch (random() % 4) {
      case 0:
        side.stream->SendHead({.status = 200}, true);
        break;
      case 1:
        side.stream->SendHead({.status = 200}, false);
        side.stream->SendBody(std::string(random() % 5000, 'x'));
        side.stream->SendEnd({{"t", "1"}});
        break;
      case 2:
        side.stream->SendHead({.status = 200}, false);
        side.stream->SendBody("watching");
        break;
      default:
        side.stream->Reset(ResetReason::kRefused);
        break;
    }
  };
  std::vector<std::shared_ptr<ClientSide>> calls;
  for (int i = 0; i < 10'000; ++i) {
    calls.push_back(pair.Send(Post(), random() % 2 == 0));
    if (random() % 3 == 0) calls.back()->stream->SendBody(std::string(random() % 3000, 'y'));
    if (random() % 5 == 0) calls.back()->stream->SendEnd();
    if (random() % 2 == 0) Pair::Move(*pair.client, *pair.server, 1 + random() % 100);
    if (random() % 2 == 0) Pair::Move(*pair.server, *pair.client, 1 + random() % 100);
    if (i >= 50) calls[static_cast<std::size_t>(i - 50)]->stream->Reset(ResetReason::kCancel);
    if (i % 500 == 0) pair.clock.Advance(std::chrono::seconds(11));
  }
  for (const auto& call : calls) call->stream->Reset(ResetReason::kCancel);
  pair.Run();
  EXPECT_EQ(pair.client->OpenStreams() + pair.server->OpenStreams(), 0u);
  for (const auto& call : calls) EXPECT_LE(call->resets, 1);
  // The connection is as good as new.
  const auto call = pair.Send(Get());
  pair.handler.on_request = [](ServerSide& side) {
    side.stream->SendHead({.status = 200}, false);
    side.stream->SendBody(std::string(600'000, 'z'));
    side.stream->SendEnd();
  };
  pair.Run();
  EXPECT_EQ(call->body.size(), 600'000u);
}

TEST(Limits, ThePeersStreamLimitIsKept) {
  Options options;
  options.peer_streams_max = 3;
  Pair pair(options);
  pair.Run();
  std::vector<std::shared_ptr<ClientSide>> calls;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(pair.client->CanSend());
    calls.push_back(pair.Send(Get()));
  }
  EXPECT_FALSE(pair.client->CanSend());
  const auto beyond = pair.Send(Get());
  EXPECT_FALSE(beyond->reset);
  beyond->stream->SendBody("ignored");
  pair.Run();
  EXPECT_EQ(beyond->reset, ResetReason::kRefused);
  EXPECT_EQ(pair.handler.requests.size(), 3u);
  pair.handler.requests[1]->stream->SendHead({.status = 204}, true);
  pair.Run();
  EXPECT_TRUE(pair.client->CanSend());
}

TEST(Drain, ServerLetsOpenStreamsFinishAndTakesThoseOnTheirWay) {
  Pair pair;
  const auto before = pair.Send(Get());
  pair.Run();
  pair.server->Drain();
  const auto crossing = pair.Send(Get());  // sent before the client hears of it
  EXPECT_FALSE(pair.server->Finished());
  pair.Run();
  EXPECT_FALSE(pair.client->CanSend());
  const auto after = pair.Send(Get());
  pair.Run();
  EXPECT_EQ(after->reset, ResetReason::kRefused);
  ASSERT_EQ(pair.handler.requests.size(), 2u);
  EXPECT_FALSE(pair.server->Finished());
  for (const auto& request : pair.handler.requests) {
    request->stream->SendHead({.status = 200}, true);
  }
  pair.Run();
  EXPECT_EQ(before->head->status, 200);
  EXPECT_EQ(crossing->head->status, 200);
  EXPECT_TRUE(pair.server->Finished());
  EXPECT_TRUE(pair.client->Finished());
}

TEST(Drain, ClientLetsOpenStreamsFinish) {
  Pair pair;
  const auto call = pair.Send(Get());
  pair.client->Drain();
  EXPECT_FALSE(pair.client->CanSend());
  pair.Run();
  EXPECT_FALSE(pair.client->Finished());
  EXPECT_FALSE(pair.server->Finished());
  pair.last().stream->SendHead({.status = 200}, true);
  pair.Run();
  EXPECT_EQ(call->head->status, 200);
  EXPECT_TRUE(pair.client->Finished());
  EXPECT_TRUE(pair.server->Finished());
}

TEST(Drain, IdleSessionFinishesAtOnce) {
  Pair pair;
  pair.Run();
  EXPECT_FALSE(pair.server->Finished());
  pair.server->Drain();
  pair.server->Drain();
  pair.Run();
  EXPECT_TRUE(pair.server->Finished());
  EXPECT_TRUE(pair.client->Finished());
}

// A server that goes away at once names the last stream it took; the rest can be tried elsewhere.
TEST(Drain, StreamsThatAGoawayLeavesOutAreRefused) {
  Pair pair;
  pair.Run();
  const auto first = pair.Send(Get());
  const auto second = pair.Send(Get());
  std::string bytes;
  pair.client->Produce(bytes, limits::kFlushBytes);
  ASSERT_TRUE(pair.client->Receive(
      testing::Frame(testing::kGoaway, 0, 0, testing::Number(1) + testing::Number(0))));
  EXPECT_FALSE(first->reset);
  EXPECT_EQ(second->reset, ResetReason::kRefused);
  EXPECT_FALSE(pair.client->Finished());
}

TEST(Ping, CallsBackOnItsAnswer) {
  Pair pair;
  int answers = 0;
  for (Session* session : {pair.client.get(), pair.server.get()}) {
    EXPECT_TRUE(session->Ping([&] { ++answers; }));
    EXPECT_FALSE(session->Ping([&] { ++answers; })) << "one at a time";
  }
  pair.Run();
  EXPECT_EQ(answers, 2);
  EXPECT_TRUE(pair.client->Ping([&] {
    ++answers;
    EXPECT_TRUE(pair.client->Ping([&] { ++answers; })) << "again from its answer";
  }));
  pair.Run();
  EXPECT_EQ(answers, 4);
}

TEST(ConnectionLost, ResetsEveryStreamOnce) {
  Pair pair;
  pair.Run();
  const auto open = pair.Send(Post(), false);
  pair.Run();
  const auto cancelled = pair.Send(Post(), false);
  pair.Run();
  cancelled->stream->Reset(ResetReason::kCancel);
  const auto unsent = pair.Send(Get());
  pair.client->ConnectionLost();
  pair.server->ConnectionLost();
  EXPECT_EQ(open->reset, ResetReason::kConnectionLost);
  EXPECT_EQ(cancelled->reset, ResetReason::kCancel);
  EXPECT_EQ(unsent->reset, ResetReason::kRefused);
  EXPECT_EQ(pair.handler.requests[0]->reset, ResetReason::kConnectionLost);
  open->stream->SendBody("nothing happens");
  open->stream->Reset(ResetReason::kCancel);
  pair.last().stream->SendHead({.status = 200}, true);
  EXPECT_FALSE(pair.client->CanSend());
  EXPECT_FALSE(pair.client->Receive("x"));
  const auto late = pair.Send(Get());
  std::string out;
  pair.client->Produce(out, 1000);
  EXPECT_EQ(out, "");
  EXPECT_EQ(open->resets + cancelled->resets + unsent->resets, 3);
  pair.client.reset();
  pair.server.reset();
  late->stream->SendBody("nothing happens");
  pair.last().stream->SendBody("nothing happens");
}

TEST(ReceiveEof, FinishesTheSession) {
  Pair pair;
  pair.Run();
  pair.server->ReceiveEof();
  EXPECT_TRUE(pair.server->Finished());
}

}  // namespace
}  // namespace mk8s::h2

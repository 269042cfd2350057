// Flow control: credit comes back by Consume alone, and what a stalled reader can cost is bounded.
#include <gtest/gtest.h>

#include "h2/connection_credit.h"
#include "h2/send_queue.h"
#include "h2/test_peers.h"

namespace mk8s::h2 {
namespace {

using testing::ClientSide;
using testing::Get;
using testing::Pair;
using testing::Post;
using testing::ServerSide;

TEST(ConnectionCredit, WithholdsOnlyWhatIsAboveTheBound) {
  ConnectionCredit credit(100);
  EXPECT_EQ(credit.Received(60), 60u);
  EXPECT_EQ(credit.Received(60), 40u);
  EXPECT_EQ(credit.Received(10), 0u);
  EXPECT_EQ(credit.Consumed(25), 25u);
  EXPECT_EQ(credit.Consumed(25), 5u);
  EXPECT_EQ(credit.Received(20), 20u);
  EXPECT_EQ(credit.Consumed(100), 0u);
  EXPECT_EQ(credit.unconsumed(), 0u);
}

TEST(SendQueue, KeepsOrderOverManyCuts) {
  SendQueue queue;
  std::string given, taken;
  for (int i = 0; i < 3000; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 700), static_cast<char>('a' + i % 26));
    queue.Append(piece);
    given += piece;
    const std::size_t count = std::min<std::size_t>(queue.size(), 347);
    taken += queue.Front(count);
    queue.Pop(count);
  }
  taken += queue.Front(queue.size());
  queue.Pop(queue.size());
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(taken, given);
}

TEST(Flow, SenderStopsAtTheWindowUntilConsume) {
  Options options;
  options.stream_window_bytes = 100'000;
  Pair pair(options);
  pair.Run();
  const auto call = pair.Send(Post(), false);
  pair.Run();
  ServerSide& served = pair.last();
  served.consume = false;
  call->stream->SendBody(std::string(400'000, 'x'));
  pair.Run();
  EXPECT_EQ(served.body.size(), 100'000u);
  EXPECT_EQ(call->sent, 100'000u);
  served.stream->Consume(100'000);
  pair.Run();
  EXPECT_EQ(served.body.size(), 200'000u);
  served.stream->Consume(SIZE_MAX);  // no more than was given counts
  pair.Run();
  EXPECT_EQ(served.body.size(), 300'000u);
  served.stream->Consume(100'000);
  call->stream->SendEnd();
  pair.Run();
  EXPECT_EQ(served.body.size(), 400'000u);
  EXPECT_TRUE(served.ended);
}

// Stalled readers up to the connection's bound do not stop a stream that is read.
TEST(Flow, StalledReadersDoNotStopOthers) {
  Options options;
  options.stream_window_bytes = 64 * 1024;
  options.connection_window_bytes = 256 * 1024;
  options.connection_unconsumed_bytes_max = 1024 * 1024;
  Pair pair(options);
  pair.handler.on_request = [](ServerSide& side) {
    side.stream->SendHead({.status = 200}, false);
    side.stream->SendBody(std::string(200'000, 'x'));
  };
  pair.Run();
  std::vector<std::shared_ptr<ClientSide>> stalled;
  for (int i = 0; i < 15; ++i) {
    stalled.push_back(pair.Send(Get()));
    stalled.back()->consume = false;
  }
  pair.Run();
  const auto reading = pair.Send(Get());
  pair.Run();
  EXPECT_EQ(reading->body.size(), 200'000u);
  for (const auto& call : stalled) EXPECT_EQ(call->body.size(), 64u * 1024);
}

// Beyond the bound the connection as a whole waits: what it holds is the bound and one window.
TEST(Flow, WhatAConnectionHoldsIsBounded) {
  Options options;
  options.stream_window_bytes = 64 * 1024;
  options.connection_window_bytes = 256 * 1024;
  options.connection_unconsumed_bytes_max = 512 * 1024;
  Pair pair(options);
  pair.handler.on_request = [](ServerSide& side) {
    side.stream->SendHead({.status = 200}, false);
    side.stream->SendBody(std::string(64 * 1024, 'x'));
  };
  pair.Run();
  std::vector<std::shared_ptr<ClientSide>> calls;
  for (int i = 0; i < 100; ++i) {
    calls.push_back(pair.Send(Get()));
    calls.back()->consume = false;
  }
  pair.Run();
  const auto held = [&] {
    std::size_t bytes = 0;
    for (const auto& call : calls) bytes += call->body.size();
    return bytes;
  };
  EXPECT_GE(held(), 512u * 1024);
  EXPECT_LE(held(), (512u + 256 + 64) * 1024);
  // Resets give back what was never consumed, so the others arrive whole.
  for (std::size_t i = 0; i < 50; ++i) calls[i]->stream->Reset(http::ResetReason::kCancel);
  for (std::size_t i = 50; i < calls.size(); ++i) {
    calls[i]->consume = true;
    calls[i]->stream->Consume(calls[i]->body.size());
  }
  pair.Run();
  for (std::size_t i = 50; i < calls.size(); ++i) EXPECT_EQ(calls[i]->body.size(), 64u * 1024);
  EXPECT_EQ(pair.client->OpenStreams(), 50u);
  EXPECT_EQ(pair.server->OpenStreams(), 50u);
}

// Once a connection is full, readers that stand still are given up for those that go on.
TEST(Flow, StalledReadersOfAFullConnectionAreReset) {
  Options options;
  options.stream_window_bytes = 64 * 1024;
  options.connection_window_bytes = 128 * 1024;
  options.connection_unconsumed_bytes_max = 256 * 1024;
  Pair pair(options);
  pair.handler.on_request = [](ServerSide& side) {
    side.stream->SendHead({.status = 200}, false);
    side.stream->SendBody(std::string(500'000, 'x'));
  };
  pair.Run();
  std::vector<std::shared_ptr<ClientSide>> stalled;
  const auto add = [&] {
    auto call = pair.Send(Get());
    call->consume = false;
    return call;
  };
  const auto reading = add();
  for (int i = 0; i < 20; ++i) stalled.push_back(add());
  const auto pass = [&](std::chrono::seconds time) {
    pair.clock.Advance(time);
    ASSERT_TRUE(pair.server->Ping([] {}));  // as a keepalive does
    pair.Run();
  };
  pair.Run();
  pass(limits::kStalledReader - std::chrono::seconds(1));
  reading->stream->Consume(1000);
  for (const auto& call : stalled) EXPECT_FALSE(call->reset);
  pass(std::chrono::seconds(2));
  int resets = 0;
  for (const auto& call : stalled) resets += call->reset == http::ResetReason::kEnhanceYourCalm;
  EXPECT_GE(resets, 4);
  EXPECT_FALSE(reading->reset);
  reading->consume = true;
  reading->stream->Consume(SIZE_MAX);
  // Those that waited for the connection's credit take it next, and are given up in their turn.
  for (int i = 0; i < 5; ++i) pass(limits::kStalledReader);
  EXPECT_EQ(reading->body.size(), 500'000u);
}

TEST(Flow, ReadersMayPauseForeverWhileTheConnectionIsNotFull) {
  Pair pair;
  pair.handler.on_request = [](ServerSide& side) {
    side.stream->SendHead({.status = 200}, false);
    side.stream->SendBody(std::string(400'000, 'x'));
  };
  const auto paused = pair.Send(Get());
  paused->consume = false;
  for (int i = 0; i < 100; ++i) {
    pair.Run();
    pair.clock.Advance(std::chrono::hours(1));
    ASSERT_TRUE(pair.server->Ping([] {}));
  }
  EXPECT_FALSE(paused->reset);
}

// Streams that end while bytes are unconsumed leave the connection's whole window behind.
TEST(Flow, ClosedStreamsGiveTheirCreditBack) {
  Options options;
  options.stream_window_bytes = 64 * 1024;
  options.connection_window_bytes = 128 * 1024;
  options.connection_unconsumed_bytes_max = 16 * 1024;
  Pair pair(options);
  pair.handler.on_request = [](ServerSide& side) {
    side.stream->SendHead({.status = 200}, false);
    side.stream->SendBody(std::string(60'000, 'x'));
    side.stream->SendEnd();
  };
  pair.Run();
  for (int i = 0; i < 100; ++i) {
    const auto call = pair.Send(Get());
    call->consume = false;
    pair.Run();
    ASSERT_EQ(call->body.size(), 60'000u) << i;
    ASSERT_TRUE(call->ended) << i;
    call->stream->Consume(60'000);  // too late, does nothing
  }
}

// Two bulk streams and a small one share a flush: the small one is not behind the others' queues.
TEST(Flow, StreamsTakeTurns) {
  for (const bool down : {true, false}) {
    SCOPED_TRACE(down);
    Pair pair;
    pair.Run();
    std::vector<std::shared_ptr<ClientSide>> calls;
    for (int i = 0; i < 3; ++i) calls.push_back(pair.Send(Post(), false));
    pair.Run();
    for (std::size_t i = 0; i < 3; ++i) {
      http::Stream& stream =
          down ? static_cast<http::Stream&>(*pair.handler.requests[i]->stream) : *calls[i]->stream;
      if (down) pair.handler.requests[i]->stream->SendHead({.status = 200}, false);
      stream.SendBody(std::string(i < 2 ? 500'000 : 100, 'x'));
    }
    Pair::Move(down ? *pair.server : *pair.client, down ? *pair.client : *pair.server);
    const auto arrived = [&](std::size_t i) {
      return down ? calls[i]->body.size() : pair.handler.requests[i]->body.size();
    };
    EXPECT_EQ(arrived(2), 100u);
    EXPECT_GT(arrived(0), 0u);
    EXPECT_GT(arrived(1), 0u);
  }
}

TEST(Flow, SendingFromOnSentFillsTheSameFlush) {
  Pair pair;
  std::size_t left = 1'000'000;
  pair.handler.on_request = [&](ServerSide& side) {
    side.stream->SendHead({.status = 200}, false);
    const auto more = [&left, &side](std::size_t bytes) {
      bytes = std::min(bytes, left);
      left -= bytes;
      side.stream->SendBody(std::string(bytes, 'x'));
      if (left == 0) side.stream->SendEnd();
    };
    side.on_sent = more;
    more(10'000);
  };
  const auto call = pair.Send(Get());
  pair.Run();
  EXPECT_EQ(call->body.size(), 1'000'000u);
  EXPECT_TRUE(call->ended);
}

}  // namespace
}  // namespace mk8s::h2

// The relay between two fake exchanges: what reaches the other side, how much is held, how it ends.
#include "gateway/relay.h"

#include <random>

#include "base/limits.h"
#include "gateway/fake_exchange_for_test.h"

namespace mk8s::gateway {
namespace {

using http::ResetReason;

constexpr std::size_t kAll = static_cast<std::size_t>(-1);

TEST(Relay, RelaysAPlainExchange) {
  RelayHooks hooks{.answer_error = AnswerInText};
  hooks.map_head = [](http::ResponseHead head) -> Result<http::ResponseHead> {
    head.fields.Add("x-mapped", "1");
    return head;
  };
  hooks.map_trailers = [](const http::Fields& trailers) { return trailers; };
  Joined joined(false, hooks);
  joined.from_client().OnBody("early ");
  EXPECT_EQ(joined.client->consumed, 0U);
  joined.Start();
  joined.from_client().OnBody("late");
  joined.from_client().OnEnd({{"impersonate-user", "root"}});
  EXPECT_EQ(joined.cluster->body, "early late");
  EXPECT_TRUE(joined.cluster->ended);
  EXPECT_TRUE(joined.cluster->trailers.empty()) << "request trailers are dropped";
  EXPECT_EQ(joined.client->consumed, 0U) << "not before they left";
  joined.cluster->Leave(kAll);
  EXPECT_EQ(joined.client->consumed, 10U);

  joined.from_cluster().OnHead({.status = 201}, false);
  joined.from_cluster().OnBody("answer");
  joined.from_cluster().OnEnd({{"x-sum", "1"}});
  EXPECT_EQ(joined.client->head->fields, (http::Fields{{"x-mapped", "1"}}));
  EXPECT_EQ(joined.client->body, "answer");
  EXPECT_EQ(joined.client->trailers, (http::Fields{{"x-sum", "1"}}));
  EXPECT_EQ(joined.observer->times_done, 0) << "not before it left";
  EXPECT_EQ(joined.cluster->consumed, 0U);
  joined.client->Leave(kAll);
  EXPECT_EQ(joined.cluster->consumed, 6U);
  EXPECT_EQ(joined.observer->times_done, 1);
  EXPECT_EQ(joined.observer->statuses, std::vector<int>{201});
  const RelayOutcome& outcome = joined.observer->outcome;
  EXPECT_EQ(outcome.end, RelayEnd::kComplete);
  EXPECT_EQ(outcome.status, 201);
  EXPECT_EQ(outcome.bytes_in, 10U);
  EXPECT_EQ(outcome.bytes_out, 6U);
  joined.client->Release();
  joined.cluster->Release();
  EXPECT_TRUE(joined.weak.expired());
}

TEST(Relay, EndsWithAHeadThatHasNoBody) {
  Joined joined;
  joined.Start();
  EXPECT_TRUE(joined.cluster->ended);
  joined.from_cluster().OnHead({.status = 304}, true);
  EXPECT_TRUE(joined.client->ended);
  EXPECT_EQ(joined.observer->outcome.end, RelayEnd::kComplete);
  EXPECT_EQ(joined.observer->times_done, 1);
}

// rancher#37707: one client that stops reading a log.  Whoever feeds the relay honours a window, as
// HTTP/2 and our HTTP/1.1 sessions do; the relay must not hand back what it could not pass on.
TEST(Relay, HoldsNoMoreThanAWindowForAStalledReader) {
  constexpr std::size_t kTotal = 100 * limits::kStreamWindowBytes;
  Joined joined;
  joined.Start();
  joined.from_cluster().OnHead({}, false);
  const std::string piece(16 * 1024, 'x');
  std::size_t given = 0;
  const auto feed = [&] {
    while (given < kTotal && given - joined.cluster->consumed < limits::kStreamWindowBytes) {
      const std::size_t room = limits::kStreamWindowBytes - (given - joined.cluster->consumed);
      const std::size_t size = std::min({room, piece.size(), kTotal - given});
      joined.from_cluster().OnBody(std::string_view(piece).substr(0, size));
      given += size;
    }
  };
  feed();
  EXPECT_EQ(given, limits::kStreamWindowBytes) << "stalled";
  std::mt19937 random(1);
  while (joined.client->queued > 0) {
    joined.client->Leave(random() % (64 * 1024) + 1);
    feed();
  }
  EXPECT_EQ(joined.client->body.size(), kTotal);
  EXPECT_LE(joined.client->queued_most, limits::kStreamWindowBytes);
  EXPECT_LE(joined.client->queued_most, limits::kSendQueueBytes);
}

TEST(Relay, HoldsNoMoreThanAWindowForAStalledCluster) {
  Joined joined(false);
  joined.Start();
  std::size_t given = 0;
  while (given - joined.client->consumed < limits::kStreamWindowBytes) {
    joined.from_client().OnBody(std::string(4096, 'x'));
    given += 4096;
  }
  EXPECT_EQ(joined.client->consumed, 0U);
  joined.cluster->Leave(5000);
  EXPECT_EQ(joined.client->consumed, 5000U);
}

TEST(Relay, ClientGoneCancelsUpstream) {
  for (const bool head : {false, true}) {
    Joined joined;
    joined.Start();
    if (head) joined.from_cluster().OnHead({}, false);
    joined.client->Lose(ResetReason::kConnectionLost);
    EXPECT_EQ(joined.cluster->reset, ResetReason::kCancel);
    EXPECT_EQ(joined.observer->outcome.end, RelayEnd::kClientGone);
    EXPECT_EQ(joined.observer->outcome.status, head ? 200 : 0);
    joined.cluster->Lose(ResetReason::kCancel);  // as HTTP/2 tells its own side
    EXPECT_EQ(joined.observer->times_done, 1);
    EXPECT_TRUE(joined.weak.expired());
  }
}

TEST(Relay, ClientGoneBeforeStartSendsNothing) {
  Joined joined;
  const auto relay = joined.weak.lock();
  joined.client->Lose(ResetReason::kCancel);
  relay->Start(joined.upstream, {.method = "DELETE", .target = "/x"});
  EXPECT_FALSE(joined.upstream.request);
  EXPECT_EQ(joined.observer->outcome.end, RelayEnd::kClientGone);
}

TEST(Relay, UpstreamFailureBeforeTheHeadIsAnswered) {
  Joined joined(false);
  joined.Start();
  joined.from_client().OnBody("never taken");
  joined.cluster->Lose(ResetReason::kConnectionLost);
  EXPECT_EQ(joined.client->head->status, 502);
  EXPECT_EQ(joined.client->head->fields.Get("content-length"),
            std::to_string(joined.client->body.size()));
  EXPECT_TRUE(joined.client->ended);
  EXPECT_FALSE(joined.client->reset);
  EXPECT_EQ(joined.client->consumed, 11U) << "or the window stays shut";
  EXPECT_EQ(joined.observer->outcome.end, RelayEnd::kAnswered);
  EXPECT_EQ(joined.observer->outcome.status, 502);
}

TEST(Relay, UpstreamFailureAfterTheHeadIsNeverAWholeBody) {
  Joined joined;
  joined.Start();
  joined.from_cluster().OnHead({}, false);
  joined.from_cluster().OnBody("half");
  joined.cluster->Lose(ResetReason::kConnectionLost);
  EXPECT_FALSE(joined.client->ended);
  EXPECT_EQ(joined.client->reset, ResetReason::kInternal);
  EXPECT_EQ(joined.observer->outcome.end, RelayEnd::kUpstreamBroken);
}

TEST(Relay, RefusedHeadIsAnsweredAndUpstreamReset) {
  RelayHooks hooks{.answer_error = AnswerInText};
  hooks.map_head = [](http::ResponseHead) -> Result<http::ResponseHead> {
    return MakeError(ErrorCode::kBadGateway, "redirect");
  };
  Joined joined(true, hooks);
  joined.Start();
  joined.from_cluster().OnHead({.status = 302}, false);
  EXPECT_EQ(joined.cluster->reset, ResetReason::kCancel);
  EXPECT_EQ(joined.client->head->status, 502);
  EXPECT_EQ(joined.client->body, "redirect");
  joined.from_cluster().OnBody("must go nowhere");
  EXPECT_EQ(joined.client->body, "redirect");
}

TEST(Relay, CutBeforeTheHeadAnswersAfterItResets) {
  const Error why = MakeError(ErrorCode::kPermissionDenied, "role withdrawn");
  Joined waiting;
  waiting.weak.lock()->Cut(why);
  EXPECT_EQ(waiting.client->head->status, 403);
  EXPECT_EQ(waiting.observer->outcome.end, RelayEnd::kAnswered);

  Joined asked;
  asked.Start();
  asked.weak.lock()->Cut(why);
  EXPECT_EQ(asked.client->head->status, 403);
  EXPECT_EQ(asked.cluster->reset, ResetReason::kCancel);

  Joined answering;
  answering.Start();
  answering.from_cluster().OnHead({}, false);
  answering.weak.lock()->Cut(why);
  EXPECT_EQ(answering.client->reset, ResetReason::kCancel);
  EXPECT_EQ(answering.cluster->reset, ResetReason::kCancel);
  EXPECT_EQ(answering.observer->outcome.end, RelayEnd::kCut);
  EXPECT_EQ(answering.observer->outcome.reason, "role withdrawn");
  answering.weak.lock()->Cut(why);
  EXPECT_EQ(answering.observer->times_done, 1);
}

TEST(Relay, UpgradeEndsWithBothDirectionsInEitherOrder) {
  for (const bool client_first : {true, false}) {
    Joined joined(false);
    joined.Start({.method = "GET", .target = "/exec", .protocol = "websocket"});
    joined.from_cluster().OnHead({.status = 101, .protocol = "websocket"}, false);
    if (client_first) {
      joined.from_client().OnBody("stdin");
      joined.from_client().OnEnd({});
      joined.cluster->Leave(kAll);
      EXPECT_TRUE(joined.cluster->ended);
      joined.from_cluster().OnBody("exit code");
      joined.from_cluster().OnEnd({});
      EXPECT_EQ(joined.observer->times_done, 0);
      joined.client->Leave(kAll);
    } else {
      joined.from_cluster().OnBody("exit code");
      joined.from_cluster().OnEnd({});
      joined.client->Leave(kAll);
      EXPECT_TRUE(joined.client->ended);
      EXPECT_EQ(joined.observer->times_done, 0);
      joined.from_client().OnBody("stdin");
      joined.from_client().OnEnd({});
    }
    EXPECT_EQ(joined.cluster->body, "stdin");
    EXPECT_EQ(joined.client->body, "exit code");
    EXPECT_EQ(joined.observer->times_done, 1);
    EXPECT_EQ(joined.observer->outcome.end, RelayEnd::kComplete);
    EXPECT_FALSE(joined.cluster->reset);
    EXPECT_FALSE(joined.client->reset);
  }
}

TEST(Relay, TellsWhomItWaitsFor) {
  Joined plain(false);
  const Relay& relay = *plain.weak.lock();
  EXPECT_EQ(relay.waits_for(), RelayWait::kBody);
  plain.from_client().OnBody("early");
  EXPECT_EQ(relay.waits_for(), RelayWait::kBody) << "a review is read whole before it starts";
  plain.Start({.method = "POST", .target = "/api"});
  EXPECT_EQ(relay.waits_for(), RelayWait::kNone) << "for the cluster to take it";
  plain.cluster->Leave(kAll);
  EXPECT_EQ(relay.waits_for(), RelayWait::kBody);
  EXPECT_EQ(relay.moved_bytes(), 5U);
  plain.from_client().OnEnd({});
  EXPECT_EQ(relay.waits_for(), RelayWait::kNone) << "a watch may be silent for hours";

  for (const bool client_first : {true, false}) {
    Joined upgraded(false);
    upgraded.Start({.method = "GET", .target = "/exec", .protocol = "websocket"});
    upgraded.from_cluster().OnHead({.status = 101, .protocol = "websocket"}, false);
    const Relay& joined = *upgraded.weak.lock();
    EXPECT_EQ(joined.waits_for(), RelayWait::kNone) << "a shell may be silent for hours";
    if (client_first) {
      upgraded.from_client().OnEnd({});
    } else {
      upgraded.from_cluster().OnEnd({});
    }
    EXPECT_EQ(joined.waits_for(), RelayWait::kOtherEnd);
    if (!client_first) continue;
    upgraded.from_cluster().OnBody("late");
    EXPECT_EQ(joined.waits_for(), RelayWait::kNone) << "for the client to take it";
    upgraded.client->Leave(kAll);
    EXPECT_EQ(joined.waits_for(), RelayWait::kOtherEnd);
    EXPECT_EQ(joined.moved_bytes(), 4U);
  }
}

// The exit code is the last of an exec's bytes; the cluster closing wholly must not cost them.
TEST(Relay, UpstreamGoneBehindItsEndLosesNothing) {
  Joined joined(false);
  joined.Start({.method = "POST", .target = "/exec", .protocol = "SPDY/3.1"});
  joined.from_cluster().OnHead({.status = 101, .protocol = "SPDY/3.1"}, false);
  joined.from_client().OnBody("stdin");
  joined.from_cluster().OnBody("exit code");
  joined.from_cluster().OnEnd({});
  joined.cluster->Lose(ResetReason::kConnectionLost);
  EXPECT_FALSE(joined.client->reset);
  EXPECT_EQ(joined.client->consumed, 5U);
  joined.client->Leave(kAll);
  EXPECT_EQ(joined.client->body, "exit code");
  EXPECT_TRUE(joined.client->ended);
  EXPECT_EQ(joined.observer->outcome.end, RelayEnd::kComplete);
  EXPECT_EQ(joined.observer->outcome.bytes_out, 9U);
}

TEST(Relay, EarlyAnswerDropsABoundedRestOfTheRequest) {
  Joined joined(false);
  joined.Start();
  joined.from_cluster().OnHead({.status = 413}, false);
  joined.from_cluster().OnEnd({});
  EXPECT_EQ(joined.observer->outcome.end, RelayEnd::kComplete);
  EXPECT_EQ(joined.cluster->reset, ResetReason::kNoError);
  joined.from_client().OnBody("some");
  EXPECT_EQ(joined.client->consumed, 4U);
  EXPECT_FALSE(joined.client->reset);
  joined.from_client().OnBody(std::string(limits::kDiscardedBodyBytesMax, 'x'));
  EXPECT_EQ(joined.client->reset, ResetReason::kNoError);
}

TEST(Relay, CancelAtRandomPointsReachesBothSidesOnce) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::mt19937 random(seed);
    const bool upgrade = random() % 2 == 0;
    Joined joined(false);
    const auto step = [&](unsigned kind) {
      const bool client = joined.client->events != nullptr;
      const bool cluster = joined.cluster && joined.cluster->events != nullptr;
      if (kind == 0 && !joined.cluster && client) joined.Start();
      if (kind == 1 && client) joined.from_client().OnBody("some bytes");
      if (kind == 2 && cluster && joined.client->head) joined.from_cluster().OnBody("some more");
      if (kind == 3 && cluster && !joined.client->head) {
        joined.from_cluster().OnHead({.status = upgrade ? 101 : 200}, false);
      }
      if (kind == 4) joined.client->Leave(random() % 20);
      if (kind == 5 && joined.cluster) joined.cluster->Leave(random() % 20);
    };
    for (unsigned i = random() % 30; i > 0; --i) step(random() % 6);
    switch (random() % 3) {
      case 0:
        joined.client->Lose(ResetReason::kCancel);
        break;
      case 1:
        if (joined.cluster) joined.cluster->Lose(ResetReason::kConnectionLost);
        break;
      case 2:
        joined.weak.lock()->Cut(MakeError(ErrorCode::kPermissionDenied, "cut"));
        break;
    }
    for (unsigned i = 0; i < 10; ++i) step(random() % 6);
    if (joined.client->events) joined.client->Lose(ResetReason::kConnectionLost);
    if (joined.cluster && joined.cluster->events) {
      joined.cluster->Lose(ResetReason::kConnectionLost);
    }
    ASSERT_TRUE(joined.weak.expired()) << seed;
    ASSERT_EQ(joined.observer->times_done, 1) << seed;
    ASSERT_FALSE(joined.client->ended && joined.observer->outcome.end == RelayEnd::kUpstreamBroken);
  }
}

TEST(Relay, SurvivesAnOwnerThatLetsGoFromWithin) {
  class LettingGo : public RelayObserver {
   public:
    void OnDone(const RelayOutcome&) override {
      client->Release();
      if (cluster) cluster->Release();
    }
    std::shared_ptr<FakeStream> client, cluster;
  };
  auto client = std::make_shared<FakeStream>();
  auto observer = std::make_shared<LettingGo>();
  auto relay = Relay::Make(client, true, {.answer_error = AnswerInText}, observer);
  client->events = relay->downstream_events();
  FakeUpstream upstream;
  relay->Start(upstream, {.method = "GET", .target = "/"});
  observer->client = client;
  observer->cluster = upstream.stream;
  relay.reset();
  upstream.events.lock()->OnHead({.status = 204}, true);
  EXPECT_EQ(client->events, nullptr);
  EXPECT_TRUE(upstream.events.expired());
}

TEST(Relay, DroppedUnfinishedIsTold) {
  Joined joined;
  joined.Start();
  joined.client->Release();
  joined.cluster->Release();
  EXPECT_EQ(joined.observer->times_done, 1);
  EXPECT_EQ(joined.observer->outcome.end, RelayEnd::kClientGone);
}

}  // namespace
}  // namespace mk8s::gateway

// The relay with a filter in the response's way: what is held back, how much, and how it fails.
#include "base/limits.h"
#include "base/text.h"
#include "gateway/fake_exchange_for_test.h"

namespace mk8s::gateway {
namespace {

using http::ResetReason;

// Hands on lines that do not hold "secret"; fails at one that holds "bad".
class LineFilter : public BodyFilter {
 public:
  explicit LineFilter(bool head_at_once) : head_at_once_(head_at_once) {}
  Result<void> Write(std::string_view chunk, std::string& out) override {
    line_ += chunk;
    for (std::size_t end; (end = line_.find('\n')) != std::string::npos;) {
      MK8S_RETURN_IF_ERROR(Judge(line_.substr(0, end + 1), out));
      line_.erase(0, end + 1);
    }
    return {};
  }
  Result<void> Finish(std::string& out) override { return Judge(line_, out); }
  bool SendsHeadAtOnce() const override { return head_at_once_; }

 private:
  static Result<void> Judge(const std::string& line, std::string& out) {
    if (line.find("bad") != line.npos) return MakeError(ErrorCode::kBadGateway, "a bad line");
    if (line.find("secret") == line.npos) out += line;
    return {};
  }
  bool head_at_once_;
  std::string line_;
};

RelayHooks Filtering(bool head_at_once = false) {
  RelayHooks hooks{.answer_error = AnswerInText};
  hooks.filter_body =
      [head_at_once](const http::ResponseHead& head) -> std::unique_ptr<BodyFilter> {
    if (head.status != 200) return nullptr;
    return std::make_unique<LineFilter>(head_at_once);
  };
  return hooks;
}

constexpr std::size_t kAll = static_cast<std::size_t>(-1);

TEST(RelayFilter, HandsOnWhatTheFilterLetsThrough) {
  Joined joined(true, Filtering());
  joined.Start();
  joined.from_cluster().OnHead({}, false);
  EXPECT_FALSE(joined.client->head) << "held until a byte passed";
  joined.from_cluster().OnBody("a secret\n");
  EXPECT_FALSE(joined.client->head);
  EXPECT_EQ(joined.cluster->consumed, 9U) << "what was dropped waits for nobody";
  joined.from_cluster().OnBody("an open");
  joined.from_cluster().OnBody(" word\nthe end");
  EXPECT_EQ(joined.client->head->status, 200);
  EXPECT_EQ(joined.client->body, "an open word\n");
  joined.from_cluster().OnEnd({});
  EXPECT_EQ(joined.client->body, "an open word\nthe end");
  EXPECT_TRUE(joined.client->ended);
  joined.client->Leave(kAll);
  EXPECT_EQ(joined.cluster->consumed, 29U);
  EXPECT_EQ(joined.observer->outcome.end, RelayEnd::kComplete);
  EXPECT_EQ(joined.observer->outcome.bytes_out, 20U);
}

TEST(RelayFilter, AnEmptyRestStillHasItsHead) {
  Joined joined(true, Filtering());
  joined.Start();
  joined.from_cluster().OnHead({}, false);
  joined.from_cluster().OnBody("secret");
  joined.from_cluster().OnEnd({});
  EXPECT_EQ(joined.client->head->status, 200);
  EXPECT_EQ(joined.client->body, "");
  EXPECT_TRUE(joined.client->ended);
  EXPECT_EQ(joined.observer->outcome.end, RelayEnd::kComplete);
}

TEST(RelayFilter, AWatchsHeadLeavesAtOnce) {
  Joined joined(true, Filtering(true));
  joined.Start();
  joined.from_cluster().OnHead({}, false);
  EXPECT_TRUE(joined.client->head);
  EXPECT_FALSE(joined.client->ended);
}

TEST(RelayFilter, WhatItDoesNotConcernStreamsAsItIs) {
  Joined joined(true, Filtering());
  joined.Start();
  joined.from_cluster().OnHead({.status = 404}, false);
  joined.from_cluster().OnBody("bad secret");
  EXPECT_EQ(joined.client->body, "bad secret");
  Joined bodiless(true, Filtering());
  bodiless.Start();
  bodiless.from_cluster().OnHead({}, true);
  EXPECT_TRUE(bodiless.client->ended);
}

TEST(RelayFilter, AnErrorBeforeTheFirstByteIsAnswered) {
  for (const bool at_the_end : {false, true}) {
    Joined joined(true, Filtering());
    joined.Start();
    joined.from_cluster().OnHead({}, false);
    joined.from_cluster().OnBody(at_the_end ? "bad" : "bad\n");
    if (at_the_end) joined.from_cluster().OnEnd({});
    EXPECT_EQ(joined.client->head->status, 502);
    EXPECT_EQ(joined.client->body, "a bad line");
    EXPECT_EQ(joined.cluster->reset, ResetReason::kCancel);
    EXPECT_EQ(joined.observer->outcome.end, RelayEnd::kAnswered);
    EXPECT_EQ(joined.observer->times_done, 1);
  }
}

TEST(RelayFilter, AnErrorAfterTheFirstByteResets) {
  Joined joined(true, Filtering());
  joined.Start();
  joined.from_cluster().OnHead({}, false);
  joined.from_cluster().OnBody("good\nbad\n");
  EXPECT_EQ(joined.client->head->status, 502) << "both in one piece: nothing has passed";
  Joined later(true, Filtering());
  later.Start();
  later.from_cluster().OnHead({}, false);
  later.from_cluster().OnBody("good\n");
  later.from_cluster().OnBody("bad\n");
  EXPECT_EQ(later.client->body, "good\n");
  EXPECT_FALSE(later.client->ended);
  EXPECT_EQ(later.client->reset, ResetReason::kCancel);
  EXPECT_EQ(later.observer->outcome.end, RelayEnd::kCut);
}

TEST(RelayFilter, ABreakWhileTheHeadIsHeldIsAnswered) {
  Joined joined(true, Filtering());
  joined.Start();
  joined.from_cluster().OnHead({}, false);
  joined.from_cluster().OnBody("half");
  joined.cluster->Lose(ResetReason::kConnectionLost);
  EXPECT_EQ(joined.client->head->status, 502);
  EXPECT_EQ(joined.observer->outcome.end, RelayEnd::kAnswered);
}

TEST(RelayFilter, HoldsNoMoreThanAWindowForAStalledReader) {
  Joined joined(true, Filtering());
  joined.Start();
  joined.from_cluster().OnHead({}, false);
  std::size_t given = 0;
  const auto feed = [&] {
    while (given - joined.cluster->consumed < limits::kStreamWindowBytes && given < (32U << 20)) {
      const std::string piece =
          given % 3 == 0 ? "secret" + std::string(8192, 's') + "\n" : std::string(8191, 'x') + "\n";
      joined.from_cluster().OnBody(piece);
      given += piece.size();
    }
  };
  feed();
  EXPECT_LE(joined.client->queued, limits::kStreamWindowBytes + limits::kFilteredBytesLow + 8192);
  while (joined.client->queued > 0) {
    joined.client->Leave(100'000);
    feed();
  }
  EXPECT_LE(joined.client->queued_most,
            limits::kStreamWindowBytes + limits::kFilteredBytesLow + 8192);
  EXPECT_EQ(joined.cluster->consumed, given);
}

}  // namespace
}  // namespace mk8s::gateway

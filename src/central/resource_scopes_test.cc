// What a cluster says of custom resources: asked step by step, remembered, and never waited for
// without end.
#include "central/resource_scopes.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "gateway/fake_exchange_for_test.h"

namespace mk8s::central {
namespace {

constexpr WallTime kNow{std::chrono::hours(490'000)};

const Attributes kWidgets{.is_resource = true,
                          .verb = "list",
                          .api_prefix = "apis",
                          .api_group = "example.com",
                          .api_version = "v1",
                          .resource = "widgets"};

TEST(ResourceScopes, RemembersForAWhileByClusterAndResource) {
  ManualClock clock(kNow);
  ResourceScopes scopes(clock);
  EXPECT_EQ(scopes.IsNamespaced("c", kWidgets), std::nullopt);
  scopes.Learn("c", kWidgets, false);
  EXPECT_EQ(scopes.IsNamespaced("c", kWidgets), false);
  EXPECT_EQ(scopes.IsNamespaced("d", kWidgets), std::nullopt);
  Attributes other = kWidgets;
  other.resource = "gadgets";
  EXPECT_EQ(scopes.IsNamespaced("c", other), std::nullopt);
  clock.Advance(limits::kResourceScopeLife + std::chrono::milliseconds(1));
  EXPECT_EQ(scopes.IsNamespaced("c", kWidgets), std::nullopt);
}

TEST(ResourceScopes, HoldsABoundedNumber) {
  ManualClock clock(kNow);
  ResourceScopes scopes(clock);
  for (std::size_t i = 0; i <= limits::kResourceScopesMax; ++i) {
    scopes.Learn("c" + std::to_string(i), kWidgets, true);
  }
  EXPECT_EQ(scopes.IsNamespaced("c0", kWidgets), std::nullopt);
  EXPECT_EQ(scopes.IsNamespaced("c" + std::to_string(limits::kResourceScopesMax), kWidgets), true);
}

TEST(ResourceScopes, ABoundedNumberAsk) {
  ManualClock clock(kNow);
  ResourceScopes scopes(clock);
  std::vector<std::shared_ptr<void>> places;
  while (auto place = scopes.Enter()) places.push_back(std::move(place));
  EXPECT_EQ(places.size(), limits::kResourceScopeQuestionsMax);
  places.pop_back();
  EXPECT_NE(scopes.Enter(), nullptr);
}

class ScopeQuestionTest : public testing::Test {
 protected:
  ~ScopeQuestionTest() override { Release(); }

  void Ask(const Attributes& about, std::chrono::milliseconds deadline = std::chrono::hours(1)) {
    const std::size_t before = answers_.size();
    question_ = std::make_shared<ScopeQuestion>(
        loop_, clock_,
        ScopeQuestion::Way{
            .session = [this]() -> http::ClientSession* { return gone_ ? nullptr : &cluster_; },
            .record = [this](AuditEvent event) { recorded_.push_back(std::move(event)); }},
        gateway::TunnelRequest{.head = {.authority = "mk8s.test"}, .user = "dev@example.com"},
        AuditEvent{.id = "of-this", .user = "dev@example.com", .verb = "list"});
    question_->Ask(
        about, [this](const ScopeQuestion::Answer& answer) { answers_.push_back(answer); },
        deadline);
    EXPECT_EQ(answers_.size(), before) << "never from within the call";
    Turn();
  }
  void Turn() {
    int turns = 0;
    loop_.Post([] {});
    loop_.RunUntil([&] { return ++turns >= 2; });
  }
  // What the cluster says to the request under way.
  void Say(int status, const std::string& body) {
    question_->OnHead({.status = status}, body.empty());
    if (body.empty()) return;
    question_->OnBody(body);
    question_->OnEnd({});
  }
  std::string Asked() const { return cluster_.request ? cluster_.request->target : "nothing"; }
  void Release() {
    if (cluster_.stream) cluster_.stream->Release();
  }

  ManualClock clock_{kNow};
  net::Loop loop_;
  bool gone_ = false;
  gateway::FakeUpstream cluster_;
  std::vector<AuditEvent> recorded_;
  std::vector<ScopeQuestion::Answer> answers_;
  std::shared_ptr<ScopeQuestion> question_;
};

constexpr const char* kList = R"({"resources":[{"name":"widgets","namespaced":false}]})";

TEST_F(ScopeQuestionTest, IsOneRequestOfTheUsersOwn) {
  Ask(kWidgets);
  EXPECT_EQ(Asked(), "/apis/example.com/v1");
  EXPECT_EQ(cluster_.request->fields.Get("mk8s-user"), "dev@example.com");
  Say(200, kList);
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].value(), false);
  ASSERT_EQ(recorded_.size(), 1u);
  EXPECT_EQ(recorded_[0].id, cluster_.request->fields.Get("mk8s-request-id"));
  EXPECT_NE(recorded_[0].id, "of-this");
  EXPECT_EQ(recorded_[0].user, "dev@example.com");
  EXPECT_EQ(recorded_[0].verb, "get");
  EXPECT_EQ(recorded_[0].command, "get /apis/example.com/v1");
  EXPECT_EQ(recorded_[0].http_status, 200);
  EXPECT_EQ(recorded_[0].status, AuditStatus::kAllowed);
  EXPECT_EQ(recorded_[0].reason, "asked for request of-this");
}

TEST_F(ScopeQuestionTest, WithoutAVersionTheGroupsAreTriedInTurn) {
  Attributes about = kWidgets;
  about.api_version = "";
  Ask(about);
  EXPECT_EQ(Asked(), "/apis/example.com");
  Release();
  Say(200, R"({"preferredVersion":{"version":"v2"},"versions":[{"version":"v1"}]})");
  EXPECT_EQ(Asked(), "/apis/example.com/v2");
  Release();
  Say(200, R"({"resources":[]})");
  EXPECT_EQ(Asked(), "/apis/example.com/v1");
  Say(200, R"({"resources":[{"name":"widgets","namespaced":true}]})");
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].value(), true);
  EXPECT_EQ(recorded_.size(), 3u);
}

TEST_F(ScopeQuestionTest, AsksABoundedNumberOfVersions) {
  Attributes about = kWidgets;
  about.api_version = "*";
  Ask(about);
  std::string versions;
  for (int i = 0; i < 100; ++i) {
    versions += (i > 0 ? "," : "") + (R"({"version":"v)" + std::to_string(i) + "\"}");
  }
  Release();
  Say(200, "{\"versions\":[" + versions + "]}");
  while (answers_.empty()) {
    Release();
    Say(200, R"({"resources":[]})");
  }
  EXPECT_EQ(answers_[0].value(), std::nullopt);
  EXPECT_EQ(recorded_.size(), limits::kResourceScopeRequestsMax);
}

TEST_F(ScopeQuestionTest, WhatIsNotThereIsUnknown) {
  Ask(kWidgets);
  Say(404, "{}");
  EXPECT_EQ(answers_.at(0).value(), std::nullopt);
}

TEST_F(ScopeQuestionTest, WhatIsNoNameIsNotAsked) {
  Attributes about = kWidgets;
  about.api_group = "../api/v1/secrets?x=";
  Ask(about);
  EXPECT_EQ(Asked(), "nothing");
  EXPECT_EQ(answers_.at(0).value(), std::nullopt);
}

TEST_F(ScopeQuestionTest, WhatIsNoAnswerIsAnError) {
  const struct {
    int status;
    std::string body;
    ErrorCode code;
  } kRows[] = {
      {200, "", ErrorCode::kBadGateway},
      {200, "{}", ErrorCode::kBadGateway},
      {200, std::string(limits::kResourceListBytesMax + 1, ' '), ErrorCode::kBadGateway},
      {500, "{}", ErrorCode::kUnavailable},
      {403, "{}", ErrorCode::kUnavailable},
  };
  for (const auto& row : kRows) {
    answers_.clear();
    Release();
    Ask(kWidgets);
    Say(row.status, row.body);
    ASSERT_EQ(answers_.size(), 1u) << row.status << row.body.substr(0, 10);
    EXPECT_EQ(answers_[0].error().code, row.code) << row.status << row.body.substr(0, 10);
  }
}

TEST_F(ScopeQuestionTest, ABrokenOrMissingTunnelIsAnError) {
  Ask(kWidgets);
  cluster_.stream->Lose(http::ResetReason::kConnectionLost);
  EXPECT_EQ(answers_.at(0).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(recorded_.at(0).status, AuditStatus::kFailed);
  gone_ = true;
  Ask(kWidgets);
  EXPECT_EQ(answers_.at(1).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(recorded_.size(), 1u) << "nothing was sent";
}

TEST_F(ScopeQuestionTest, ASilentClusterIsNotWaitedFor) {
  Ask(kWidgets, std::chrono::milliseconds(1));
  loop_.RunUntil([&] { return !answers_.empty(); });
  EXPECT_EQ(answers_[0].error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(cluster_.stream->reset, http::ResetReason::kCancel);
  EXPECT_EQ(recorded_.at(0).status, AuditStatus::kFailed);
  question_->OnHead({.status = 200}, true);
  EXPECT_EQ(answers_.size(), 1u);
}

TEST_F(ScopeQuestionTest, IsTakenBackWhenNobodyWaits) {
  Ask(kWidgets);
  question_->Cancel();
  EXPECT_EQ(cluster_.stream->reset, http::ResetReason::kCancel);
  EXPECT_EQ(recorded_.at(0).status, AuditStatus::kInterrupted);
  Say(200, kList);
  EXPECT_TRUE(answers_.empty());
}

}  // namespace
}  // namespace mk8s::central

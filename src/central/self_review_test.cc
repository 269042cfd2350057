// What `kubectl auth can-i` is told: the truth about what the gateway would do with the request.
#include "central/self_review.h"

namespace mk8s::central {
namespace {

class SelfReview : public testing::Test {
 protected:
  SelfReview()
      : snapshot_({{.id = "u", .email = "dev@example.com", .roles = {"team"}}},
                  {{.name = "team",
                    .grants = {{.cluster = "*",
                                .namespaces = {"web"},
                                .verbs = {"list"},
                                .resources = {"pods"}}}}},
                  {{.id = "c", .name = "prod"}}, {}) {}

  ReviewOutcome Ask(const std::string& spec) {
    return AnswerSelfReview(kube::SelfReviewKind::kAccess, {{"content-type", "application/json"}},
                            R"({"kind":"SelfSubjectAccessReview","spec":)" + spec + "}", snapshot_,
                            *snapshot_.UserById("u"), "c", false)
        .value();
  }

  Snapshot snapshot_;
};

TEST_F(SelfReview, AllowedIsForwardedAsTheRequestWouldBe) {
  const ReviewOutcome outcome =
      Ask(R"({"resourceAttributes":{"namespace":"web","verb":"list","resource":"pods"}})");
  EXPECT_TRUE(outcome.forward);
  EXPECT_EQ(outcome.roles, std::vector<std::string>{"team"});
}

TEST_F(SelfReview, RefusedIsAnsweredWithItsReason) {
  const ReviewOutcome outcome =
      Ask(R"({"resourceAttributes":{"namespace":"web","verb":"delete","resource":"pods"}})");
  EXPECT_FALSE(outcome.forward);
  EXPECT_NE(outcome.answer.body.find("\"allowed\":false"), std::string::npos);
  EXPECT_NE(outcome.answer.body.find("role team grants only list"), std::string::npos)
      << outcome.answer.body;
}

TEST_F(SelfReview, WhatIsShownInPartIsAYes) {
  for (const char* verb : {"list", "watch"}) {
    const ReviewOutcome outcome =
        Ask(std::string(R"({"resourceAttributes":{"resource":"pods","verb":")") + verb + "\"}}");
    EXPECT_TRUE(outcome.forward) << verb;
    EXPECT_EQ(outcome.roles, std::vector<std::string>{"team"});
  }
  for (const char* verb : {"get", "deletecollection"}) {
    EXPECT_FALSE(
        Ask(std::string(R"({"resourceAttributes":{"resource":"pods","verb":")") + verb + "\"}}")
            .forward)
        << verb;
  }
}

TEST_F(SelfReview, WhoeverActsAsAnotherIsToldWhoThatIsByTheCluster) {
  EXPECT_TRUE(AnswerSelfReview(
                  kube::SelfReviewKind::kSubject, {{"content-type", "application/json"}},
                  R"({"kind":"SelfSubjectReview"})", snapshot_, *snapshot_.UserById("u"), "c", true)
                  .value()
                  .forward);
}

TEST_F(SelfReview, WhatIsOpenToEveryoneNeedsNoRole) {
  const ReviewOutcome open = Ask(R"({"nonResourceAttributes":{"verb":"get","path":"/version"}})");
  EXPECT_TRUE(open.forward);
  EXPECT_TRUE(open.roles.empty());
  EXPECT_FALSE(Ask(R"({"nonResourceAttributes":{"verb":"get","path":"/metrics"}})").forward);
}

}  // namespace
}  // namespace mk8s::central

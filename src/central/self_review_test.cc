// What `kubectl auth can-i` is told: the truth about what the gateway would do with the request.
#include "central/self_review.h"

namespace mk8s::central {
namespace {

class SelfReview : public testing::Test {
 protected:
  SelfReview()
      : snapshot_({{.id = "u", .email = "dev@example.com", .roles = {"team"}},
                   {.id = "wide", .email = "wide@example.com", .roles = {"wide"}},
                   {.id = "most", .email = "most@example.com", .roles = {"most"}}},
                  {{.name = "team",
                    .grants = {{.cluster = "*",
                                .namespaces = {"web"},
                                .verbs = {"list"},
                                .resources = {"pods"}}}},
                   {.name = "wide",
                    .grants = {{.cluster = "*",
                                .namespaces = {"web"},
                                .verbs = {"get", "list"},
                                .resources = {"*"}}}},
                   {.name = "most",
                    .grants = {{.cluster = "*",
                                .namespaces = {"*"},
                                .verbs = {"list"},
                                .resources = {"*"},
                                .except_namespaces = {"web"}}}}},
                  {{.id = "c", .name = "prod"}}, {}) {}

  ReviewOutcome Ask(const std::string& spec, const char* user = "u",
                    std::optional<auth::ResourceScope> scope = std::nullopt) {
    return AnswerSelfReview(kube::SelfReviewKind::kAccess, {{"content-type", "application/json"}},
                            R"({"kind":"SelfSubjectAccessReview","spec":)" + spec + "}", snapshot_,
                            *snapshot_.UserById(user), "c", false, scope)
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

// A request for a resource that belongs to no namespace names none, whatever the question does.
TEST_F(SelfReview, WhatBelongsToNoNamespaceIsAskedOfTheCluster) {
  constexpr auto kUnknown = auth::ResourceScope::kUnknown;
  constexpr auto kNamespaced = auth::ResourceScope::kNamespaced;
  constexpr auto kCluster = auth::ResourceScope::kCluster;
  const std::string custom = R"("group":"example.com","resource":"wholes"})";
  const std::string in_web = R"({"namespace":"web",)";
  const struct {
    const char* user;
    std::string asked;
    bool asks;
    bool yes[3];  // where the cluster says: unknown, namespaced, cluster-scoped
  } kRows[] = {
      {"wide", R"({"verb":"list",)" + custom, true, {true, true, false}},
      {"wide", in_web + R"("verb":"list",)" + custom, true, {true, true, false}},
      {"wide", in_web + R"("verb":"get","name":"x",)" + custom, true, {true, true, false}},
      {"wide", R"({"verb":"get","name":"x",)" + custom, false, {false, false, false}},
      {"wide", R"({"verb":"delete",)" + custom, false, {false, false, false}},
      {"most", R"({"verb":"list",)" + custom, false, {true, true, true}},
      {"most", in_web + R"("verb":"list",)" + custom, true, {false, false, true}},
      {"wide", in_web + R"("verb":"list","resource":"nodes"})", false, {false, false, false}},
      {"wide", in_web + R"("verb":"list","resource":"secrets"})", false, {true, true, true}},
      {"wide", R"({"verb":"list","resource":"namespaces"})", false, {true, true, true}},
      {"wide", in_web + R"("verb":"list","group":"*","resource":"*"})", false, {true, true, true}},
  };
  for (const auto& row : kRows) {
    const std::string spec = R"({"resourceAttributes":)" + row.asked + "}";
    const std::string what = std::string(row.user) + " " + spec;
    const ReviewOutcome first = Ask(spec, row.user);
    EXPECT_EQ(first.needs_scope.has_value(), row.asks) << what;
    if (!row.asks) {
      EXPECT_EQ(first.forward, row.yes[0]) << what;
      continue;
    }
    EXPECT_FALSE(first.forward) << what;
    EXPECT_EQ(first.needs_scope->resource, "wholes") << what;
    EXPECT_EQ(Ask(spec, row.user, kUnknown).forward, row.yes[0]) << what;
    EXPECT_EQ(Ask(spec, row.user, kNamespaced).forward, row.yes[1]) << what;
    const ReviewOutcome last = Ask(spec, row.user, kCluster);
    EXPECT_EQ(last.forward, row.yes[2]) << what;
    if (last.forward) continue;
    EXPECT_NE(last.answer.body.find("it belongs to no namespace"), std::string::npos) << what;
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

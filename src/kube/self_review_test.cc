// Self reviews in JSON and protobuf, and what is no review.
#include "kube/self_review.h"

#include "kube/protobuf_wire.h"

namespace mk8s::kube {
namespace {

constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";

// As kubectl writes it: the envelope around a review whose spec is `spec`.
std::string Envelope(std::string_view kind, std::string_view spec) {
  std::string type, raw, unknown;
  AppendBytes(type, 1, "authorization.k8s.io/v1");
  AppendBytes(type, 2, kind);
  AppendBytes(raw, 2, spec);
  AppendBytes(unknown, 1, type);
  AppendBytes(unknown, 2, raw);
  return std::string("k8s\0", 4) + unknown;
}

TEST(SelfReview, BothEncodingsAskTheSame) {
  std::string resource, spec;
  AppendBytes(resource, 1, "shop");
  AppendBytes(resource, 2, "get");
  AppendBytes(resource, 5, "pods");
  AppendBytes(resource, 6, "log");
  AppendBytes(spec, 1, resource);
  const auto binary = ParseSelfReview(SelfReviewKind::kAccess, kProtobuf,
                                      Envelope("SelfSubjectAccessReview", spec));
  const auto text = ParseSelfReview(
      SelfReviewKind::kAccess, "application/json; charset=utf-8",
      R"({"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":
          {"resourceAttributes":{"namespace":"shop","verb":"get",
                                 "resource":"pods","subresource":"log"}}})");
  ASSERT_TRUE(binary.has_value() && text.has_value());
  EXPECT_EQ(binary->asked, text->asked);
  EXPECT_TRUE(text->asked.is_resource);
  EXPECT_EQ(text->asked.namespace_, "shop");
  EXPECT_EQ(text->asked.verb, "get");
  EXPECT_EQ(text->asked.resource, "pods");
  EXPECT_EQ(text->asked.subresource, "log");
}

TEST(SelfReview, Paths) {
  std::string path, spec;
  AppendBytes(path, 1, "/metrics");
  AppendBytes(path, 2, "get");
  AppendBytes(spec, 2, path);
  const auto review = ParseSelfReview(SelfReviewKind::kAccess, kProtobuf,
                                      Envelope("SelfSubjectAccessReview", spec));
  ASSERT_TRUE(review.has_value());
  EXPECT_FALSE(review->asked.is_resource);
  EXPECT_EQ(review->asked.path, "/metrics");
}

TEST(SelfReview, WhatIsNoReview) {
  const std::string deep(100'000, '[');
  const std::string good = Envelope("SelfSubjectAccessReview", "");
  struct Row {
    std::string_view type, body;
  };
  const Row rows[] = {
      {"application/json", ""},
      {"application/json", "[]"},
      {"application/json", deep},
      {"application/json", R"({"kind":"SubjectAccessReview"})"},
      {"application/yaml", "kind: SelfSubjectAccessReview"},
      {kProtobuf, ""},
      {kProtobuf, "k8s"},
      {kProtobuf, std::string_view(good).substr(0, good.size() - 3)},
  };
  for (const Row& row : rows) {
    const auto review = ParseSelfReview(SelfReviewKind::kAccess, row.type, row.body);
    ASSERT_FALSE(review.has_value()) << row.type << " " << row.body.substr(0, 40);
    EXPECT_EQ(review.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(SelfReview, AnswersInBothEncodings) {
  const SelfReview review{.kind = SelfReviewKind::kAccess,
                          .api_version = "authorization.k8s.io/v1"};
  const ReviewAnswer text = AccessAnswer(review, false, "no role", false);
  EXPECT_EQ(text.content_type, "application/json");
  EXPECT_NE(text.body.find(R"("status":{"allowed":false,"reason":"no role"})"), std::string::npos)
      << text.body;
  const ReviewAnswer binary = AccessAnswer(review, true, "", true);
  ASSERT_TRUE(binary.body.starts_with(std::string_view("k8s\0", 4)));
  std::string_view raw = FindBytes(std::string_view(binary.body).substr(4), 2);
  std::string_view status = FindBytes(raw, 3);
  const auto allowed = TakeField(status);
  ASSERT_TRUE(allowed.has_value());
  EXPECT_EQ(allowed->number, 1u);
  EXPECT_EQ(allowed->varint, 1u);
}

TEST(SelfReview, ProtobufOnlyWhereJsonIsNotTaken) {
  EXPECT_TRUE(WantsProtobuf("application/vnd.kubernetes.protobuf"));
  EXPECT_FALSE(WantsProtobuf("application/vnd.kubernetes.protobuf,application/json"));
  EXPECT_FALSE(WantsProtobuf("application/json"));
  EXPECT_FALSE(WantsProtobuf(""));
}

}  // namespace
}  // namespace mk8s::kube

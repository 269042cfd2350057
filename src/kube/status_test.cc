// Sentences and bodies of Status errors, word for word.
#include "kube/status.h"

#include "base/error_mapping.h"

namespace mk8s::kube {
namespace {

TEST(Status, ForbiddenLikeKubeApiserver) {
  struct Row {
    Attributes asked;
    std::string_view sentence;
  };
  const Row table[] = {
      {{.is_resource = true,
        .verb = "delete",
        .namespace_ = "default",
        .resource = "pods",
        .name = "x"},
       "pods \"x\" is forbidden: User \"dev@example.com\" cannot delete resource \"pods\" in API "
       "group \"\" in the namespace \"default\""},
      {{.is_resource = true, .verb = "list", .resource = "nodes"},
       "nodes is forbidden: User \"dev@example.com\" cannot list resource \"nodes\" in API group "
       "\"\" at the cluster scope"},
      {{.is_resource = true,
        .verb = "create",
        .api_group = "apps",
        .namespace_ = "a",
        .resource = "deployments",
        .subresource = "scale",
        .name = "w"},
       "deployments.apps \"w\" is forbidden: User \"dev@example.com\" cannot create resource "
       "\"deployments/scale\" in API group \"apps\" in the namespace \"a\""},
      {{.verb = "get", .path = "/metrics"},
       "forbidden: User \"dev@example.com\" cannot get path \"/metrics\""},
  };
  for (const Row& row : table) {
    const Error error = Forbidden("dev@example.com", row.asked, "because", {});
    EXPECT_EQ(error.code, ErrorCode::kPermissionDenied);
    EXPECT_EQ(error.message, std::string(row.sentence) +
                                 ": because; no role allows it; ask an mk8s administrator");
  }
}

TEST(Status, SaysWhoMayGrant) {
  const Attributes asked{.is_resource = true, .verb = "list", .resource = "nodes"};
  const auto ends = [&](const std::vector<std::string>& roles) {
    return Forbidden("a", asked, "", roles).message;
  };
  EXPECT_TRUE(
      ends({"viewer"}).ends_with("scope: role viewer would allow it; ask an mk8s administrator"));
  EXPECT_TRUE(ends({"a", "b"})
                  .ends_with("any of the roles a, b would allow it; ask an mk8s "
                             "administrator"));
  EXPECT_TRUE(ends({"a", "b", "c", "d", "e", "f"}).find("e, ... would") != std::string::npos);
}

TEST(Status, SentencesCannotCarryMarkupOrEscapes) {
  const Attributes asked{.is_resource = true,
                         .verb = "get",
                         .namespace_ = "<b>",
                         .resource = "pods",
                         .name = "a\x1b[2J\"\\"};
  const std::string message = Forbidden("a&b", asked, "", {}).message;
  EXPECT_EQ(message.find('<'), std::string::npos);
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
  EXPECT_NE(message.find("a&amp;b"), std::string::npos);
  EXPECT_NE(message.find("\"a\\x1b[2J\\\"\\\\\""), std::string::npos);
}

TEST(Status, Body) {
  const Error error = MakeError(ErrorCode::kPermissionDenied, "no \"way\"", "private");
  EXPECT_EQ(StatusJson(error, {.name = "x", .group = "apps", .kind = "deployments"}),
            "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
            "\"message\":\"no \\\"way\\\"\",\"reason\":\"Forbidden\",\"details\":{\"name\":\"x\","
            "\"group\":\"apps\",\"kind\":\"deployments\"},\"code\":403}\n");
  for (const ErrorCode code : kAllErrorCodes) {
    const std::string body = StatusJson(MakeError(code, "m", "private"));
    EXPECT_NE(body.find("\"code\":" + std::to_string(HttpStatus(code))), std::string::npos);
    EXPECT_EQ(body.find("private"), std::string::npos);
    EXPECT_EQ(body.find("details"), std::string::npos);
  }
  EXPECT_NE(StatusJson(MakeError(ErrorCode::kInternal, "\xff")).find("\\\\xff"), std::string::npos);
}

TEST(Status, Fields) {
  const http::Fields unauthenticated = StatusFields(MakeError(ErrorCode::kUnauthenticated, "m"));
  EXPECT_EQ(unauthenticated.Get("content-type"), "application/json");
  EXPECT_EQ(unauthenticated.Get("www-authenticate"), "Bearer realm=\"mk8s\"");
  // An offline agent is told at once: client-go would wait and repeat on Retry-After.
  EXPECT_FALSE(StatusFields(MakeError(ErrorCode::kUnavailable, "m")).Find("retry-after"));
  const StatusDetails later{.retry_after = std::chrono::seconds(2)};
  const Error busy = MakeError(ErrorCode::kResourceExhausted, "m");
  EXPECT_EQ(StatusFields(busy, later).Get("retry-after"), "2");
  EXPECT_NE(StatusJson(busy, later).find("\"retryAfterSeconds\":2"), std::string::npos);
}

}  // namespace
}  // namespace mk8s::kube

// A list of which a part is shown: what the cluster is asked instead, and what of its answer is let
// through.
#include "central/narrow_list.h"

#include <gtest/gtest.h>

#include "auth/continue_token.h"

namespace mk8s::central {
namespace {

constexpr std::string_view kTable = "application/json;as=Table;v=v1;g=meta.k8s.io";

class NarrowListTest : public testing::Test {
 protected:
  Result<NarrowList> Make(const std::string& target, const std::string& user = "u",
                          const std::string& cluster = "c", const std::string& verb = "list",
                          std::vector<auth::ListScope> scopes = {{.namespaces = {"team-*"}}}) {
    return NarrowList::Make(
        Tokens(), user, cluster,
        {.is_resource = true, .verb = verb, .api_version = "v1", .resource = "pods"},
        kube::Target::Parse(target).value(), std::move(scopes));
  }
  static std::string Accepted(const http::Fields& from_client) {
    http::Fields fields = from_client;
    NarrowList::AskForJson(fields);
    return std::string(fields.Get("accept"));
  }
  // Of a whole answer of the cluster; an error's message where it was refused.
  static std::string Shown(const NarrowList& list, const std::string& body, int status = 200) {
    const auto mapped =
        list.MapHead({.status = status, .fields = {{"content-type", "application/json"}}});
    const auto filter = list.Filter(mapped.value());
    std::string out;
    if (const auto written = filter->Write(body, out); !written) return written.error().message;
    if (const auto ended = filter->Finish(out); !ended) return ended.error().message;
    return out;
  }

  static const auth::ContinueTokens& Tokens() {  // one key: making it takes a second
    static const auth::ContinueTokens tokens =
        auth::ContinueTokens::FromSigningKey(auth::SigningKey::Generate().value()).value();
    return tokens;
  }
};

TEST_F(NarrowListTest, TheClusterIsAskedForJsonOfTheSameKind) {
  const struct {
    http::Fields fields;
    std::string accept;
  } kRows[] = {
      {{}, "application/json"},
      {{{"accept", "*/*"}}, "application/json"},
      {{{"accept", "text/html"}}, "application/json"},
      {{{"accept", "application/vnd.kubernetes.protobuf"}}, "application/json"},
      {{{"accept", "Application/YAML"}}, "application/json"},
      {{{"accept", std::string(kTable) + ",application/json"}},
       std::string(kTable) + ",application/json"},
      {{{"accept",
         "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io, "
         "application/json;as=Table;v=v1;g=meta.k8s.io"}},
       std::string(kTable)},
      {{{"accept", "application/cbor"}, {"accept", std::string(kTable)}},
       "application/json," + std::string(kTable)},
  };
  for (const auto& row : kRows) EXPECT_EQ(Accepted(row.fields), row.accept);
}

TEST_F(NarrowListTest, NothingAsksForAPartOrByATag) {
  http::Fields fields{{"accept-encoding", "gzip"}, {"range", "bytes=0-1"},
                      {"if-none-match", "\"x\""},  {"if-match", "\"x\""},
                      {"if-range", "\"x\""},       {"user-agent", "kubectl"}};
  NarrowList::AskForJson(fields);
  EXPECT_EQ(fields.Get("accept-encoding"), "identity");
  EXPECT_EQ(fields.Get("user-agent"), "kubectl");
  for (const char* gone : {"range", "if-none-match", "if-match", "if-range"}) {
    EXPECT_TRUE(fields.All(gone).empty()) << gone;
  }
}

TEST_F(NarrowListTest, RowsOfATableComeWithTheirObjects) {
  const struct {
    const char* asked;
    const char* sent;
  } kRows[] = {
      {"/api/v1/pods", "/api/v1/pods"},
      {"/api/v1/pods?includeObject=None", "/api/v1/pods?includeObject=Metadata"},
      {"/api/v1/pods?includeObject=None&includeObject=Object",
       "/api/v1/pods?includeObject=Metadata"},
      {"/api/v1/pods?includeObject=Object&limit=5", "/api/v1/pods?includeObject=Object&limit=5"},
  };
  for (const auto& row : kRows) EXPECT_EQ(Make(row.asked)->target().Serialize(), row.sent);
}

TEST_F(NarrowListTest, AContinueIsOneUsersForOneListOfOneCluster) {
  const std::string page = R"({"kind":"PodList","metadata":{"continue":"abc"},"items":[]})";
  const std::string shown = Shown(*Make("/api/v1/pods?limit=1&labelSelector=a"), page);
  const std::size_t from = shown.find("\"continue\":\"") + 12;
  const std::string sealed = shown.substr(from, shown.find('"', from) - from);
  ASSERT_EQ(shown.find("abc"), std::string::npos) << shown;
  const std::string next = "&continue=" + sealed;
  EXPECT_EQ(Make("/api/v1/pods?limit=7&labelSelector=a" + next)->target().Query("continue"), "abc");
  EXPECT_EQ(
      Make("/api/v1/pods?labelSelector=a&resourceVersion=3" + next)->target().Query("continue"),
      "abc");
  // Whatever has changed of the grant, its filter is the one of now.
  EXPECT_TRUE(
      Make("/api/v1/pods?labelSelector=a" + next, "u", "c", "list", {{.namespaces = {"other"}}}));
  const struct {
    std::string target, user, cluster;
  } kOthers[] = {
      {"/api/v1/pods?labelSelector=a" + next, "v", "c"},
      {"/api/v1/pods?labelSelector=a" + next, "u", "d"},
      {"/api/v1/pods?labelSelector=b" + next, "u", "c"},
      {"/api/v1/services?labelSelector=a" + next, "u", "c"},
      {"/api/v1/pods?labelSelector=a&continue=abc", "u", "c"},
      {"/api/v1/pods?labelSelector=a&continue=x" + sealed, "u", "c"},
  };
  for (const auto& other : kOthers) {
    const auto made = Make(other.target, other.user, other.cluster);
    ASSERT_FALSE(made) << other.target;
    EXPECT_EQ(made.error().code, ErrorCode::kExpired);
  }
  const auto whole = [&](const std::string& target, std::string_view user = "u") {
    return NarrowList::RefuseSealed(Tokens(), user, "c", kube::Target::Parse(target).value());
  };
  EXPECT_EQ(whole("/api/v1/pods?labelSelector=a" + next).error().code, ErrorCode::kExpired);
  EXPECT_TRUE(whole("/api/v1/pods?labelSelector=a&continue=abc")) << "the cluster's own";
  EXPECT_TRUE(whole("/api/v1/pods?labelSelector=a"));
}

TEST_F(NarrowListTest, WhatDescribesTheWholeBodyIsDropped) {
  const auto mapped = Make("/api/v1/pods")
                          ->MapHead({.status = 200,
                                     .fields = {{"content-type", "application/json"},
                                                {"content-length", "17"},
                                                {"etag", "\"x\""},
                                                {"last-modified", "now"},
                                                {"audit-id", "kept"}}});
  EXPECT_EQ(mapped->fields.Get("audit-id"), "kept");
  for (const char* gone : {"content-length", "etag", "last-modified"}) {
    EXPECT_TRUE(mapped->fields.All(gone).empty()) << gone;
  }
}

TEST_F(NarrowListTest, WhatCannotBeFilteredIsNotShown) {
  const struct {
    http::ResponseHead head;
    bool shown;
  } kRows[] = {
      {{.status = 200, .fields = {{"content-type", "application/json;as=Table"}}}, true},
      {{.status = 200, .fields = {{"content-type", "application/vnd.kubernetes.protobuf"}}}, false},
      {{.status = 200, .fields = {{"content-type", "text/plain"}}}, false},
      {{.status = 200}, false},
      {{.status = 200,
        .fields = {{"content-type", "application/json"}, {"content-encoding", "gzip"}}},
       false},
      {{.status = 403, .fields = {{"content-type", "application/json"}}}, true},
      {{.status = 500, .fields = {{"content-type", "text/plain; charset=utf-8"}}}, true},
      {{.status = 500, .fields = {{"content-type", "text/html"}}}, false},
  };
  const NarrowList list = *Make("/api/v1/pods");
  for (const auto& row : kRows) {
    const std::string what =
        std::to_string(row.head.status) + " " + std::string(row.head.fields.Get("content-type"));
    const auto mapped = list.MapHead(row.head);
    ASSERT_EQ(mapped.has_value(), row.shown) << what;
    EXPECT_TRUE(row.shown || mapped.error().code == ErrorCode::kBadGateway) << what;
  }
  EXPECT_EQ(list.Filter({.status = 500, .fields = {{"content-type", "text/plain"}}}), nullptr);
}

TEST_F(NarrowListTest, OnlyWhatAScopeTakesPasses) {
  const std::string shown = Shown(*Make("/api/v1/pods"), R"({"kind":"PodList","items":[
      {"metadata":{"name":"a","namespace":"team-red"}},
      {"metadata":{"name":"b","namespace":"others"}},
      {"metadata":{"name":"c"}}]})");
  EXPECT_NE(shown.find("team-red"), std::string::npos) << shown;
  EXPECT_EQ(shown.find("others"), std::string::npos) << shown;
  EXPECT_EQ(shown.find("\"c\""), std::string::npos) << shown;
}

TEST_F(NarrowListTest, AWatchStreamsAndItsErrorIsALoneStatus) {
  const NarrowList watch = *Make("/api/v1/pods?watch=1", "u", "c", "watch");
  const std::string event =
      R"({"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a",)";
  const std::string seen = event + R"("namespace":"team-red"}}})" + "\n";
  EXPECT_EQ(Shown(watch, seen + event + R"("namespace":"others"}}})" + "\n"), seen);
  EXPECT_TRUE(watch.Filter({.status = 200, .fields = {{"content-type", "application/json"}}})
                  ->SendsHeadAtOnce());
  EXPECT_FALSE(Make("/api/v1/pods")
                   ->Filter({.status = 200, .fields = {{"content-type", "application/json"}}})
                   ->SendsHeadAtOnce());
  const std::string status =
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","code":410})";
  EXPECT_EQ(Shown(watch, status, 410), status);
}

}  // namespace
}  // namespace mk8s::central

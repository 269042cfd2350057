// What is refused, what is kept, and that the serialised form reads as the parsed one.
#include "kube/target.h"

#include "base/limits.h"

namespace mk8s::kube {
namespace {

std::string Reserialised(std::string_view raw) {
  const Result<Target> target = Target::Parse(raw);
  if (!target) return "refused: " + target.error().message;
  const Result<Target> again = Target::Parse(target->Serialize());
  if (!again) return "refused again: " + again.error().message;
  EXPECT_TRUE(*again == *target) << raw;
  return target->Serialize();
}

TEST(Target, RefusesHazards) {
  const std::string nul("/api/v1/po\0ds", 13);
  for (const std::string_view raw : {
           std::string_view("api/v1/pods"),
           std::string_view("*"),
           std::string_view("http://other/api"),
           std::string_view("//api/v1/pods"),
           std::string_view("/api//v1/pods"),
           std::string_view("/api/v1/namespaces//pods"),
           std::string_view("/api/v1/pods//log"),
           std::string_view("/api/v1/namespaces/a/pods//"),
           std::string_view("/healthz//"),
           std::string_view("/api/v1/./pods"),
           std::string_view("/api/v1/namespaces/../nodes"),
           std::string_view("/api/v1/namespaces/%2e%2e/nodes"),
           std::string_view("/api/v1/namespaces/%2E./nodes"),
           std::string_view("/api/v1/namespaces/a%2fpods"),
           std::string_view("/api/v1/namespaces/a%2Fpods"),
           std::string_view("/api/v1/namespaces/a\\pods"),
           std::string_view("/api/v1/namespaces/a%5cpods"),
           std::string_view("/api/v1/namespaces/a%252fpods"),
           std::string_view("/api/v1/namespaces/a%23b"),
           std::string_view("/api/v1/pods#fragment"),
           std::string_view("/api/v1/pods;x=1"),
           std::string_view("/api/v1/pods/a%3bb"),
           std::string_view("/api/v1/pods/a%00"),
           std::string_view("/api/v1/pods/a%0d%0aHost:x"),
           std::string_view("/api/v1/pods/a%7f"),
           std::string_view("/api/v1/pods/%ff"),
           std::string_view("/api/v1/pods/%c0%ae"),
           std::string_view("/api/v1/pods/%ed%a0%80"),
           std::string_view("/api/v1/pods/\xff"),
           std::string_view("/api/v1/pods/%"),
           std::string_view("/api/v1/pods/%4"),
           std::string_view("/api/v1/pods/%zz"),
           std::string_view("/api/v1/po ds"),
           std::string_view("/api/v1/pods\tHTTP/1.1"),
           std::string_view("/api/v1/pods?watch=1;x=2"),
           std::string_view("/api/v1/pods?watch=%zz"),
           std::string_view("/api/v1/pods?%"),
           std::string_view("/api/v1/pods?a=b c"),
           std::string_view("/api/v1/namespaces/a/services/b/proxy/../../c"),
           std::string_view("/api/v1/namespaces/a/services/b/proxy/%2e%2e/c"),
           std::string_view("/api/v1/namespaces/a/services/b/proxy/x%2f..%2fc"),
           std::string_view("/api/v1/namespaces/a/services/b/proxy/..%5cc"),
           std::string_view("/api/v1/namespaces/a/services/b/proxy/%0a"),
           std::string_view("/api/v1/namespaces/a/services/b/proxy/%"),
           std::string_view("/api/v1/nodes/n/proxy/%ff"),
           std::string_view(nul),
       }) {
    const Result<Target> target = Target::Parse(raw);
    ASSERT_FALSE(target) << raw;
    EXPECT_EQ(target.error().code, ErrorCode::kInvalidArgument) << raw;
  }
}

TEST(Target, RefusesTheTooLong) {
  const std::string longest = "/" + std::string(limits::kTargetBytesMax - 1, 'a');
  EXPECT_TRUE(Target::Parse(longest));
  EXPECT_EQ(Target::Parse(longest + "a").error().code, ErrorCode::kUriTooLong);
  EXPECT_EQ(Target::Parse("/" + std::string(100 * 1024, 'a')).error().code, ErrorCode::kUriTooLong);
}

TEST(Target, SerialisesFromTheParsedForm) {
  constexpr std::string_view kTable[][2] = {
      {"", "/"},
      {"/", "/"},
      {"/?", "/"},
      {"/api", "/api"},
      {"/api/", "/api/"},
      {"/healthz/", "/healthz/"},
      {"/api/v1/pods", "/api/v1/pods"},
      {"/api/v1/pods/", "/api/v1/pods"},  // kube-apiserver trims it as well
      {"/%61pi/v1/p%6fds", "/api/v1/pods"},
      {"/api/v1/namespaces/a/pods/%C3%A9", "/api/v1/namespaces/a/pods/%C3%A9"},
      {"/api/v1/namespaces/a/pods/\xC3\xA9", "/api/v1/namespaces/a/pods/%C3%A9"},
      {"/api/v1/pods/a%3Fb", "/api/v1/pods/a%3Fb"},
      {"/api/v1/pods/a%20\"<>b", "/api/v1/pods/a%20%22%3C%3Eb"},
      {"/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node",
       "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node"},
      {"/api/v1/pods?limit=500", "/api/v1/pods?limit=500"},
      {"/api/v1/pods?&&limit=500&", "/api/v1/pods?limit=500"},
      {"/api/v1/pods?w%61tch", "/api/v1/pods?watch"},
      {"/api/v1/pods?watch=&watch=0", "/api/v1/pods?watch=&watch=0"},
      {"/api/v1/pods?labelSelector=a+in+(b,c)", "/api/v1/pods?labelSelector=a%20in%20%28b%2Cc%29"},
      {"/api/v1/pods?=x", "/api/v1/pods?=x"},
      {"/api/v1/namespaces/a/pods/b/exec?command=sh&command=-c&command=a%3Bb%0Ac%00%ff",
       "/api/v1/namespaces/a/pods/b/exec?command=sh&command=-c&command=a%3Bb%0Ac%00%FF"},
      // Only a proxy's tail keeps its own encoding.
      {"/api/v1/namespaces/a/services/b/proxy", "/api/v1/namespaces/a/services/b/proxy"},
      {"/api/v1/namespaces/a/services/b/proxy/", "/api/v1/namespaces/a/services/b/proxy/"},
      {"/api/v1/namespaces/a/services/https:b:443/proxy/x%2fy//z%41;v=1/?q=%2f",
       "/api/v1/namespaces/a/services/https:b:443/proxy/x%2fy//z%41;v=1/?q=%2F"},
      {"/api/v1/nodes/n/proxy/\"x\"/\xC3\xA9", "/api/v1/nodes/n/proxy/%22x%22/%C3%A9"},
      {"/api/v1/namespaces/proxy/pods/proxy", "/api/v1/namespaces/proxy/pods/proxy"},
  };
  for (const auto& [raw, expected] : kTable) EXPECT_EQ(Reserialised(raw), expected) << raw;
}

TEST(Target, TellsAProxyTailFromAName) {
  for (const std::string_view plain :
       {"/api/v1/namespaces/proxy", "/api/v1/namespaces/a/proxy", "/api/v1/pods/proxy",
        "/api/v1/namespaces/a/pods/proxy", "/proxy/x", "/apis/proxy/v1/x"}) {
    EXPECT_EQ(Target::Parse(plain).value().path(), plain);
  }
  EXPECT_FALSE(Target::Parse("/api/v1/namespaces/a/proxy//x"));
  const Target target = Target::Parse("/api/v1/namespaces/a/pods/b/proxy/m%41//").value();
  EXPECT_EQ(target.path(), "/api/v1/namespaces/a/pods/b/proxy");
  EXPECT_EQ(target.proxy_tail(), "/m%41//");
}

TEST(Target, ReadsQueriesLikeGo) {
  const Target target = Target::Parse("/x?a=1&a=2&b&c=+%2B&F=false&f=FaLsE&g=0&h=00&i=no").value();
  EXPECT_EQ(target.Query("a"), "1");
  EXPECT_EQ(target.Query("b"), "");
  EXPECT_EQ(target.Query("c"), " +");
  EXPECT_EQ(target.Query("none"), std::nullopt);
  for (const auto& [key, value] :
       std::initializer_list<std::pair<std::string_view, bool>>{{"a", true},
                                                                {"b", true},
                                                                {"F", false},
                                                                {"f", false},
                                                                {"g", false},
                                                                {"h", true},
                                                                {"i", true},
                                                                {"none", false}}) {
    EXPECT_EQ(target.QueryFlag(key), value) << key;
  }
}

}  // namespace
}  // namespace mk8s::kube

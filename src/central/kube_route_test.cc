// Which paths are Kubernetes requests, and what the cluster sees of them.
#include "central/kube_route.h"

#include "base/encoding.h"

namespace mk8s::central {
namespace {

TEST(KubeRoute, Paths) {
  struct Row {
    std::string target, cluster, command, prefix, kube;
  };
  const std::string words = Base64UrlEncode("kubectl get pods");
  const Row rows[] = {
      {"/clusters/dev/k8s/api/v1/pods?limit=500", "dev", "", "/clusters/dev/k8s",
       "/api/v1/pods?limit=500"},
      {"/clusters/dev/k8s", "dev", "", "/clusters/dev/k8s", "/"},
      {"/clusters/dev/k8s/", "dev", "", "/clusters/dev/k8s", "/"},
      {"/clusters/dev/k8s?timeout=32s", "dev", "", "/clusters/dev/k8s", "/?timeout=32s"},
      {"/clusters/dev/k8s//api", "dev", "", "/clusters/dev/k8s", "//api"},
      {"/clusters/dev/c/" + words + "/k8s/api", "dev", "kubectl get pods",
       "/clusters/dev/c/" + words + "/k8s", "/api"},
      {"/clusters/dev/c/" + Base64UrlEncode("a\x1b[2J") + "/k8s/api", "dev", "a\\x1b[2J",
       "/clusters/dev/c/" + Base64UrlEncode("a\x1b[2J") + "/k8s", "/api"},
      {"/clusters/c/k8s/version", "c", "", "/clusters/c/k8s", "/version"},
  };
  for (const Row& row : rows) {
    const auto route = ParseKubeRoute(row.target);
    ASSERT_TRUE(route.has_value() && route->has_value()) << row.target;
    EXPECT_EQ((*route)->cluster, row.cluster) << row.target;
    EXPECT_EQ((*route)->command, row.command) << row.target;
    EXPECT_EQ((*route)->prefix, row.prefix) << row.target;
    EXPECT_EQ((*route)->target, row.kube) << row.target;
  }
}

TEST(KubeRoute, OtherRoutesAreNot) {
  for (const char* target :
       {"/", "/clusters", "/clusters/", "/clusters/dev", "/clusters/dev/token",
        "/clusters/dev/k8sx/api", "/clusters/dev/K8S", "/clusters/dev/c/k8s"}) {
    EXPECT_FALSE(ParseKubeRoute(target).has_value()) << target;
  }
}

TEST(KubeRoute, MalformedOnesAreRefused) {
  for (const std::string& target :
       {std::string("/clusters//k8s/api"), std::string("/clusters/a%2fb/k8s/api"),
        std::string("/clusters/dev/c/%%/k8s/api"),
        "/clusters/dev/c/" + Base64UrlEncode(std::string(2000, 'x')) + "/k8s/api"}) {
    const auto route = ParseKubeRoute(target);
    ASSERT_TRUE(route.has_value()) << target;
    EXPECT_FALSE(route->has_value()) << target;
  }
}

TEST(ExecRoute, IsOnePath) {
  struct Case {
    std::string_view target;
    std::string cluster;  // empty: no exec route; "!": an error
  };
  const Case cases[] = {
      {"/clusters/dev/exec", "dev"},  {"/clusters/dev/exec?x=1", "dev"},
      {"/clusters/dev/exec/", ""},    {"/clusters/dev/exec/x", ""},
      {"/clusters/dev/execs", ""},    {"/clusters/dev", ""},
      {"/clusters/exec", ""},         {"/clusters//exec", "!"},
      {"/clusters/a%2Fb/exec", "!"},  {"/users/dev/exec", ""},
      {"/clusters/dev/k8s/exec", ""}, {"/clusters/dev/k8s?exec", ""},
  };
  for (const Case& c : cases) {
    const auto route = ParseExecRoute(c.target);
    EXPECT_EQ(!route ? "" : *route ? **route : "!", c.cluster) << c.target;
  }
}

}  // namespace
}  // namespace mk8s::central

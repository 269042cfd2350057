// Whether a resource belongs to namespaces, by the cluster's own word.
#include "kube/resource_list.h"

#include <gtest/gtest.h>

namespace mk8s::kube {
namespace {

TEST(ResourceList, LiesWhereTheRequestGoes) {
  const struct {
    const char* group;
    const char* version;
    std::optional<std::string> path;
  } kRows[] = {
      {"example.com", "v1beta1", "/apis/example.com/v1beta1"},
      {"", "v1", "/api/v1"},
      {"example.com", "", "/apis/example.com"},
      {"example.com", "*", "/apis/example.com"},
      {"", "", "/api/v1"},
      {"*", "", std::nullopt},
      {"../api/v1/secrets?x=", "v1", std::nullopt},
      {"..", "v1", std::nullopt},
      {"example.com", "v1/namespaces", std::nullopt},
      {"example.com", "..", std::nullopt},
      {"a%2fb", "", std::nullopt},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(DiscoveryPath({.api_group = row.group, .api_version = row.version}), row.path)
        << row.group << " " << row.version;
  }
}

TEST(ResourceList, SaysWhetherAResourceHasNamespaces) {
  constexpr std::string_view kList = R"({"kind":"APIResourceList","groupVersion":"example.com/v1",
    "resources":[{"name":"widgets","singularName":"widget","namespaced":true,"verbs":["list"]},
                 {"name":"widgets/status","namespaced":true},
                 {"name":"clusterwidgets","namespaced":false}]})";
  EXPECT_EQ(IsNamespaced(kList, "widgets").value(), true);
  EXPECT_EQ(IsNamespaced(kList, "clusterwidgets").value(), false);
  EXPECT_EQ(IsNamespaced(kList, "gadgets").value(), std::nullopt);
  for (const std::string_view bad :
       {"", "[]", "{}", R"({"resources":{}})", R"({"resources":[1]})", R"({"resources":[{}]})",
        R"({"resources":[{"name":"widgets"}]})",
        R"({"resources":[{"name":"widgets","namespaced":"yes"}]})", R"({"resources":[)"}) {
    EXPECT_FALSE(IsNamespaced(bad, "widgets")) << bad;
  }
}

TEST(ResourceList, AGroupSaysItsVersions) {
  EXPECT_EQ(VersionsOf(R"({"kind":"APIGroup","name":"example.com",
    "versions":[{"groupVersion":"example.com/v1","version":"v1"},{"version":"v1beta1"},
                {"version":"../v2"},{"version":7},5],
    "preferredVersion":{"groupVersion":"example.com/v1beta1","version":"v1beta1"}})")
                .value(),
            (std::vector<std::string>{"v1beta1", "v1"}));
  EXPECT_TRUE(VersionsOf(R"({"versions":[]})").value().empty());
  for (const std::string_view bad : {"", "[]", "{}", R"({"versions":{}})", "{"}) {
    EXPECT_FALSE(VersionsOf(bad)) << bad;
  }
}

}  // namespace
}  // namespace mk8s::kube

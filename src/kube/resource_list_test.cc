// Whether a resource belongs to namespaces, by the cluster's own word.
#include "kube/resource_list.h"

#include <gtest/gtest.h>

namespace mk8s::kube {
namespace {

TEST(ResourceList, LiesWhereTheRequestGoes) {
  Attributes attributes{.api_prefix = "apis", .api_group = "example.com", .api_version = "v1beta1"};
  EXPECT_EQ(ResourceListPath(attributes), "/apis/example.com/v1beta1");
  attributes = {.api_prefix = "api", .api_version = "v1"};
  EXPECT_EQ(ResourceListPath(attributes), "/api/v1");
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

}  // namespace
}  // namespace mk8s::kube

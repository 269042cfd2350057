// The private kubeconfig, the plugin's contexts, and the merge that keeps all else.
#include "cli/kubeconfig.h"

#include <boost/json.hpp>

#include "cli/documents.h"

namespace mk8s::cli {
namespace {

const ClusterAccess kProd{"mk8s-prod", "https://c/clusters/prod/k8s", "PEM", false};
const CredentialPlugin kPlugin{"/usr/bin/mk8s", "https://c", ""};

boost::json::value Parsed(std::string_view yaml) {
  const auto value = ParseYaml(yaml);
  EXPECT_TRUE(value) << yaml;
  return value ? *value : boost::json::value();
}

TEST(Kubeconfig, PrivateOneHoldsTheToken) {
  const boost::json::value config = Parsed(PrivateKubeconfig(kProd, Secret("secret-token")));
  EXPECT_EQ(config.at("current-context"), "mk8s-prod");
  EXPECT_EQ(config.at("users").at(0).at("user").at("token"), "secret-token");
  const auto& cluster = config.at("clusters").at(0).at("cluster");
  EXPECT_EQ(cluster.at("server"), "https://c/clusters/prod/k8s");
  EXPECT_EQ(cluster.at("certificate-authority-data"), "UEVN");
}

TEST(Kubeconfig, PluginContextsHoldNoSecret) {
  const boost::json::value config = Parsed(PluginKubeconfig({kProd}, kPlugin));
  const auto& exec = config.at("users").at(0).at("user").at("exec");
  EXPECT_EQ(exec.at("command"), "/usr/bin/mk8s");
  EXPECT_EQ(exec.at("apiVersion"), "client.authentication.k8s.io/v1beta1");
  EXPECT_EQ(exec.at("interactiveMode"), "Never");
  EXPECT_EQ(exec.at("args").as_array().size(), 3u);
}

TEST(Kubeconfig, MergeKeepsEverythingElse) {
  const std::string existing = R"(apiVersion: v1
kind: Config
current-context: minikube
clusters:
- name: minikube
  cluster: {server: "https://m:8443", certificate-authority: /m/ca.crt}
- {name: mk8s-prod, cluster: {server: old}}
contexts:
- name: minikube
  context: {cluster: minikube, user: minikube, namespace: "0123"}
users:
- name: minikube
  user: {password: "true", username: '12'}
preferences: {colors: true}
)";
  const auto merged = MergeKubeconfig(existing, {kProd}, kPlugin);
  ASSERT_TRUE(merged);
  const boost::json::value config = Parsed(*merged);
  EXPECT_EQ(config.at("current-context"), "minikube");
  EXPECT_EQ(config.at("clusters").as_array().size(), 2u);
  EXPECT_EQ(config.at("clusters").at(1).at("cluster").at("server").as_string(),
            std::string_view(kProd.server_url));
  EXPECT_EQ(config.at("contexts").at(0).at("context").at("namespace"), "0123");
  EXPECT_EQ(config.at("users").at(0).at("user").at("password"), "true");
  EXPECT_EQ(config.at("users").at(0).at("user").at("username"), "12");
  EXPECT_EQ(config.at("preferences").at("colors"), true);
  const auto again = MergeKubeconfig(*merged, {kProd}, kPlugin);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *merged) << "a second merge changes nothing";
}

TEST(Kubeconfig, MergeIntoNothing) {
  for (const std::string_view existing :
       {std::string_view(""), std::string_view("{}"),
        std::string_view("apiVersion: v1\nkind: Config\nclusters: null\nusers: []\n")}) {
    const auto merged = MergeKubeconfig(existing, {kProd}, kPlugin);
    ASSERT_TRUE(merged) << existing;
    EXPECT_EQ(Parsed(*merged).at("current-context"), "mk8s-prod");
  }
}

TEST(Kubeconfig, MergeRefusesWhatIsNone) {
  for (const std::string_view existing : {"- a", "just text", "clusters: 3", "a: [", "{a: b"}) {
    const auto merged = MergeKubeconfig(existing, {kProd}, kPlugin);
    ASSERT_FALSE(merged) << existing;
    EXPECT_EQ(merged.error().code, ErrorCode::kFailedPrecondition);
  }
}

}  // namespace
}  // namespace mk8s::cli

// Reading of kubectl's own arguments.
#include "cli/kubectl_arguments.h"

namespace mk8s::cli {
namespace {

using Words = std::vector<std::string>;

TEST(KubectlArguments, RefusesToChooseAnotherServer) {
  struct Case {
    Words arguments;
    bool refused;
  };
  const Case cases[] = {
      {{"get", "pods", "--context", "x"}, true},
      {{"get", "pods", "--context=x"}, true},
      {{"--kubeconfig", "/x", "get", "pods"}, true},
      {{"get", "pods", "-s", "https://x"}, true},
      {{"get", "pods", "--server=https://x"}, true},
      {{"get", "pods", "-Ashttps://x"}, true},
      {{"get", "pods", "--cluster", "x"}, true},
      {{"get", "pods", "--token=x"}, true},
      {{"get", "pods", "--insecure-skip-tls-verify"}, true},
      {{"get", "pods", "--as", "bob"}, false},
      {{"exec", "web", "--", "x", "--server", "y"}, false},
      {{"create", "clusterrolebinding", "b", "--clusterrole=view", "--user=bob"}, false},
      {{"config", "set-context", "--current", "--namespace=x"}, true},
      {{"config", "view", "--minify"}, false},
      {{"my-plugin", "--context", "x"}, false},
      {{"get", "pods", "--selector", "a=b"}, false},
  };
  for (const Case& c : cases) {
    const Result<void> result = CheckArguments(kube::ReadKubectlLine(c.arguments));
    EXPECT_EQ(!result.has_value(), c.refused) << testing::PrintToString(c.arguments);
    if (!result) {
      EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    }
  }
}

TEST(KubectlArguments, HintsAtTheProxysPath) {
  const auto hint = [](const Words& arguments) {
    return HintFor(kube::ReadKubectlLine(arguments));
  };
  EXPECT_NE(hint({"proxy", "--port=0"}), "");
  EXPECT_EQ(hint({"proxy", "--append-server-path"}), "");
  EXPECT_EQ(hint({"get", "pods"}), "");
}

}  // namespace
}  // namespace mk8s::cli

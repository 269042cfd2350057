// Reading of kubectl's own arguments.
#include "kube/kubectl_words.h"

#include <gtest/gtest.h>

namespace mk8s::kube {
namespace {

using Words = std::vector<std::string>;

TEST(KubectlWords, FindsPositionals) {
  EXPECT_EQ(Positionals({"-n", "kube-system", "get", "-o=yaml", "pods", "x"}),
            (Words{"get", "pods", "x"}));
  EXPECT_EQ(Positionals({"exec", "-it", "web", "--", "sh"}), (Words{"exec", "web"}));
  EXPECT_EQ(Positionals({"apply", "-f", "-"}), (Words{"apply"}));
  EXPECT_EQ(Positionals({}), Words{});
}

}  // namespace
}  // namespace mk8s::kube

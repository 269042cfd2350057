// Which of several kubectl is taken, by name and by the cluster's version.
#include "command/kubectl_choice.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace mk8s::command {
namespace {

namespace fs = std::filesystem;

class KubectlChoiceTest : public testing::Test {
 protected:
  KubectlChoiceTest() {
    std::string name = testing::TempDir() + "kubectlXXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~KubectlChoiceTest() override { fs::remove_all(folder_); }

  std::string Put(const std::string& name, bool executable = true) {
    const fs::path path = fs::path(folder_) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "#!/bin/sh\n";
    if (executable) fs::permissions(path, fs::perms::owner_all);
    return path;
  }
  std::string Chosen(int cluster_minor, std::string search_path = {}) {
    if (search_path.empty()) search_path = folder_;
    const auto chosen = ChooseKubectl({.path = {}, .search_path = search_path}, cluster_minor);
    return chosen ? fs::path(*chosen).filename().native() : "none";
  }

  std::string folder_;
};

TEST(KubernetesMinor, IsReadFromEveryDistributionsVersion) {
  EXPECT_EQ(KubernetesMinor("v1.31.4"), 31);
  EXPECT_EQ(KubernetesMinor("v1.31.4+k3s1"), 31);
  EXPECT_EQ(KubernetesMinor("1.9"), 9);
  for (const char* none : {"", "v", "v2.1.0", "v1.", "v1.x", "1.99999999999", "-1.2"}) {
    EXPECT_EQ(KubernetesMinor(none), 0) << none;
  }
}

TEST_F(KubectlChoiceTest, TakesTheOneNearestToTheCluster) {
  for (const char* name : {"kubectl-1.27", "kubectl-1.31", "kubectl-1.33"}) Put(name);
  const std::pair<int, const char*> table[] = {{20, "kubectl-1.27"}, {27, "kubectl-1.27"},
                                               {29, "kubectl-1.31"}, {32, "kubectl-1.33"},
                                               {36, "kubectl-1.33"}, {0, "kubectl-1.33"}};
  for (const auto& [cluster, expected] : table) EXPECT_EQ(Chosen(cluster), expected) << cluster;
}

TEST_F(KubectlChoiceTest, TakesAPlainOneBeforeOneThatIsTooFar) {
  Put("kubectl");
  EXPECT_EQ(Chosen(31), "kubectl");
  Put("kubectl-1.31");
  EXPECT_EQ(Chosen(31), "kubectl-1.31");
  EXPECT_EQ(Chosen(36), "kubectl");
}

TEST_F(KubectlChoiceTest, TakesOnlyProgramsThatAreNamedSo) {
  Put("kubectl-1.31", /*executable=*/false);
  for (const char* name : {"kubectl-foo", "kubectl-", "kubectl2", "mykubectl"}) Put(name);
  fs::create_directory(folder_ + "/kubectl-1.30");
  EXPECT_EQ(Chosen(31), "none");
}

TEST_F(KubectlChoiceTest, LooksWhereTheConfigurationSays) {
  const std::string program = Put("here/own-build");
  Put("there/kubectl");
  const std::string there = folder_ + "/there";
  EXPECT_EQ(*ChooseKubectl({.path = program, .search_path = there}, 31), program);
  EXPECT_EQ(*ChooseKubectl({.path = there, .search_path = {}}, 31), there + "/kubectl");
  const auto gone = ChooseKubectl({.path = folder_ + "/gone", .search_path = there}, 31);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(Chosen(31, "relative::" + there), "kubectl");
}

}  // namespace
}  // namespace mk8s::command

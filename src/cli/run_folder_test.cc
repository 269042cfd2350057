// The private folder of a run goes, whatever happened to the mk8s that made it.
#include "cli/run_folder.h"

#include "cli/test_support.h"

namespace mk8s::cli {
namespace {

namespace fs = std::filesystem;

class RunFolderTest : public testing::Test {
 protected:
  fs::path Make(const std::string& name, bool with_lock) {
    const fs::path path = folder.path() / name;
    fs::create_directories(path);
    std::ofstream(path / "kubeconfig") << "token";
    if (with_lock) std::ofstream(path / "lock") << "";
    return path;
  }
  TemporaryFolder folder;
};

TEST_F(RunFolderTest, IsPrivateAndGoesAway) {
  fs::path path;
  {
    const Result<RunFolder> run = RunFolder::Create(folder.path());
    ASSERT_TRUE(run);
    path = run->path();
    const Result<fs::path> file = run->WriteKubeconfig("token");
    ASSERT_TRUE(file);
    EXPECT_EQ(static_cast<int>(fs::status(path).permissions()), 0700);
    EXPECT_EQ(static_cast<int>(fs::status(*file).permissions()), 0600);
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(RunFolderTest, SweepTakesOnlyWhatNobodyHolds) {
  const fs::path dead = Make("1-dead", true);
  const fs::path young = Make("2-being-made", false);
  const fs::path old = Make("3-never-locked", false);
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::minutes(2));
  const Result<RunFolder> held = RunFolder::Create(folder.path());
  ASSERT_TRUE(held);
  const Result<RunFolder> other = RunFolder::Create(folder.path());
  ASSERT_TRUE(other);
  EXPECT_FALSE(fs::exists(dead));
  EXPECT_TRUE(fs::exists(young));
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(held->path())) << "another process's folder stays";
}

TEST_F(RunFolderTest, DiscoveryCacheIsSharedBetweenCommandLines) {
  const fs::path shared = folder.path() / "cache";
  const std::string url = "https://c.example.com:8080/clusters/prod/c/";
  for (const char* words : {"Zm9v-A", "YmFy_B"}) {
    const Result<RunFolder> run = RunFolder::Create(folder.path() / "run");
    ASSERT_TRUE(run);
    const auto cache = run->LinkDiscoveryCache(shared, url + words + "/k8s");
    ASSERT_TRUE(cache);
    std::string name = words;
    std::replace(name.begin(), name.end(), '-', '_');
    const fs::path seen =
        *cache / "discovery" / "c.example.com_8080" / "clusters" / "prod" / "c" / name / "k8s";
    if (words[0] == 'Z') {
      std::ofstream(seen / "servergroups.json") << "{}";
    } else {
      EXPECT_TRUE(fs::exists(seen / "servergroups.json"));
    }
  }
  EXPECT_TRUE(fs::exists(shared / "discovery" / "servergroups.json"));
  const Result<RunFolder> run = RunFolder::Create(folder.path() / "run");
  ASSERT_TRUE(run);
  EXPECT_FALSE(run->LinkDiscoveryCache(shared, url + std::string(300, 'x') + "/k8s"));
}

}  // namespace
}  // namespace mk8s::cli

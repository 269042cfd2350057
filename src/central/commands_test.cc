// The command line of mk8s-central beside a server: exit codes and what is printed where.
#include "central/commands.h"

#include <filesystem>

#include "store/store.h"

namespace mk8s::central {
namespace {

class CommandsTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/mk8s-commands-XXXXXX";
    folder_ = ::mkdtemp(name);
    ::setenv("MK8S_AUTH_BCRYPT_COST", "4", 1);
  }
  void TearDown() override {
    ::unsetenv("MK8S_AUTH_BCRYPT_COST");
    std::filesystem::remove_all(folder_);
  }

  int Run(std::vector<std::string> words) {
    words.insert(words.begin(), "mk8s-central");
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = RunCommandLine(static_cast<int>(argv.size()), argv.data());
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return code;
  }
  int RunDev(std::vector<std::string> words) {
    for (const std::string& word : {std::string("--dev"), std::string("--data-dir"), folder_}) {
      words.push_back(word);
    }
    return Run(std::move(words));
  }

  std::string folder_, out_, err_;
};

TEST_F(CommandsTest, UsageErrorsAreTwo) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                {"nonsense"},
                                                {"user"},
                                                {"user", "create", "--dev"},
                                                {"serve", "--dev", "--config", "/x"},
                                                {"config", "check", "--colour"}}) {
    EXPECT_EQ(Run(words), 2) << err_;
  }
  EXPECT_EQ(Run({"--help"}), 0);
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_EQ(out_, "mk8s-central " MK8S_VERSION "\n");
}

TEST_F(CommandsTest, CreatesUsersBeforeAnyServerStarted) {
  EXPECT_EQ(RunDev({"user", "create", "--email", "Boss@example.com", "--role", "admin"}), 0)
      << err_;
  EXPECT_NE(err_.find("boss@example.com"), std::string::npos);
  EXPECT_EQ(out_.find("Created"), std::string::npos) << "standard output holds the password alone";
  EXPECT_GT(out_.size(), 20u);
  EXPECT_EQ(RunDev({"user", "create", "--email", "boss@example.com"}), 1);
  EXPECT_NE(err_.find("already"), std::string::npos) << err_;
  EXPECT_NE(RunDev({"user", "create", "--email", "x@example.com", "--role", "nope"}), 0);
  EXPECT_NE(err_.find("nope"), std::string::npos) << err_;

  const auto store = store::OpenStore("sqlite", Secret(folder_ + "/mk8s.db"), 1);
  ASSERT_TRUE(store);
  const auto user = (*store)->FindUser("boss@example.com");
  ASSERT_TRUE(user);
  EXPECT_TRUE(user->password_change_required);
  EXPECT_EQ(user->roles, std::vector<std::string>{"admin"});
}

TEST_F(CommandsTest, MigrateAndCheckAreSafeTwice) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(RunDev({"migrate"}), 0) << err_;
    EXPECT_EQ(out_, "The database is at schema version 1.\n");
    EXPECT_EQ(RunDev({"config", "check"}), 0) << err_;
    EXPECT_NE(out_.find("http_port"), std::string::npos);
  }
  EXPECT_NE(Run({"config", "check", "--config", folder_ + "/missing.yaml"}), 0);
  EXPECT_NE(err_.find("missing.yaml"), std::string::npos) << err_;
}

}  // namespace
}  // namespace mk8s::central

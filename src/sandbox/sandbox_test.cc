// The sandbox at each level, with the system's shell in kubectl's place: what it reaches and what
// it does not.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "sandbox/entry_for_test.h"
#include "sandbox/launch.h"

namespace mk8s::sandbox {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Outcome {
  std::string output;
  std::string failure;
  int exit_code = -1;
  bool listening = false;
};

class SandboxTest : public testing::TestWithParam<Level> {
 protected:
  SandboxTest() {
    std::string name = testing::TempDir() + "sandboxXXXXXX";
    folder_ = mkdtemp(name.data());
    chmod(folder_.c_str(), 0755);
  }
  ~SandboxTest() override { std::filesystem::remove_all(folder_); }

  // `sh get`: the shell runs the file "get" of its working folder.
  Outcome Run(const std::string& script) {
    Plan plan{.level = GetParam(), .parent = getpid(), .program = "/bin/sh"};
    plan.folder = folder_ + "/own";
    std::filesystem::create_directory(plan.folder);
    plan.kubeconfig = "kind: Config\n";
    plan.arguments = {"get", "pods"};
    plan.files = {{"get", script}, {"deep/er/file", "deep"}};
    std::array<int, 2> pipe{};
    EXPECT_EQ(pipe2(pipe.data(), O_CLOEXEC), 0);
    OwnedFd read_end(pipe[0]), write_end(pipe[1]), null(open("/dev/null", O_RDWR | O_CLOEXEC));
    auto started = Start(plan, {null.get(), write_end.get(), write_end.get()});
    EXPECT_TRUE(started);
    write_end.Close();
    Outcome outcome;
    std::array<char, 4096> buffer;
    for (ssize_t got = 0; (got = read(read_end.get(), buffer.data(), buffer.size())) > 0;) {
      outcome.output.append(buffer.data(), static_cast<std::size_t>(got));
    }
    Message message;
    pollfd wait{started->control.get(), POLLIN, 0};
    while (poll(&wait, 1, 20'000) > 0) {
      if (ReadMessage(started->control.get(), message) == ReadStatus::kEnd) break;
      if (message.kind == Answer::kListening) outcome.listening = bool(message.listening);
      if (message.kind == Answer::kFailed) outcome.failure = message.why;
      if (message.kind == Answer::kEnded) outcome.exit_code = message.exit_code;
    }
    Kill(started->pid);
    Reap(started->pid);
    std::filesystem::remove_all(plan.folder);
    EXPECT_EQ(outcome.failure, "");
    return outcome;
  }

  std::string folder_;
};

TEST_P(SandboxTest, RunsTheProgramInItsFolder) {
  const Outcome outcome = Run("read x < deep/er/file; echo \"$x $HOME [$PATH] $#\"; exit 7");
  EXPECT_THAT(outcome.output, HasSubstr("deep "));
  EXPECT_THAT(outcome.output, HasSubstr("/home [] 1"));
  EXPECT_EQ(outcome.exit_code, 7);
  EXPECT_EQ(outcome.listening, HasNamespaces(GetParam()));
}

TEST_P(SandboxTest, HasAnEmptyEnvironment) {
  setenv("AGENT_TOKEN", "very-secret", 1);
  EXPECT_THAT(Run("export -p").output, Not(HasSubstr("secret")));
}

TEST_P(SandboxTest, ReadsNoFileOfTheAgents) {
  std::ofstream(folder_ + "/token") << "very-secret\n";
  const Outcome outcome = Run("read x < " + folder_ + "/token; echo \"got $x\"; " +
                              "read y < /etc/passwd; echo \"got $y\"; " +
                              "read z < /proc/self/environ; echo \"got $z\"");
  if (GetParam() == Level::kProcess) {
    EXPECT_THAT(outcome.output, HasSubstr("very-secret")) << "docs/security.md says so";
  } else {
    EXPECT_THAT(outcome.output, Not(HasSubstr("very-secret")));
    EXPECT_THAT(outcome.output, Not(HasSubstr("root:")));
  }
}

TEST_P(SandboxTest, RunsNoOtherProgram) {
  const Outcome outcome = Run("(echo forked); exec /bin/sh -c 'echo run'");
  EXPECT_THAT(outcome.output, Not(HasSubstr("forked")));
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_THAT(Run("exec /bin/sh -c 'echo run'").output, Not(HasSubstr("run\n")));
}

TEST_P(SandboxTest, SignalsNobody) {
  EXPECT_THAT(Run("kill -9 " + std::to_string(getpid()) + " && echo sent").output,
              Not(HasSubstr("sent\n")));
}

TEST_P(SandboxTest, FillsNoMoreThanItsFolder) {
  const Outcome outcome = Run("echo x > /scratch-or-not; echo y > out && echo wrote; ulimit -f");
  EXPECT_THAT(outcome.output, HasSubstr("wrote"));
  EXPECT_FALSE(std::filesystem::exists("/scratch-or-not") && GetParam() != Level::kProcess);
  std::filesystem::remove("/scratch-or-not");
}

TEST_P(SandboxTest, DiesWhenKilled) {
  Plan plan{.level = GetParam(), .parent = getpid(), .program = "/bin/sh"};
  plan.folder = folder_ + "/own";
  std::filesystem::create_directory(plan.folder);
  plan.arguments = {"get"};
  plan.files = {{"get", "while true; do :; done"}};
  std::array<int, 2> pipe{};
  ASSERT_EQ(pipe2(pipe.data(), O_CLOEXEC), 0);
  OwnedFd read_end(pipe[0]), write_end(pipe[1]), null(open("/dev/null", O_RDWR | O_CLOEXEC));
  auto started = Start(plan, {null.get(), write_end.get(), write_end.get()});
  ASSERT_TRUE(started);
  write_end.Close();
  usleep(200'000);
  Kill(started->pid);
  Reap(started->pid);
  pollfd wait{read_end.get(), POLLIN, 0};
  EXPECT_EQ(poll(&wait, 1, 20'000), 1);
  EXPECT_NE(wait.revents & POLLHUP, 0) << "no process holds the output any more";
}

std::vector<Level> LevelsHere() {
  std::string why_not;
  const Level best = Probe(why_not);
  std::vector<Level> levels;
  for (const Level level : {Level::kProcess, Level::kLandlock, Level::kUser, Level::kFull}) {
    if (level <= best) levels.push_back(level);
  }
  return levels;
}

// Without a probe at start of the program: its own sandboxes come through here too.
INSTANTIATE_TEST_SUITE_P(Levels, SandboxTest, testing::ValuesIn(LevelsHere()),
                         [](const auto& level) { return std::string(Name(level.param)); });

// Else the tests above would try the weaker levels alone and nobody would know.
TEST(SandboxProbe, FindsNamespacesWhereTheKernelGivesThem) {
  const pid_t child = fork();
  if (child == 0) _exit(unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET) == 0 ? 0 : 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (status != 0) GTEST_SKIP() << "this user may make no namespaces";
  std::string why_not;
  EXPECT_EQ(Name(Probe(why_not)), "full") << why_not;
}

TEST(SandboxPlan, ComesBackWhole) {
  const Plan plan{.level = Level::kUser,
                  .terminal = true,
                  .slot = 3,
                  .port = 17,
                  .program = "/k",
                  .arguments = {"a", "", std::string("b\0c", 3)},
                  .files = {{"x", "y"}}};
  const auto back = ParsePlan(Serialize(plan));
  ASSERT_TRUE(back);
  EXPECT_EQ(Serialize(*back), Serialize(plan));
  for (std::size_t size = 0; size < Serialize(plan).size(); ++size) {
    EXPECT_FALSE(ParsePlan(Serialize(plan).substr(0, size))) << size;
  }
}

TEST(SandboxPlan, KnowsWhichPathsStayInside) {
  for (const char* path : {"a", "a/b.yaml", "..a/b", "a b"}) EXPECT_TRUE(IsFilePath(path)) << path;
  for (const char* path : {"", "/", "/a", "a/", "a//b", "..", "a/../b", "./a", "a/."}) {
    EXPECT_FALSE(IsFilePath(path)) << path;
  }
}

}  // namespace
}  // namespace mk8s::sandbox

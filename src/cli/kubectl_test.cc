// `mk8s kubectl` around a kubectl that is a shell script: what it is given, and what comes back.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/encoding.h"
#include "cli/child_process.h"
#include "cli/test_support.h"

namespace mk8s::cli {
namespace {

namespace fs = std::filesystem;

class KubectlTest : public CliTest {
 protected:
  KubectlTest() {
    central.Answer("GET /clusters", 200,
                   R"({"clusters":[{"id":"1","name":"prod","status":"connected"},
                                   {"id":"2","name":"staging","status":"connected"}]})");
  }

  void KubectlIs(const std::string& script) {
    const fs::path file = folder.path() / "kubectl";
    std::ofstream(file) << "#!/bin/sh\n" << script << "\n";
    fs::permissions(file, fs::perms::owner_all);
    environment.Set("MK8S_KUBECTL", file.string());
    environment.Set("PATH", "/usr/bin:/bin");
    environment.Set("OUT", (folder.path() / "out").string());
  }

  std::string Seen() { return ReadFile(folder.path() / "out").value_or("(nothing)"); }
  bool RunFoldersAreGone() {
    const fs::path run = HomeFolder() / "run";
    return !fs::exists(run) || fs::is_empty(run);
  }
};

TEST_F(KubectlTest, GivesAPrivateKubeconfigThatIsGoneAfterwards) {
  LogIn(std::chrono::hours(1), "prod");
  KubectlIs(R"(stat -c %a "$KUBECONFIG" >"$OUT"; echo "$@" >>"$OUT"; cat "$KUBECONFIG" >>"$OUT")");
  EXPECT_EQ(Run({"kubectl", "get", "pods", "-n", "x"}), 0) << Messages();
  const std::string words = Base64UrlEncode("kubectl get pods -n x");
  EXPECT_THAT(Seen(), testing::StartsWith("600\nget pods -n x\n"));
  EXPECT_THAT(Seen(),
              testing::HasSubstr("https://mk8s.example.com/clusters/prod/c/" + words + "/k8s\""));
  EXPECT_THAT(Seen(), testing::HasSubstr("token-1"));
  EXPECT_TRUE(RunFoldersAreGone());
  EXPECT_EQ(central.Lines(), std::vector<std::string>{"GET /clusters"}) << "the first time only";
  EXPECT_EQ(Run({"k", "--cluster", "staging", "get", "pods"}), 0);
  EXPECT_THAT(Seen(), testing::HasSubstr("/clusters/staging/c/"));
  EXPECT_EQ(central.exchanges().size(), 1u) << "a fresh token and a known cluster: no network";
}

TEST_F(KubectlTest, ReturnsItsExitCode) {
  LogIn(std::chrono::hours(1), "prod");
  for (const int code : {0, 1, 3, 77}) {
    KubectlIs("exit " + std::to_string(code));
    EXPECT_EQ(Run({"kubectl", "get", "pods"}), code);
  }
  KubectlIs("kill -TERM $$");
  EXPECT_EQ(Run({"kubectl", "get", "pods"}), 128 + SIGTERM);
  EXPECT_EQ(raised_signal, SIGTERM);
  EXPECT_TRUE(RunFoldersAreGone());
}

TEST_F(KubectlTest, RefusesBeforeKubectlStarts) {
  KubectlIs("echo ran >\"$OUT\"");
  EXPECT_EQ(Run({"kubectl", "get", "pods"}), 4);
  EXPECT_THAT(Messages(), testing::HasSubstr("mk8s login"));
  LogIn();
  EXPECT_EQ(Run({"kubectl", "get", "pods"}), 1);
  EXPECT_THAT(Messages(), testing::HasSubstr("no cluster is chosen"));
  EXPECT_EQ(Run({"kubectl", "--cluster", "prd", "get", "pods"}), 1);
  EXPECT_THAT(Messages(), testing::HasSubstr("did you mean \"prod\"?"));
  EXPECT_EQ(Run({"kubectl", "get", "pods", "--context=x"}), 2);
  EXPECT_EQ(Seen(), "(nothing)");
}

TEST_F(KubectlTest, SaysThatAClusterIsOfflineWhereKubectlCannot) {
  LogIn(std::chrono::hours(1), "prod");
  KubectlIs("exit 1");
  EXPECT_EQ(Run({"kubectl", "get", "pods"}), 1);
  EXPECT_EQ(Messages(), "") << "connected: kubectl has said what there is to say";
  central = FakeCentral();
  central.Answer("GET /clusters", 200,
                 R"({"clusters":[{"id":"1","name":"prod","status":"disconnected",
                                  "last_seen":"2026-11-24T09:00:00Z"}]})");
  EXPECT_EQ(Run({"kubectl", "get", "pods"}), 1);
  EXPECT_EQ(Messages(),
            "error: the cluster prod cannot be reached: its agent is not connected, last seen "
            "1h ago\n  next: mk8s clusters list\n");
  KubectlIs(
      R"(for d in "$KUBECACHEDIR"/discovery/*/clusters/prod/c/*/k8s; do
           >"$d/servergroups.json"
         done; exit 1)");
  EXPECT_EQ(Run({"kubectl", "get", "pods"}), 1);
  EXPECT_EQ(Messages(), "");
}

TEST_F(KubectlTest, HelpNeedsNoLogin) {
  KubectlIs("echo \"$@\" >\"$OUT\"");
  EXPECT_EQ(Run({"kubectl", "get", "--help"}), 0) << Messages();
  EXPECT_EQ(Seen(), "get --help\n");
}

TEST_F(KubectlTest, AMissingKubectlRunsBesideTheAgent) {
  LogIn(std::chrono::hours(1), "prod");
  EXPECT_EQ(Run({"kubectl", "get", "pods"}), 1);
  EXPECT_THAT(Messages(), testing::HasSubstr("https://kubernetes.io/docs/tasks/tools/"));
  EXPECT_EQ(central.Lines().back(), "GET /clusters/prod/exec");
  environment.Set("MK8S_KUBECTL", "/nonexistent/kubectl");
  EXPECT_EQ(Run({"kubectl", "get", "pods"}), 1);
  EXPECT_THAT(Messages(), testing::HasSubstr("MK8S_KUBECTL names /nonexistent/kubectl"));
}

TEST_F(KubectlTest, UsesItsOwnVariablesWhereTheUserSetThem) {
  LogIn(std::chrono::hours(1), "prod");
  KubectlIs("echo \"$KUBECACHEDIR\" >\"$OUT\"");
  EXPECT_EQ(Run({"kubectl", "get", "pods"}), 0);
  EXPECT_THAT(Seen(), testing::HasSubstr("/run/"));
  environment.Set("KUBECACHEDIR", "/mine");
  EXPECT_EQ(Run({"kubectl", "get", "pods"}), 0);
  EXPECT_EQ(Seen(), "/mine\n");
}

// In a process of its own: signals sent to mk8s reach kubectl, and the run folder goes all the
// same.
TEST_F(KubectlTest, PassesSignalsOn) {
  LogIn(std::chrono::hours(1), "prod");
  ASSERT_EQ(Run({"clusters", "list"}), 0);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1}) {
    KubectlIs(
        "trap 'echo got >>\"$OUT\"; exit 9' INT TERM HUP QUIT USR1\n"
        "echo ready >\"$OUT\"\n"
        "while :; do sleep 0.05; done");
    const pid_t child = fork();
    if (child == 0) _exit(Run({"kubectl", "get", "pods"}));
    for (int tries = 0; Seen() != "ready\n" && tries < 500; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_EQ(Seen(), "ready\n");
    kill(child, number);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status)) << "mk8s itself must not die of signal " << number;
    EXPECT_EQ(WEXITSTATUS(status), 9);
    EXPECT_EQ(Seen(), "ready\ngot\n");
    EXPECT_TRUE(RunFoldersAreGone());
    fs::remove(folder.path() / "out");
  }
}

TEST_F(KubectlTest, FindsKubectlInPathButNotItself) {
  const fs::path first = folder.path() / "first", second = folder.path() / "second";
  fs::create_directories(first);
  fs::create_directories(second);
  fs::create_symlink("/proc/self/exe", first / "kubectl");
  std::ofstream(second / "kubectl") << "#!/bin/sh\n";
  fs::permissions(second / "kubectl", fs::perms::owner_all);
  environment.Set("PATH", first.string() + "::" + second.string());
  const Result<fs::path> found = FindKubectl(environment);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, second / "kubectl");
}

}  // namespace
}  // namespace mk8s::cli

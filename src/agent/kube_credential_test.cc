// Credentials of every kind, and plugins that are shell scripts, held to when they are fetched
// again.
#include "agent/kube_credential.h"

#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "agent/exec_plugin.h"

namespace mk8s::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const WallTime kNow = WallTime(1'790'000'000s);

// A plugin that is a shell script; each run adds a line to its log.
class Script {
 public:
  explicit Script(const std::string& body) {
    std::string name = testing::TempDir() + "pluginXXXXXX";
    folder_ = mkdtemp(name.data());
    std::ofstream(path()) << "#!/bin/sh\necho run >>" << folder_ << "/log\n" << body << "\n";
    chmod(path().c_str(), 0700);
  }
  ~Script() { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/plugin"; }
  int runs() const {
    std::ifstream log(folder_ + "/log");
    return static_cast<int>(std::count(std::istreambuf_iterator<char>(log), {}, '\n'));
  }
  ClusterAccess Access() const {
    ClusterAccess access;
    access.host = access.server_name = "api.example";
    access.port = 6443;
    access.exec = ExecPlugin{.api_version = "client.authentication.k8s.io/v1", .command = path()};
    return access;
  }

 private:
  std::string folder_;
};

std::string Printing(const std::string& status) {
  return "cat <<'END'\n{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":"
         "\"ExecCredential\",\"status\":" +
         status + "}\nEND";
}

TEST(KubeCredential, KeepsStaticOnes) {
  const ManualClock clock(kNow);
  ClusterAccess access;
  access.token = Secret("abc");
  KubeCredentialSource source(access, clock);
  EXPECT_EQ(source.Current()->bearer.Reveal(), "abc");
  EXPECT_FALSE(*source.Refresh(true));
  EXPECT_EQ(source.Current()->bearer.Reveal(), "abc");
  EXPECT_FALSE(source.RefreshIn());
}

TEST(KubeCredential, ReadsTheTokenFileAgain) {
  const ManualClock clock(kNow);
  const std::string file = testing::TempDir() + "token" + std::to_string(getpid());
  std::ofstream(file) << "first\n";
  ClusterAccess access;
  access.token = Secret("not this");
  access.token_file = file;
  KubeCredentialSource source(access, clock);
  EXPECT_TRUE(source.Refresh(false));
  EXPECT_EQ(source.Current()->bearer.Reveal(), "first");
  EXPECT_EQ(source.RefreshIn(), 60s);
  std::ofstream(file) << "second";
  EXPECT_TRUE(source.Refresh(false));
  EXPECT_EQ(source.Current()->bearer.Reveal(), "second");
  std::ofstream(file) << "";
  EXPECT_THAT(source.Refresh(false).error().message, HasSubstr("is empty"));
  std::filesystem::remove(file);
  EXPECT_THAT(source.Refresh(false).error().message, HasSubstr(file));
  EXPECT_EQ(source.Current()->bearer.Reveal(), "second") << "the last good one stays";
}

TEST(KubeCredential, RunsThePluginOnlyWhenNeeded) {
  ManualClock clock(kNow);
  const Script script(
      Printing(R"({"token":"t","expirationTimestamp":")" + FormatTime(kNow + 10min) + "\"}"));
  KubeCredentialSource source(script.Access(), clock);
  ASSERT_TRUE(source.Refresh(false));
  EXPECT_EQ(source.Current()->bearer.Reveal(), "t");
  EXPECT_EQ(source.RefreshIn(), 9min);
  EXPECT_TRUE(source.Refresh(false));
  EXPECT_EQ(script.runs(), 1);
  EXPECT_TRUE(source.Refresh(true));
  EXPECT_EQ(script.runs(), 2) << "refused by the API server";
  clock.Advance(9min - 1ms);
  EXPECT_TRUE(source.Refresh(false));
  EXPECT_EQ(script.runs(), 2);
  clock.Advance(1ms);
  EXPECT_TRUE(source.Refresh(false));
  EXPECT_EQ(script.runs(), 3) << "near its end";
  EXPECT_EQ(source.RefreshIn(), 5s);
}

TEST(KubeCredential, TellsOfAnotherCertificate) {
  const ManualClock clock(kNow);
  const Script script(Printing(R"({"clientCertificateData":"C","clientKeyData":"K"})"));
  KubeCredentialSource source(script.Access(), clock);
  EXPECT_TRUE(*source.Refresh(false));
  EXPECT_EQ(source.Current()->identity.chain_pem, "C");
  EXPECT_FALSE(*source.Refresh(true)) << "the same again";
  EXPECT_FALSE(source.RefreshIn()) << "no end given";
}

TEST(ExecPlugin, GetsItsEnvironmentAndArguments) {
  const Script script(R"sh(info=$(echo "$KUBERNETES_EXEC_INFO" | tr -d '"{}')
printf '{"kind":"ExecCredential","status":{"token":"%s %s %s"}}' "$1" "$N" "$info")sh");
  ClusterAccess access = script.Access();
  access.exec->args = {"arg"};
  access.exec->env = {{"N", "value"}, {"PATH", "/bin:/usr/bin"}};
  const auto credential = RunExecPlugin(access, 10s);
  ASSERT_TRUE(credential) << credential.error().message;
  EXPECT_EQ(credential->bearer.Reveal(),
            "arg value apiVersion:client.authentication.k8s.io/v1,kind:ExecCredential,"
            "spec:interactive:false");
  access.exec->provide_cluster_info = true;
  access.ca_pem = "CA";
  EXPECT_THAT(ExecInfo(access), HasSubstr(R"("server":"https://api.example:6443")"));
  EXPECT_THAT(ExecInfo(access), HasSubstr(R"("certificate-authority-data":"Q0E=")"));
}

TEST(ExecPlugin, FailsWithTheReason) {
  const struct {
    const char* what;
    std::string body;
    const char* message;
  } cases[] = {
      {"exit code", "echo not today >&2; exit 3", "exit code 3: not today"},
      {"signal", "kill -9 $$", "signal 9"},
      {"no output", "true", "not JSON"},
      {"no JSON", "echo hello", "not JSON"},
      {"another kind", R"(echo '{"kind":"Pod","status":{"token":"t"}}')", "no status"},
      {"no status", R"(echo '{"kind":"ExecCredential"}')", "no status"},
      {"nothing in it", Printing("{}"), "neither token nor certificate"},
      {"a certificate alone", Printing(R"({"clientCertificateData":"C"})"), "without its key"},
      {"a strange time", Printing(R"({"token":"t","expirationTimestamp":"soon"})"),
       "is not a time"},
  };
  for (const auto& c : cases) {
    const Script script(c.body);
    ClusterAccess access = script.Access();
    access.exec->install_hint = "install it";
    const auto credential = RunExecPlugin(access, 10s);
    ASSERT_FALSE(credential) << c.what;
    EXPECT_EQ(credential.error().code, ErrorCode::kFailedPrecondition) << c.what;
    EXPECT_THAT(credential.error().message, HasSubstr(c.message)) << c.what;
    EXPECT_THAT(credential.error().message, HasSubstr("install it")) << c.what;
  }
  ClusterAccess access;
  access.exec = ExecPlugin{.command = "no-such-plugin-anywhere"};
  EXPECT_THAT(RunExecPlugin(access, 1s).error().message, HasSubstr("cannot run: No such file"));
}

TEST(ExecPlugin, IsKilledAtItsDeadline) {
  for (const char* body : {"sleep 30", "exec >&- 2>&-; sleep 30", "sleep 30 & wait"}) {
    const Script script(body);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(RunExecPlugin(script.Access(), 300ms).error().code, ErrorCode::kDeadlineExceeded);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 10s) << body;
  }
}

}  // namespace
}  // namespace mk8s::agent

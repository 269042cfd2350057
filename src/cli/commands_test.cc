// The commands on a central of canned answers: tables and documents against golden files, errors
// with their next step.
#include "cli/commands.h"

#include "cli/test_support.h"

namespace mk8s::cli {
namespace {

using testing::HasSubstr;

constexpr const char* kClusters = R"({"clusters":[
  {"id":"7d0c","name":"prod","status":"connected","last_seen":"2026-11-24T09:59:56Z",
   "metadata":{"kubernetes_version":"v1.36.3","node_count":3,"agent_version":"0.1.0",
               "platform":"linux/amd64","sandbox":"namespaces"}},
  {"id":"8e1d","name":"staging","status":"disconnected","last_seen":"2026-11-24T07:00:00Z",
   "metadata":{"kubernetes_version":"v1.35.0","node_count":1,"agent_version":"0.1.0",
               "platform":"linux/arm64"}},
  {"id":"9f2e","name":"new","status":"pending","last_seen":null,"metadata":{}}]})";
constexpr const char* kUsers = R"({"users":[
  {"id":"u1","email":"admin@example.com","roles":["admin"],"disabled":false,"locked":false,
   "created_at":"2026-11-01T08:00:00Z","last_login":"2026-11-24T09:00:00Z"},
  {"id":"u2","email":"dev@example.com","roles":["developer","viewer"],"disabled":false,
   "locked":true,"created_at":"2026-11-02T08:00:00Z","last_login":null}]})";
constexpr const char* kRoles = R"({"roles":[
  {"name":"admin","admin":true,"clusters":[{"name":"*","namespaces":["*"],
   "verbs":["*"],"resources":["*"]}]},
  {"name":"developer","admin":false,"clusters":[{"name":"dev-*","namespaces":["*"],
   "verbs":["get","list","logs","exec"],"resources":["pods","services","deployments"]}]}]})";
constexpr const char* kAudit = R"({"events":[
  {"id":"0193-3","time":"2026-11-24T09:59:03.500Z","user":"dev@example.com","cluster":"prod",
   "command":"kubectl delete ns x","status":"denied","duration_ms":1,"request_id":"0193-3",
   "verb":"delete","resource":"namespaces","name":"x","http_status":403,"source_ip":"10.0.0.7",
   "reason":"no role grants delete on namespaces"},
  {"id":"0193-2","time":"2026-11-24T09:59:02Z","user":"dev@example.com","cluster":"prod",
   "command":"kubectl logs -f web","status":"started","duration_ms":0,"verb":"get",
   "resource":"pods","subresource":"log","namespace":"default","name":"web","http_status":0},
  {"id":"0193-1","time":"2026-11-24T09:59:01Z","user":"dev@example.com","cluster":"prod",
   "command":"kubectl get pods","status":"allowed","duration_ms":12,"verb":"list",
   "resource":"pods","namespace":"default","http_status":200}],"next_cursor":""})";

class CommandsTest : public CliTest {
 protected:
  CommandsTest() {
    LogIn(std::chrono::hours(1), "prod");
    central.Answer("GET /clusters", 200, kClusters);
    central.Answer("GET /users", 200, kUsers);
    central.Answer("GET /roles", 200, kRoles);
    central.Answer("GET /audit?limit=50", 200, kAudit);
  }
};

TEST_F(CommandsTest, ReadsInEveryFormat) {
  const std::pair<std::vector<std::string>, std::string> reads[] = {
      {{"clusters", "list"}, "clusters"},
      {{"users", "list"}, "users"},
      {{"roles", "list"}, "roles"},
      {{"audit", "list"}, "audit"},
  };
  for (const auto& [words, name] : reads) {
    for (const std::string format : {"table", "wide", "name", "json", "yaml"}) {
      std::vector<std::string> line = words;
      line.insert(line.end(), {"-o", format});
      EXPECT_EQ(Run(line), 0) << Messages();
      ExpectGolden(name + "." + format + ".txt", Output());
    }
  }
  EXPECT_EQ(Run({"clusters", "list", "--no-headers", "-o=name"}), 0);
  EXPECT_EQ(Output(), "prod\nstaging\nnew\n");
}

TEST_F(CommandsTest, ColourOnlyOnATerminalOrByForce) {
  EXPECT_EQ(Run({"clusters", "list"}), 0);
  EXPECT_THAT(Output(), testing::Not(HasSubstr("\x1b[")));
  terminal.out = true;
  EXPECT_EQ(Run({"clusters", "list"}), 0);
  EXPECT_THAT(Output(), HasSubstr("\x1b[32mconnected\x1b[0m"));
  environment.Set("NO_COLOR", "1");
  EXPECT_EQ(Run({"clusters", "list"}), 0);
  EXPECT_THAT(Output(), testing::Not(HasSubstr("\x1b[")));
  environment.Set("NO_COLOR", "");
  environment.Set("CLICOLOR_FORCE", "1");
  terminal.out = false;
  EXPECT_EQ(Run({"clusters", "list"}), 0);
  EXPECT_THAT(Output(), HasSubstr("\x1b["));
}

TEST_F(CommandsTest, UseAndBack) {
  EXPECT_EQ(Run({"clusters", "use", "staging"}), 0);
  EXPECT_THAT(Messages(), HasSubstr("warning: its agent is not connected, last seen 3h ago"));
  EXPECT_EQ(Run({"clusters", "use", "-"}), 0);
  EXPECT_EQ(Messages(), "Your cluster is now prod.\n");
  EXPECT_EQ(Run({"clusters", "use", "-"}), 0);
  EXPECT_THAT(Messages(), HasSubstr("now staging"));
  EXPECT_EQ(Run({"clusters", "use", "stagin"}), 1);
  EXPECT_EQ(Messages(),
            "error: there is no cluster \"stagin\"; did you mean \"staging\"?\n"
            "  next: mk8s clusters list\n");
  EXPECT_EQ(Run({"clusters", "use"}), 2) << "no terminal";
  terminal = {true, true, true};
  environment.Set("NO_COLOR", "1");
  prompt.answers = {"new"};
  EXPECT_EQ(Run({"clusters", "use"}), 0);
  EXPECT_THAT(Messages(), HasSubstr("now new"));
}

TEST_F(CommandsTest, AddPrintsTheTokenAlone) {
  central.Answer("POST /clusters", 201,
                 R"({"id":"1","name":"edge","agent_token":"mk8s_agent_abc"})");
  EXPECT_EQ(Run({"clusters", "add", "edge"}), 0);
  EXPECT_EQ(Output(), "mk8s_agent_abc\n");
  const std::string messages = Messages();
  EXPECT_EQ(Run({"clusters", "add", "edge", "-o", "json"}), 0);
  EXPECT_THAT(Output(), HasSubstr("\"agent_token\": \"mk8s_agent_abc\""));
  ExpectGolden("clusters_add.txt", messages);
}

TEST_F(CommandsTest, DestructiveCommandsNeedAYes) {
  central.Answer("DELETE /clusters/prod", 204, "");
  EXPECT_EQ(Run({"clusters", "remove", "prod"}), 2);
  EXPECT_THAT(Messages(), HasSubstr("add --yes"));
  terminal = {true, true, true};
  prompt.answers = {"n"};
  EXPECT_EQ(Run({"clusters", "remove", "prod"}), 1);
  EXPECT_EQ(central.exchanges().back().line, "GET /clusters");
  prompt.answers = {"y"};
  EXPECT_EQ(Run({"clusters", "remove", "prod"}), 0);
  EXPECT_EQ(central.exchanges().back().line, "DELETE /clusters/prod");
  EXPECT_EQ(*ReadFile(HomeFolder() / "config.yaml"), "central_url: https://mk8s.example.com\n");
}

TEST_F(CommandsTest, Users) {
  central.Answer("POST /users", 201,
                 R"({"id":"u3","email":"new@example.com","roles":["viewer"],
                     "initial_password":"one-time-words"})");
  EXPECT_EQ(Run({"users", "create", "new@example.com", "--role", "viewer,developer"}), 0);
  EXPECT_EQ(Output(), "one-time-words\n");
  EXPECT_EQ(central.exchanges().back().body,
            R"({"email":"new@example.com","roles":["viewer","developer"]})");
  input = "given\n";
  EXPECT_EQ(Run({"users", "create", "new@example.com", "--password-stdin"}), 0);
  EXPECT_EQ(central.exchanges().back().body,
            R"({"email":"new@example.com","roles":[],"password":"given"})");

  struct Case {
    std::string command, body;
  };
  for (const Case& c :
       {Case{"disable", R"({"disabled":true})"}, Case{"enable", R"({"disabled":false})"},
        Case{"unlock", R"({"locked":false})"},
        Case{"reset-password", R"({"reset_password":true})"}}) {
    central.Answer("PATCH /users/dev%40example.com", 200,
                   R"({"email":"dev@example.com","initial_password":"p"})");
    EXPECT_EQ(Run({"users", c.command, "dev@example.com"}), 0) << Messages();
    EXPECT_EQ(central.exchanges().back().body, c.body);
  }
  central.Answer("PUT /users/dev%40example.com/roles", 204, "");
  EXPECT_EQ(Run({"users", "set-roles", "dev@example.com", "admin", "viewer"}), 0);
  EXPECT_EQ(central.exchanges().back().body, R"({"roles":["admin","viewer"]})");
}

TEST_F(CommandsTest, ApplyRolesSaysWhatChanged) {
  central.Answer("POST /roles", 201, "{}");
  central.Answer("PUT /roles/developer", 200, "{}");
  central.Answer("PUT /users/dev%40example.com/roles", 204, "");
  input = R"(roles:
  - name: developer
    clusters:
      - {name: "dev-*", namespaces: ["*"], verbs: ["get", "list"], resources: ["pods"]}
---
roles:
  - name: ops
    clusters:
      - {name: "*", namespaces: ["*"], verbs: ["*"], resources: ["*"]}
  - name: admin
    admin: true
    clusters:
      - {name: "*", namespaces: ["*"], verbs: ["*"], resources: ["*"]}
users:
  - {email: "dev@example.com", roles: ["developer"]}
  - {email: "admin@example.com", roles: ["admin"]}
)";
  EXPECT_EQ(Run({"roles", "apply", "-f", "-"}), 0) << Messages();
  EXPECT_EQ(Output(),
            "role/developer configured\nrole/ops created\nrole/admin unchanged\n"
            "user/dev@example.com configured\nuser/admin@example.com unchanged\n");
}

TEST_F(CommandsTest, ApplyRefusesAWrongFileWhole) {
  input = "roles:\n  - name: x\n    clusters:\n      - {name: a, verbz: [get]}\n";
  EXPECT_EQ(Run({"roles", "apply", "-f", "-"}), 2);
  EXPECT_THAT(Messages(), HasSubstr("standard input: "));
  EXPECT_THAT(Messages(), HasSubstr("line 4"));
  EXPECT_TRUE(central.exchanges().empty());
  EXPECT_EQ(Run({"roles", "apply", "-f", "/nonexistent.yaml"}), 1);
}

TEST_F(CommandsTest, ShowRole) {
  EXPECT_EQ(Run({"roles", "show", "developer"}), 0);
  ExpectGolden("role.yaml", Output());
  EXPECT_EQ(Run({"roles", "show", "develper"}), 1);
  EXPECT_THAT(Messages(), HasSubstr("did you mean \"developer\"?"));
}

TEST_F(CommandsTest, AuditFilters) {
  central.Answer(
      "GET /audit?since=2026-11-24T09%3A00%3A00.000Z&user=a%40b&cluster=prod&status=denied&limit=5",
      200, R"({"events":[]})");
  EXPECT_EQ(Run({"audit", "list", "--since", "1h", "--user", "a@b", "--cluster", "prod", "--status",
                 "denied", "--limit", "5"}),
            0)
      << Messages();
  EXPECT_EQ(Messages(), "No events.\n");
  EXPECT_EQ(Run({"audit", "list", "--since", "yesterday"}), 2);
  EXPECT_EQ(Run({"audit", "list", "--status", "refused"}), 2);
  EXPECT_EQ(Run({"audit", "list", "--limit", "0"}), 2);
}

TEST_F(CommandsTest, AuditShow) {
  std::string one = kAudit;
  one.replace(one.find(",\n  {\"id\":\"0193-2\""), std::string::npos, "]}");
  central.Answer("GET /audit?id=0193-3&limit=1", 200, one);
  EXPECT_EQ(Run({"audit", "show", "0193-3"}), 0) << Messages();
  ExpectGolden("audit_show.txt", Output());
  central.Answer("GET /audit?id=x&limit=1", 200, R"({"events":[]})");
  EXPECT_EQ(Run({"audit", "show", "x"}), 1);
}

class FollowTest : public CommandsTest {
 protected:
  void OnSleep(std::chrono::milliseconds time) override {
    clock.Advance(time);
    if (++sleeps == 3) out.setstate(std::ios::badbit);
  }
  int sleeps = 0;
};

TEST_F(FollowTest, ShowsEachEventOnceAndItsEnd) {
  const std::string line = "GET /audit?since=2026-11-24T09%3A59%3A00.000Z&limit=50";
  central.Answer(line, 200, kAudit);
  central.Answer(line, 200, kAudit);
  std::string ended = kAudit;
  ended.replace(ended.find("started"), 7, "allowed");
  central.Answer(line, 200, ended);
  EXPECT_EQ(Run({"audit", "list", "--follow"}), 0) << Messages();
  ExpectGolden("audit_follow.txt", Output());
}

TEST_F(CommandsTest, KubeconfigWritesAfterAsking) {
  const std::filesystem::path file = folder.path() / "kube" / "config";
  environment.Set("KUBECONFIG", file.string());
  EXPECT_EQ(Run({"kubeconfig"}), 0);
  ExpectGolden("kubeconfig.yaml", Output());
  EXPECT_EQ(Run({"kubeconfig", "--write"}), 2) << "no terminal and no --yes";
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_EQ(Run({"kubeconfig", "--write", "--all", "--yes"}), 0) << Messages();
  EXPECT_THAT(*ReadFile(file), HasSubstr("mk8s-staging"));
  std::ofstream(file) << "apiVersion: v1\nkind: Config\ncurrent-context: mine\n";
  EXPECT_EQ(Run({"kubeconfig", "--write", "--yes"}), 0);
  EXPECT_THAT(*ReadFile(file), HasSubstr("current-context: mine"));
  EXPECT_EQ(*ReadFile(file.string() + ".mk8s-backup"),
            "apiVersion: v1\nkind: Config\ncurrent-context: mine\n");
}

TEST_F(CommandsTest, CredentialEchoesTheVersionAskedFor) {
  EXPECT_EQ(Run({"credential", "--server", kTestUrl}), 0);
  EXPECT_EQ(Output(),
            R"({"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential",)"
            R"("status":{"token":"token-1","expirationTimestamp":"2026-11-24T11:00:00Z"}})"
            "\n");
  environment.Set("MK8S_EXEC_API_VERSION", "client.authentication.k8s.io/v1alpha1");
  EXPECT_EQ(Run({"credential"}), 0);
  EXPECT_THAT(Output(), HasSubstr("v1alpha1"));
  environment.Set(
      "KUBERNETES_EXEC_INFO",
      R"({ "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1" })");
  EXPECT_EQ(Run({"credential"}), 0);
  EXPECT_THAT(Output(), HasSubstr("client.authentication.k8s.io/v1\""));
  EXPECT_EQ(Run({"credential", "--server", "https://other"}), 4);
}

TEST_F(CommandsTest, ErrorsCarryTheRequestId) {
  central = FakeCentral();
  central.Answer("GET /users", 403,
                 R"({"error":{"code":"permission_denied","message":"only administrators may",
                     "request_id":"0193-9"}})");
  EXPECT_EQ(Run({"users", "list"}), 1);
  EXPECT_EQ(Messages(), "error: only administrators may\n  request id: 0193-9\n");
  central.Answer("GET /roles", 502, "<html>Bad Gateway</html>");
  EXPECT_EQ(Run({"roles", "list"}), 1);
  EXPECT_THAT(Messages(), HasSubstr("answered HTTP 502 but not as mk8s-central does"));
  central.Answer("GET /clusters", 200, "[]");
  EXPECT_EQ(Run({"clusters", "list"}), 1);
  EXPECT_THAT(Messages(), HasSubstr("central's answer is not a list of clusters"));
}

TEST_F(CommandsTest, RetriesOnceAfter401) {
  central = FakeCentral();
  central.Answer("GET /users", 401, R"({"error":{"code":"unauthenticated","message":"expired"}})");
  central.Answer("GET /users", 200, kUsers);
  central.Answer("POST /auth/refresh", 200,
                 R"({"token":"token-2","expires_at":"2026-11-25T10:00:00Z",
                     "refresh_token":"refresh-2","refresh_expires_at":"2026-12-24T10:00:00Z"})");
  EXPECT_EQ(Run({"users", "list"}), 0) << Messages();
  EXPECT_EQ(central.Lines(),
            (std::vector<std::string>{"GET /users", "POST /auth/refresh", "GET /users"}));
  EXPECT_EQ(central.exchanges().back().authorization, "Bearer token-2");
}

TEST_F(CommandsTest, TerminalEscapesFromOutsideAreInert) {
  central = FakeCentral();
  central.Answer("GET /clusters", 200,
                 R"({"clusters":[{"id":"1","name":"a\u001b[2Jb","status":"connected"}]})");
  EXPECT_EQ(Run({"clusters", "list"}), 0);
  EXPECT_THAT(Output(), testing::Not(HasSubstr("\x1b")));
  central.Answer("GET /users", 500,
                 R"({"error":{"code":"internal","message":"\u001b]0;x\u0007","request_id":"r"}})");
  EXPECT_EQ(Run({"users", "list"}), 1);
  EXPECT_THAT(Messages(), testing::Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace mk8s::cli

// The Kubernetes requests of commands beside the agent: whose they are, and who may send them.
#include "central/command_requests.h"

#include "central/exec_test.h"
#include "central/kube_gateway.h"
#include "pki/certificate.h"
#include "pki/certificate_authority.h"

namespace mk8s::central {
namespace {

class CommandRequestsTest : public ExecTest {
 protected:
  CommandRequestsTest() {
    NewAccount("viewer@example.com", {"viewer"});
    command_ = Open(R"({"command":["get","wait"]})", {{"accept", "text/event-stream"}},
                    Login("viewer@example.com"));
    EXPECT_NE(command_.stream->WaitFor("stderr"), "");
    OnLoop([&] { command_id_ = request_.command_id(); });
    kube_ = std::make_unique<KubeGateway>(*services_, metrics_, loops_);
  }
  // Nothing under way outlives what it uses.
  ~CommandRequestsTest() override {
    OnLoop([&] { command_.events->OnReset(http::ResetReason::kCancel); });
    for (int turn = 0; turn < 3; ++turn) OnLoop([] {});
    loops_.Stop();
  }

  struct Agent {
    std::string cluster_id;
    std::int64_t epoch = 1;
    std::int64_t token_generation = 0;
    bool certificate = true;
  };
  std::shared_ptr<OpenConnection> Connect(const Agent& agent) {
    auto connection = std::make_shared<OpenConnection>(loops_.at(0));
    if (!agent.certificate) return connection;
    connection->certificate.uris = {pki::AgentUri({.cluster_id = agent.cluster_id,
                                                   .cluster_name = "dev",
                                                   .token_generation = agent.token_generation,
                                                   .epoch = agent.epoch})};
    connection->certificate.not_after = clock_.Now() + std::chrono::hours(1);
    return connection;
  }
  Agent LiveAgent() const {
    return {.cluster_id = cluster_id_,
            .token_generation = snapshots_->Current()->FindCluster("dev")->token_generation};
  }

  CallUnderWay Ask(const Agent& agent, http::RequestHead head, const std::string& command_id) {
    CallUnderWay call;
    connections_.push_back(Connect(agent));
    handlers_.push_back(std::make_unique<CommandRequests>(*services_, *kube_, gateway_.registry(),
                                                          *connections_.back(), handler_));
    clock_.Advance(std::chrono::milliseconds(1));
    OnLoop([&] {
      head.fields.Add(gateway::kCommandIdField, command_id);
      const bool end = head.protocol.empty();
      call.events = handlers_.back()->OnRequest(std::move(head), end, call.stream);
    });
    return call;
  }
  std::vector<http::RequestHead> SeenByCluster() {
    std::vector<http::RequestHead> seen;
    OnLoop([&] { seen = agent_end_.seen; });
    return seen;
  }

  std::unique_ptr<KubeGateway> kube_;
  pki::CertificateAuthority ca_ =
      *pki::CertificateAuthority::Create("test", std::chrono::hours(1), kTestTime);
  std::vector<std::shared_ptr<OpenConnection>> connections_;
  std::vector<std::unique_ptr<CommandRequests>> handlers_;
  CallUnderWay command_;
  std::string command_id_;
};

TEST_F(CommandRequestsTest, AreTheCallers) {
  const CallUnderWay call = Ask(
      LiveAgent(), {.method = "GET", .target = "/api/v1/namespaces/x/pods?limit=500"}, command_id_);
  const TestAnswer answer = call.stream->Whole();
  EXPECT_EQ(answer.status(), 200) << answer.body;
  EXPECT_EQ(answer.body, "of the cluster");
  const auto seen = SeenByCluster();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].fields.Get("mk8s-user"), "viewer@example.com");
  EXPECT_EQ(seen[0].fields.All("mk8s-group").back(), "mk8s:role:viewer");
  EXPECT_EQ(seen[0].fields.Get(gateway::kCommandIdField), "") << "the id stays at central";
  OnLoop([&] { call.events->OnSent(answer.body.size()); });
  const std::vector<AuditEvent> events = Audit();
  const AuditEvent& child = events[0];
  EXPECT_EQ(child.verb, "list");
  EXPECT_EQ(child.user, "viewer@example.com");
  EXPECT_EQ(child.command, "kubectl get wait");
  EXPECT_EQ(child.source_ip, "192.0.2.7") << "the caller's, not the agent's";
  EXPECT_EQ(child.kubectl_session, LastExec().id);
}

TEST_F(CommandRequestsTest, AreDecidedByTheCallersRoles) {
  const TestAnswer denied =
      Ask(LiveAgent(), {.method = "DELETE", .target = "/api/v1/namespaces/x/pods/web"}, command_id_)
          .stream->Whole();
  EXPECT_EQ(denied.status(), 403);
  EXPECT_NE(denied.body.find(R"(cannot delete resource \"pods\")"), std::string::npos)
      << denied.body;
  const TestAnswer shell = Ask(LiveAgent(),
                               {.method = "CONNECT",
                                .target = "/api/v1/namespaces/x/pods/web/exec?command=sh",
                                .protocol = "websocket",
                                .fields = {{std::string(gateway::kMethodField), "GET"}}},
                               command_id_)
                               .stream->Whole();
  EXPECT_EQ(shell.status(), 403);
  EXPECT_TRUE(SeenByCluster().empty());
  OnLoop([] {});
  EXPECT_EQ(Audit()[0].status, AuditStatus::kDenied);
  EXPECT_EQ(Audit()[0].subresource, "exec");
}

TEST_F(CommandRequestsTest, AnUpgradeIsAnExtendedConnect) {
  EXPECT_EQ(
      Call("PUT", "/users/viewer@example.com/roles", R"({"roles":["admin"]})", admin_).status(),
      200);
  const CallUnderWay call = Ask(LiveAgent(),
                                {.method = "CONNECT",
                                 .target = "/api/v1/namespaces/x/pods/web/exec?command=sh",
                                 .protocol = "websocket",
                                 .fields = {{std::string(gateway::kMethodField), "GET"}}},
                                command_id_);
  EXPECT_EQ(call.stream->WaitFor("cluster"), "of the cluster");
  EXPECT_EQ(call.stream->Head().status, 200);
  EXPECT_EQ(call.stream->Head().fields.Get(gateway::kProtocolField), "websocket");
  OnLoop([&] { call.events->OnReset(http::ResetReason::kCancel); });
  EXPECT_EQ(SeenByCluster()[0].method, "CONNECT");
}

TEST_F(CommandRequestsTest, ComeFromTheLiveAgentOfTheCommandsCluster) {
  EXPECT_EQ(Call("POST", "/clusters", R"({"name":"other"})", admin_).status(), 201);
  const Agent live = LiveAgent();
  Agent other = live, rotated = live, nobody = live;
  other.cluster_id = snapshots_->Current()->FindCluster("other")->id;
  rotated.token_generation += 1;
  nobody.certificate = false;
  const http::RequestHead get{.method = "GET", .target = "/api/v1/namespaces/x/pods"};
  const auto status = [&](const Agent& agent, const std::string& id) {
    const CallUnderWay call = Ask(agent, get, id);
    const TestAnswer answer = call.stream->Whole();
    OnLoop([&] { call.events->OnSent(answer.body.size()); });
    return answer.status();
  };
  EXPECT_EQ(status(other, command_id_), 401);
  EXPECT_EQ(status(rotated, command_id_), 401);
  EXPECT_EQ(status(nobody, command_id_), 401);
  EXPECT_EQ(status(live, std::string(32, '0')), 401);
  EXPECT_EQ(status(live, ""), 400);
  EXPECT_TRUE(SeenByCluster().empty());
  EXPECT_EQ(status(live, command_id_), 200);
  OnLoop([&] { command_.events->OnReset(http::ResetReason::kCancel); });
  EXPECT_EQ(status(live, command_id_), 401) << "the command has ended";
  tunnels_.NoteEpoch(cluster_id_, 2);
  EXPECT_EQ(status(live, command_id_), 409) << "a newer agent registered";
}

TEST_F(CommandRequestsTest, AWithdrawnRightEndsTheCommandToo) {
  EXPECT_EQ(Call("POST", "/roles",
                 R"({"name":"nodes","clusters":[{"name":"dev","namespaces":["*"],)"
                 R"("verbs":["get"],"resources":["nodes"]}]})",
                 admin_)
                .status(),
            201);
  const CallUnderWay watch = Ask(
      LiveAgent(), {.method = "GET", .target = "/api/v1/namespaces/x/pods?watch=1"}, command_id_);
  EXPECT_EQ(watch.stream->WaitFor("cluster"), "of the cluster");
  EXPECT_EQ(
      Call("PUT", "/users/viewer@example.com/roles", R"({"roles":["nodes"]})", admin_).status(),
      200);
  gateway_.Recheck(snapshots_->Current());
  kube_->Recheck(snapshots_->Current());
  watch.stream->Whole();
  EXPECT_NE(command_.stream->Whole().body.find("event: error"), std::string::npos);
  EXPECT_EQ(cancelled_.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(LastExec().status, AuditStatus::kInterrupted);
}

}  // namespace
}  // namespace mk8s::central

// The whole agent against a central and an API server of the test's own.
#include "agent/agent.h"

#include <filesystem>
#include <fstream>

#include "agent/fake_central_for_test.h"
#include "net/blocking_client.h"
#include "sandbox/entry_for_test.h"

namespace mk8s::agent {
namespace {

using testing::HasSubstr;

class AgentTest : public testing::Test {
 protected:
  AgentTest() : loops_(1), api_(loops_), central_(loops_) {
    std::string name = testing::TempDir() + "agentXXXXXX";
    folder_ = mkdtemp(name.data());
    loops_.Start();
  }
  ~AgentTest() override {
    agent_.reset();
    loops_.Stop();
    std::filesystem::remove_all(folder_);
  }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  config::AgentConfig Config(std::uint16_t api_port) {
    config::AgentConfig config;
    config.central.host = "127.0.0.1";
    config.central.port = central_.port();
    config.central.token = Secret("good");
    config.cluster.name = "dev";
    config.tls.ca_file = Write("ca.crt", central_.ca_pem());
    config.kubernetes.kubeconfig = Write(
        "config", "current-context: c\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:" +
                      std::to_string(api_port) +
                      "'}}]\nusers: [{name: u, user: {token: agents-own}}]\n"
                      "contexts: [{name: c, context: {cluster: c, user: u}}]\n");
    config.agent.bind_address = "127.0.0.1";
    config.agent.diagnostics_port = 0;
    return config;
  }
  void Start(config::AgentConfig config) {
    auto agent = Agent::Start(std::move(config));
    ASSERT_TRUE(agent) << agent.error().message;
    agent_ = *std::move(agent);
  }
  void StartReady() {
    Start(Config(api_.port()));
    ASSERT_TRUE(Eventually([&] { return agent_->Ready() && central_.tunnels_opened > 0; }));
  }
  static http::RequestHead Request(const std::string& target) {
    gateway::TunnelRequest request;
    request.head = {.method = "GET", .authority = "cluster", .target = target};
    request.head.fields = {{"authorization", "Bearer users-own"}, {"accept", "application/json"}};
    request.user = "dev@example.com";
    request.groups = {"mk8s:users", "mk8s:role:developer"};
    request.request_id = "0192f0c1-0000-7000-8000-000000000001";
    return gateway::EncodeForTunnel(request);
  }

  net::LoopGroup loops_;
  FakeApiServer api_;
  FakeCentral central_;
  std::string folder_;
  std::unique_ptr<Agent> agent_;
};

TEST_F(AgentTest, RelaysUnderTheIdentityThatCentralGives) {
  StartReady();
  const auto answer = central_.Ask(Request("/api/v1/pods?limit=500"));
  EXPECT_EQ(answer->head.status, 200);
  EXPECT_EQ(answer->body, R"({"kind":"PodList"})");
  const http::RequestHead seen = api_.seen().at("/api/v1/pods?limit=500");
  EXPECT_EQ(seen.fields.Get("impersonate-user"), "dev@example.com");
  EXPECT_THAT(seen.fields.All("impersonate-group"),
              testing::ElementsAre("mk8s:users", "mk8s:role:developer"));
  EXPECT_EQ(seen.fields.Get("audit-id"), "0192f0c1-0000-7000-8000-000000000001");
  EXPECT_THAT(seen.fields.All("authorization"), testing::ElementsAre("Bearer agents-own"));
  EXPECT_EQ(central_.tunnels_with_wrong_identity, 0);
}

TEST_F(AgentTest, TellsCentralOfItsCluster) {
  StartReady();
  EXPECT_TRUE(Eventually([&] { return central_.heartbeats >= 3; }));
  EXPECT_TRUE(Eventually([&] { return central_.last_node_count == 3; }));
  EXPECT_EQ(api_.seen().at("/version").fields.Find("impersonate-user"), std::nullopt);
  EXPECT_THAT(agent_->ReadyJson(),
              testing::MatchesRegex(
                  "\\{\"cluster\":\"dev\",\"diagnostics\":\"http://127.0.0.1:[0-9]+\"\\}\n"));
}

TEST_F(AgentTest, SaysThatTheApiServerCannotBeReached) {
  const std::uint16_t closed_port = FakeApiServer(loops_).port();  // gone with this line
  Start(Config(closed_port));
  ASSERT_TRUE(Eventually([&] { return central_.tunnels_opened > 0; }));
  EXPECT_FALSE(agent_->Ready()) << "registered, but the API server does not answer";
  const auto answer = central_.Ask(Request("/api/v1/pods"));
  EXPECT_EQ(answer->head.status, 503);
  EXPECT_THAT(answer->body, HasSubstr(R"("kind":"Status")"));
  EXPECT_THAT(answer->body, HasSubstr("The agent cannot reach the API server of cluster dev at "
                                      "127.0.0.1:" +
                                      std::to_string(closed_port)));
}

TEST_F(AgentTest, DoesNotPassOnThatItsOwnCredentialIsRefused) {
  StartReady();
  EXPECT_EQ(central_.Ask(Request("/unauthorized"))->head.status, 502);
}

TEST_F(AgentTest, RefusesWhatCentralNeverSends) {
  StartReady();
  http::RequestHead anonymous = Request("/api/v1/secrets");
  anonymous.fields.Remove(gateway::kUserField);
  EXPECT_EQ(central_.Ask(anonymous)->head.status, 400);
  EXPECT_FALSE(api_.seen().contains("/api/v1/secrets"));
}

TEST_F(AgentTest, ServesCommandsOverTheTunnel) {
  StartReady();
  const auto answer = central_.Call("/mk8s.agent.v1.AgentService/ExecuteCommand");
  ASSERT_FALSE(answer) << "an empty message is no command; what one does, command_test tells";
  EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument)
      << answer.error().message << answer.error().detail;
}

TEST_F(AgentTest, KeepsOneTunnelWhileNobodyAsks) {
  central_.certificate_life_s = 3;
  StartReady();
  EXPECT_TRUE(Eventually([&] { return central_.heartbeats >= 3; }));
  EXPECT_EQ(central_.TunnelsOpen(), 1);
  EXPECT_EQ(central_.Ask(Request("/api"))->head.status, 200);
  EXPECT_TRUE(Eventually([&] { return central_.TunnelsOpen() == FakeCentral::kTunnelsWanted; }));
  EXPECT_TRUE(Eventually([&] { return central_.TunnelsOpen() == 1; })) << "renewed twice since";
  EXPECT_EQ(central_.Ask(Request("/api"))->head.status, 200);
  EXPECT_TRUE(Eventually([&] { return central_.TunnelsOpen() == FakeCentral::kTunnelsWanted; }));
  EXPECT_EQ(central_.registrations, 1);
  EXPECT_EQ(central_.tunnels_with_wrong_identity, 0);
}

TEST_F(AgentTest, OpensTunnelsAgainThatWereLost) {
  StartReady();
  const int before = central_.tunnels_opened;
  central_.CloseTunnels();
  EXPECT_TRUE(Eventually([&] { return central_.tunnels_opened > before; }));
  EXPECT_TRUE(Eventually([&] { return central_.Ask(Request("/api"))->head.status == 200; }));
  EXPECT_EQ(central_.registrations, 1);
}

TEST_F(AgentTest, RegistersAgainWhenItsCertificateIsRefused) {
  StartReady();
  EXPECT_EQ(central_.last_previous_epoch, 0);
  central_.refuse_heartbeats = true;
  EXPECT_TRUE(Eventually([&] { return central_.registrations == 2 && agent_->Ready(); }));
  EXPECT_EQ(central_.last_previous_epoch, 1);
  EXPECT_TRUE(Eventually([&] { return central_.Ask(Request("/api"))->head.status == 200; }));
  EXPECT_EQ(central_.tunnels_with_wrong_identity, 0);
}

TEST_F(AgentTest, RenewsItsCertificateInTime) {
  central_.certificate_life_s = 3;
  StartReady();
  EXPECT_TRUE(Eventually([&] { return central_.renewals >= 2; }));
  EXPECT_EQ(central_.registrations, 1);
  EXPECT_EQ(central_.Ask(Request("/api"))->head.status, 200) << "on the tunnel from the start";
}

TEST_F(AgentTest, KeepsAwayAfterARefusal) {
  auto config = Config(api_.port());
  config.central.token = Secret("rotated out");
  Start(std::move(config));
  EXPECT_TRUE(Eventually([&] { return central_.refused == 1; }));
  std::this_thread::sleep_for(std::chrono::seconds(3));
  EXPECT_EQ(central_.refused, 1);
  EXPECT_FALSE(agent_->Ready());
  EXPECT_EQ(central_.tunnels_opened, 0);
}

TEST_F(AgentTest, DrainsAndEnds) {
  StartReady();
  const auto start = std::chrono::steady_clock::now();
  agent_->Drain();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_FALSE(agent_->Ready());
  EXPECT_EQ(central_.Ask(Request("/api"))->head.status, 0) << "no tunnel is left";
}

TEST_F(AgentTest, AnswersProbes) {
  StartReady();
  const std::string ready = agent_->ReadyJson();
  const std::size_t url = ready.find("http://");
  auto client =
      net::BlockingClient::Create({.base_url = ready.substr(url, ready.find('"', url) - url)});
  ASSERT_TRUE(client) << client.error().message;
  const struct {
    const char* method;
    const char* path;
    int status;
    const char* body;
  } cases[] = {
      {"GET", "/healthz", 200, "ok\n"},
      {"GET", "/readyz", 200, "ok\n"},
      {"GET", "/readyz?verbose", 200, "ok\n"},
      {"HEAD", "/readyz", 200, ""},
      {"POST", "/healthz", 200, "ok\n"},
      {"GET", "/metrics", 200, "mk8s_agent_registered 1\n"},
      {"GET", "/", 404, "not found; try /healthz, /readyz or /metrics\n"},
  };
  for (const auto& c : cases) {
    const auto answer = (*client)->Do(c.method, c.path);
    ASSERT_TRUE(answer) << c.path << ": " << answer.error().message;
    EXPECT_EQ(answer->status, c.status) << c.path;
    EXPECT_THAT(answer->body, HasSubstr(c.body)) << c.path;
  }
}

TEST_F(AgentTest, NamesWhatNoRetryMends) {
  auto config = Config(api_.port());
  config.tls.ca_file = "/no/such/ca.crt";
  EXPECT_THAT(Agent::Start(config).error().message, HasSubstr("tls.ca_file /no/such/ca.crt"));
  config = Config(api_.port());
  config.kubernetes.context = "other";
  EXPECT_THAT(Agent::Start(config).error().message, HasSubstr("has no context \"other\""));
  config = Config(api_.port());
  config.agent.diagnostics_port = api_.port();
  EXPECT_THAT(Agent::Start(config).error().message, HasSubstr(std::to_string(api_.port())));
}

}  // namespace
}  // namespace mk8s::agent

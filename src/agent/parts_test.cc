// The agent's small pure parts: back-off, what it reads of its cluster, messages, diagnostics.
#include "agent/agent_messages.h"
#include "agent/backoff.h"
#include "agent/cluster_facts.h"
#include "agent/diagnostics.h"
#include "base/limits.h"
#include "mk8s/agent/v1/agent.pb.h"

namespace mk8s::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Backoff, GrowsWithFullJitterUntilItsMaximum) {
  const ManualClock clock{WallTime{}};
  double random = 0;
  Backoff backoff(clock, [&random] { return random; });
  EXPECT_EQ(backoff.Next(), limits::kReconnectMin) << "the least of any attempt";
  random = 0.5;
  EXPECT_EQ(backoff.Next(), 2500ms);  // half way from 1 s to 4 s
  random = 0.999999;
  for (const auto ceiling : {8s, 16s, 32s, 45s, 45s, 45s}) {
    const auto delay = backoff.Next();
    EXPECT_LE(delay, ceiling);
    EXPECT_GE(delay, ceiling - 1s);
  }
  for (int i = 0; i < 1000; ++i) EXPECT_LE(backoff.Next(), limits::kReconnectMax);
}

TEST(Backoff, FallsBackOnlyAfterAStableConnection) {
  ManualClock clock{WallTime{}};
  Backoff backoff(clock, [] { return 0.999999; });
  for (int i = 0; i < 10; ++i) (void)backoff.Next();
  backoff.Up();
  clock.Advance(kStableAfter - 1ms);
  EXPECT_GT(backoff.Next(), 44s) << "it did not stay up";
  backoff.Up();
  clock.Advance(kStableAfter);
  EXPECT_LE(backoff.Next(), 2s);
  for (int i = 0; i < 10; ++i) (void)backoff.Next();
  backoff.Reset();
  EXPECT_LE(backoff.Next(), 2s);
}

TEST(Backoff, WaitsLongAfterARefusal) {
  const ManualClock clock{WallTime{}};
  double random = 0;
  Backoff backoff(clock, [&random] { return random; });
  EXPECT_EQ(backoff.AfterRefusal(), 33750ms);
  random = 0.999999;
  EXPECT_LE(backoff.AfterRefusal(), 45s);
}

TEST(Backoff, DiffersBetweenAgents) {
  Backoff one, other;
  int same = 0;
  for (int i = 0; i < 20; ++i) same += one.Next() == other.Next() ? 1 : 0;
  EXPECT_LT(same, 10);
}

TEST(ClusterFacts, ReadsVersions) {
  ClusterMetadata metadata;
  EXPECT_TRUE(
      ReadVersion(R"({"major":"1","gitVersion":"v1.36.0","platform":"linux/amd64"})", metadata));
  EXPECT_EQ(metadata.kubernetes_version, "v1.36.0");
  EXPECT_EQ(metadata.platform, "linux/amd64");
  for (const char* text : {"", "[]", "{}", R"({"gitVersion":1})", "<html>"}) {
    EXPECT_FALSE(ReadVersion(text, metadata)) << text;
  }
}

TEST(ClusterFacts, CountsListsFromTheirFirstPage) {
  const struct {
    const char* text;
    int count;  // -1: refused
  } cases[] = {
      {R"({"metadata":{},"items":[]})", 0},
      {R"({"items":null})", 0},
      {R"({"metadata":{},"items":[{}]})", 1},
      {R"({"metadata":{"continue":"x","remainingItemCount":4999},"items":[{}]})", 5000},
      {R"({"metadata":{"remainingItemCount":-9},"items":[{}]})", 0},
      {R"({"metadata":{"remainingItemCount":"9"},"items":[{}]})", 1},
      {R"({"items":{}})", -1},
      {R"({"kind":"Status"})", -1},
      {"", -1},
  };
  for (const auto& c : cases) {
    const auto count = CountItems(c.text);
    EXPECT_EQ(count ? *count : -1, c.count) << c.text;
  }
}

TEST(Messages, KeepCentralsNumbersWithinReason) {
  agent::v1::RegisterResponse response;
  response.set_cluster_id("id");
  response.set_certificate_pem("CERT");
  response.set_epoch(7);
  const struct {
    int connections, interval_ms;
    std::size_t want_connections;
    std::chrono::milliseconds want_interval;
  } cases[] = {
      {2, 15'000, 2, 15s},
      {0, 0, 1, limits::kHeartbeatInterval},
      {-5, -5, 1, limits::kHeartbeatInterval},
      {1000, 1, limits::kTunnelConnectionsMax, 100ms},
      {4, 10'000'000, 4, 60s},
  };
  for (const auto& c : cases) {
    response.set_tunnel_connections(c.connections);
    response.set_heartbeat_interval_ms(c.interval_ms);
    const auto registration = ParseRegistered(response.SerializeAsString());
    ASSERT_TRUE(registration);
    EXPECT_EQ(registration->epoch, 7);
    EXPECT_EQ(registration->tunnel_connections, c.want_connections);
    EXPECT_EQ(registration->heartbeat_interval, c.want_interval);
  }
  EXPECT_EQ(ParseRegistered("\xff\xff").error().code, ErrorCode::kBadGateway);
  EXPECT_EQ(ParseRegistered("").error().code, ErrorCode::kBadGateway) << "no certificate";
  EXPECT_EQ(ParseRenewed("").error().code, ErrorCode::kBadGateway);
  EXPECT_EQ(*ParseHeartbeat(""), limits::kHeartbeatInterval);
}

TEST(Messages, CarryWhatRegisterNeeds) {
  agent::v1::RegisterRequest request;
  ASSERT_TRUE(request.ParseFromString(RegisterMessage(
      Secret("token"), "dev", "CSR", {"v1.36.0", 5000, "0.1.0", "linux/amd64"}, 7)));
  EXPECT_EQ(request.token(), "token");
  EXPECT_EQ(request.cluster_name(), "dev");
  EXPECT_EQ(request.csr_der(), "CSR");
  EXPECT_EQ(request.metadata().kubernetes_version(), "v1.36.0");
  EXPECT_EQ(request.metadata().node_count(), 5000);
  EXPECT_EQ(request.metadata().agent_version(), "0.1.0");
  EXPECT_EQ(request.metadata().platform(), "linux/amd64");
}

TEST(Diagnostics, SayWhyNotReady) {
  Status status;
  EXPECT_EQ(NotReadyBecause(status), "not registered with central");
  status.registered = true;
  EXPECT_EQ(NotReadyBecause(status), "no tunnel to central is open");
  status.tunnels_open = 1;
  EXPECT_EQ(NotReadyBecause(status), "");
  status.draining = true;
  EXPECT_EQ(NotReadyBecause(status), "shutting down");
}

TEST(Diagnostics, ShowMetrics) {
  Status status;
  status.tunnels_open = 2;
  Count(status.requests, 5);
  command::Counters commands;
  commands.started = 3;
  const std::string text = MetricsText(status, commands);
  EXPECT_THAT(text, HasSubstr("\nmk8s_agent_commands_started_total 3\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE mk8s_agent_tunnel_connections gauge\n"
                              "mk8s_agent_tunnel_connections 2\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE mk8s_agent_requests_total counter\n"
                              "mk8s_agent_requests_total 5\n"));
}

}  // namespace
}  // namespace mk8s::agent

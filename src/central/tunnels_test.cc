// Which tunnel a request takes, and how a newer agent fences an older one.
#include "central/tunnels.h"

#include <set>

#include "base/limits.h"
#include "net/connection.h"
#include "net/loop.h"

namespace mk8s::central {
namespace {

class FakeConnection : public net::Connection {
 public:
  explicit FakeConnection(net::Loop& loop) : loop_(loop) {}
  net::Loop& loop() const override { return loop_; }
  const std::string& peer_ip() const override { return text_; }
  const std::string& peer_endpoint() const override { return text_; }
  std::string_view alpn() const override { return "mk8s-tunnel/1"; }
  bool encrypted() const override { return true; }
  const net::PeerCertificate* peer_certificate() const override { return nullptr; }
  void Attach(std::unique_ptr<http::Session>, const net::Deadlines&) override {}
  http::Session* session() const override { return nullptr; }
  void Handoff(net::Loop&, std::function<void(std::shared_ptr<Connection>)>) override {}
  void SetOnClosed(std::function<void(const Error&)>) override {}
  void Close() override { closed_ = true; }
  void Shutdown(std::chrono::milliseconds) override { closed_ = true; }
  bool closed() const override { return closed_; }
  std::uint64_t received_bytes() const override { return 0; }
  std::uint64_t sent_bytes() const override { return 0; }

 private:
  net::Loop& loop_;
  std::string text_ = "192.0.2.7";
  bool closed_ = false;
};

class TunnelsTest : public testing::Test {
 protected:
  std::shared_ptr<Tunnel> Make(std::int64_t epoch, net::Loop& loop) {
    return std::make_shared<Tunnel>(Tunnel{.cluster_id = "dev",
                                           .epoch = epoch,
                                           .connection = std::make_shared<FakeConnection>(loop),
                                           .loop = &loop});
  }
  // Runs what was posted to a loop.
  static void Turn(net::Loop& loop) {
    loop.Post([&loop] { loop.Stop(); });
    loop.Run();
  }

  ManualClock clock_{WallTime(std::chrono::hours(1'000'000))};
  net::Loop first_{0}, second_{1};
  Tunnels tunnels_{clock_};
};

TEST_F(TunnelsTest, ARequestStaysOnItsLoopWhereItCan) {
  EXPECT_EQ(tunnels_.Pick("dev", first_), nullptr);
  const auto a = Make(1, first_), b = Make(1, second_);
  ASSERT_TRUE(tunnels_.Add(a));
  EXPECT_EQ(tunnels_.Pick("dev", second_), a) << "another loop's rather than none";
  ASSERT_TRUE(tunnels_.Add(b));
  EXPECT_EQ(tunnels_.Pick("dev", first_), a);
  EXPECT_EQ(tunnels_.Pick("dev", second_), b);
}

TEST_F(TunnelsTest, ConnectionsAreSpreadOverTheLoops) {
  const std::vector<net::Loop*> loops{&first_, &second_};
  const auto a = Make(1, first_), b = Make(1, first_), c = Make(1, first_);
  tunnels_.Place(a, loops);
  tunnels_.Place(b, loops);
  EXPECT_NE(b->loop, a->loop) << "one that is still on its way counts";
  tunnels_.Add(a);
  tunnels_.Remove(b);  // it died on the way
  tunnels_.Place(c, loops);
  EXPECT_NE(c->loop, a->loop);
}

TEST_F(TunnelsTest, ClustersWithOneTunnelAreSpreadOverTheLoops) {
  std::set<net::Loop*> used;
  for (int i = 0; i < 20; ++i) {
    const auto tunnel = Make(1, first_);
    tunnel->cluster_id = "cluster-" + std::to_string(i);
    tunnels_.Place(tunnel, {&first_, &second_});
    used.insert(tunnel->loop);
  }
  EXPECT_EQ(used.size(), 2);
}

TEST_F(TunnelsTest, ANewerEpochFencesTheOlder) {
  const auto ghost = Make(1, first_), owner = Make(2, first_);
  ASSERT_TRUE(tunnels_.Add(ghost));
  EXPECT_EQ(tunnels_.NoteEpoch("dev", 1), std::nullopt) << "its own";
  EXPECT_EQ(tunnels_.NoteEpoch("dev", 2), "192.0.2.7") << "the ghost's address";
  EXPECT_EQ(tunnels_.Pick("dev", first_), ghost) << "until the newer one's tunnel is open";
  ASSERT_TRUE(tunnels_.Add(owner));
  EXPECT_EQ(tunnels_.Pick("dev", first_), owner);
  EXPECT_FALSE(tunnels_.Add(Make(1, first_))) << "the ghost comes back";
  Turn(first_);
  EXPECT_TRUE(ghost->connection->closed());
  EXPECT_FALSE(owner->connection->closed());
  EXPECT_FALSE(tunnels_.Heartbeat("dev", 1, {}));
}

TEST_F(TunnelsTest, AClusterIsConnectedWhileItsHeartBeats) {
  EXPECT_FALSE(tunnels_.StateOf("dev").connected);
  const auto tunnel = Make(1, first_);
  tunnels_.Add(tunnel);
  EXPECT_TRUE(tunnels_.StateOf("dev").connected);
  clock_.Advance(limits::kHeartbeatInterval * limits::kHeartbeatsMissedMax +
                 std::chrono::milliseconds(1));
  EXPECT_FALSE(tunnels_.StateOf("dev").connected) << "the tunnel is open, but the agent is silent";
  EXPECT_TRUE(tunnels_.StateOf("dev").disconnected_since.has_value());
  tunnels_.Heartbeat("dev", 1, {.node_count = 3});
  EXPECT_TRUE(tunnels_.StateOf("dev").connected);
  EXPECT_EQ(tunnels_.StateOf("dev").metadata->node_count, 3);
  tunnels_.Remove(tunnel);
  EXPECT_EQ(tunnels_.StateOf("dev").disconnected_since, clock_.Now());
}

}  // namespace
}  // namespace mk8s::central

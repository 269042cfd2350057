// The command line's client, against our own HTTP server.
#include "net/blocking_client.h"

#include "net/test_handler.h"

namespace mk8s::net {
namespace {

class BlockingClientTest : public LoopbackTest {
 protected:
  ~BlockingClientTest() override { StopLoops(); }
  void Serve() {
    Listen({.tls = ServerTls({.identity = ca_.Issue(), .alpn = {"h2", "http/1.1"}})},
           [this](std::shared_ptr<Connection> connection) {
             ++accepted_count_;
             {
               std::lock_guard lock(mutex_);
               accepted_ = connection;
             }
             ServeHttp(*connection, handler_);
           });
  }
  BlockingClientOptions Options() {
    return {.base_url = "https://" + listener_->endpoint(), .ca_pem = ca_.pem()};
  }
  std::unique_ptr<BlockingClient> Client() { return Client(Options()); }
  std::unique_ptr<BlockingClient> Client(const BlockingClientOptions& options) {
    auto client = BlockingClient::Create(options);
    EXPECT_TRUE(client) << client.error().message;
    return *std::move(client);
  }

  TestHandler handler_;
  std::atomic<int> accepted_count_ = 0;
  std::mutex mutex_;
  std::shared_ptr<Connection> accepted_;
};

TEST_F(BlockingClientTest, CallsShareAConnection) {
  Serve();
  auto client = Client();
  auto got = client->Do("GET", "/hello?x=1");
  ASSERT_TRUE(got) << got.error().message << " " << got.error().detail;
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->body, "/hello?x=1");
  EXPECT_EQ(got->fields.Get("content-length"), "10");
  auto missing = client->Do("GET", "/missing");
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->status, 404);
  const std::string body(2'000'000, 'b');
  auto echoed = client->Do("POST", "/echo", {{"content-type", "text/plain"}}, body);
  ASSERT_TRUE(echoed) << echoed.error().message;
  EXPECT_TRUE(echoed->body == body);
  auto deleted = client->Do("DELETE", "/gone");
  ASSERT_TRUE(deleted);
  EXPECT_EQ(accepted_count_, 1);
}

TEST_F(BlockingClientTest, AKeptConnectionThatDiedIsReplaced) {
  Serve();
  auto client = Client();
  ASSERT_TRUE(client->Do("GET", "/one"));
  {
    std::lock_guard lock(mutex_);
    accepted_->Close();
  }
  ASSERT_TRUE(Eventually([&] { return listener_->connections() == 0; }));
  auto again = client->Do("POST", "/two", {}, "x");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(accepted_count_, 2);
}

TEST_F(BlockingClientTest, BoundsItsWaitAndItsMemory) {
  Serve();
  auto options = Options();
  options.timeout = milliseconds(150);
  options.body_bytes_max = 1000;
  auto client = Client(options);
  auto late = client->Do("GET", "/hold");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kDeadlineExceeded);
  auto large = client->Do("POST", "/echo", {}, std::string(2000, 'b'));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::kTooLarge);
  EXPECT_TRUE(client->Do("GET", "/after"));
}

TEST_F(BlockingClientTest, StreamsPiecesAsTheyComeAndStopsWhenTold) {
  Serve();
  auto client = Client();
  std::string got;
  auto whole = client->Stream("POST", "/echo", {}, std::string(500'000, 'b'),
                              [&](std::string_view piece) { return got += piece, true; });
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(got.size(), 500'000u);
  EXPECT_EQ(whole->body, "");
  int pieces = 0;
  auto stopped = client->Stream("POST", "/echo", {}, std::string(500'000, 'b'),
                                [&](std::string_view) { return ++pieces < 2; });
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_EQ(pieces, 2);
  auto missing = client->Stream("GET", "/missing", {}, "",
                                [](std::string_view) { return ADD_FAILURE(), true; });
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->body, "/missing");
}

TEST_F(BlockingClientTest, AnUntrustedCertificateShowsItsFingerprint) {
  Serve();
  TestCa other;
  auto options = Options();
  options.ca_pem = other.pem();
  auto refused = Client(options)->Do("GET", "/");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kFailedPrecondition);
  auto identity = FetchPeerIdentity(options.base_url, milliseconds(5'000));
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_EQ(identity->sha256.size(), 64u);
  EXPECT_EQ(PeerFingerprint(refused.error()), identity->sha256);
  EXPECT_TRUE(identity->chain_pem.starts_with("-----BEGIN CERTIFICATE-----"));
  options.insecure_skip_verify = true;
  EXPECT_TRUE(Client(options)->Do("GET", "/"));
}

TEST_F(BlockingClientTest, AStoppedServerIsAnError) {
  Serve();
  const auto options = Options();
  listener_->StopAccepting();
  ASSERT_TRUE(Eventually([&] { return !PlainSocket(listener_->port()).connected(); }));
  auto refused = Client(options)->Do("GET", "/");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

TEST(ParseBaseUrlTest, Table) {
  const struct {
    const char* url;
    bool good;
    bool tls = true;
    const char* host = "";
    int port = 0;
  } cases[] = {
      {"https://central.example", true, true, "central.example", 443},
      {"https://central.example/", true, true, "central.example", 443},
      {"https://127.0.0.1:8080", true, true, "127.0.0.1", 8080},
      {"https://[::1]:8080/", true, true, "::1", 8080},
      {"https://[::1]", true, true, "::1", 443},
      {"http://localhost:1", true, false, "localhost", 1},
      {"central.example", false},
      {"ftp://central.example", false},
      {"https://", false},
      {"https://:8080", false},
      {"https://a:", false},
      {"https://a:0", false},
      {"https://a:65536", false},
      {"https://a:80x", false},
      {"https://a/path", false},
      {"https://user@a", false},
      {"https://[::1", false},
      {"https://a\r\nb", false},
  };
  for (const auto& c : cases) {
    auto parts = ParseBaseUrl(c.url);
    ASSERT_EQ(parts.has_value(), c.good) << c.url;
    if (!parts) continue;
    EXPECT_EQ(parts->tls, c.tls) << c.url;
    EXPECT_EQ(parts->host, c.host) << c.url;
    EXPECT_EQ(parts->port, c.port) << c.url;
  }
}

}  // namespace
}  // namespace mk8s::net

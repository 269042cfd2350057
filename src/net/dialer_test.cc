// Dialling: which step failed and why, deadlines, proxies.
#include "net/dialer.h"

#include "net/proxy_internal.h"
#include "net/test_server.h"

namespace mk8s::net {
namespace {

class DialerTest : public LoopbackTest {};

TEST_F(DialerTest, DialSaysWhichStepFailed) {
  ListenEcho({});
  const auto port = listener_->port();
  listener_->StopAccepting();
  ASSERT_TRUE(Eventually([&] { return !PlainSocket(port).connected(); }));
  auto refused = DialPort(port, nullptr);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(refused.error().message,
            "cannot connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");

  std::promise<Result<std::shared_ptr<Connection>>> unknown;
  Dial(loops_.at(0), {.host = "no-such-host.invalid", .port = 1}, nullptr, milliseconds(10'000),
       [&](auto result) { unknown.set_value(std::move(result)); });
  auto unresolved = Await(unknown.get_future());
  ASSERT_FALSE(unresolved);
  EXPECT_EQ(unresolved.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(unresolved.error().message.starts_with("cannot resolve no-such-host.invalid"));
}

TEST_F(DialerTest, DialIntoSilenceEndsAtItsDeadline) {
  // Listens, but nobody accepts or answers: the TCP handshake succeeds, TLS hears nothing.
  const int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(silent, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(silent, 1), 0);
  getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size);
  auto late = DialPort(ntohs(address.sin_port), ClientTls(), milliseconds(100));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_NE(late.error().message.find("TLS handshake"), std::string::npos);
  close(silent);
}

TEST_F(DialerTest, DialGoesThroughAProxy) {
  // The "proxy" answers CONNECT, then is the echo itself.
  for (const std::string status :
       {"HTTP/1.1 200 OK", "HTTP/1.1 407 Proxy Authentication Required"}) {
    std::promise<std::string> asked;
    Listen({}, [&](std::shared_ptr<Connection> connection) {
      auto session = std::make_unique<RawSession>();
      auto head = std::make_shared<std::string>();
      session->on_bytes = [&asked, status, head](RawSession& self, std::string_view bytes) {
        const bool done = head->find("\r\n\r\n") != std::string::npos;
        if (done) return self.Send(bytes);
        *head += bytes;
        if (head->find("\r\n\r\n") == std::string::npos) return;
        asked.set_value(*head);
        self.Send(status + "\r\n\r\n");
      };
      connection->Attach(std::move(session), NoDeadlines());
    });
    std::promise<Dialed> promise;
    Dial(loops_.at(0),
         {.host = "central.example",
          .port = 8080,
          .proxy = "http://us%65r:secret@" + listener_->endpoint()},
         nullptr, milliseconds(5'000),
         [&](Dialed result) { promise.set_value(std::move(result)); });
    auto dialed = Await(promise.get_future());
    const std::string head = Await(asked.get_future());
    EXPECT_TRUE(head.starts_with("CONNECT central.example:8080 HTTP/1.1\r\n")) << head;
    EXPECT_NE(head.find("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"), std::string::npos);
    ASSERT_EQ(dialed.has_value(), status.find(" 200 ") != std::string::npos);
    if (dialed) {
      EXPECT_EQ(RoundTrip(*dialed, "through"), "through");
    } else {
      EXPECT_NE(dialed.error().message.find("407"), std::string::npos);
    }
  }
}

TEST(ProxyTest, NoProxyRules) {
  const struct {
    const char* rules;
    const char* host;
    bool covered;
  } cases[] = {
      {"", "a.example", false},           {"*", "a.example", true},
      {"example", "a.example", true},     {"example", "example", true},
      {".example", "a.example", true},    {"*.example", "a.example", true},
      {"xample", "a.example", false},     {"b.example, a.EXAMPLE:443", "A.example", true},
      {"10.0.0.0/8", "10.1.2.3", true},   {"10.0.0.0/8", "11.1.2.3", false},
      {"10.0.0.0/33", "10.1.2.3", false}, {"10.1.2.3", "10.1.2.3", true},
  };
  for (const auto& c : cases) EXPECT_EQ(NoProxyCovers(c.rules, c.host), c.covered) << c.rules;
}

TEST(ProxyTest, UnusableProxiesAreErrors) {
  for (const char* proxy : {"socks5://x:1", "http://", "http://x:port", "http://x:99999", "x:0"}) {
    EXPECT_FALSE(ProxyConnect::Make(proxy, "a:1")) << proxy;
  }
  auto proxy = ProxyConnect::Make("[::1]:8080", "a:1");
  ASSERT_TRUE(proxy);
  EXPECT_EQ(proxy->host(), "::1");
  EXPECT_EQ(proxy->port(), 8080);
}

}  // namespace
}  // namespace mk8s::net

// The pool of connections to one origin, against our own HTTP server.
#include "net/client_pool.h"

#include "net/pooled_request_internal.h"
#include "net/test_handler.h"

namespace mk8s::net {
namespace {

const std::string kCancelled(http::Name(http::ResetReason::kCancel));
const std::string kRefused(http::Name(http::ResetReason::kRefused));
const std::string kLost(http::Name(http::ResetReason::kConnectionLost));

class ClientPoolTest : public LoopbackTest {
 protected:
  ~ClientPoolTest() override {
    DropPool();
    StopLoops();
  }

  void Serve(std::vector<std::string> alpn = {"h2", "http/1.1"}) {
    Listen({.tls = ServerTls({.identity = ca_.Issue(), .alpn = std::move(alpn)})},
           [this](std::shared_ptr<Connection> connection) {
             ++accepted_count_;
             ServeHttp(*connection, handler_);
           });
  }
  ClientPoolOptions Options() {
    return {
        .target = {.host = "127.0.0.1", .port = listener_->port()},
        .tls = std::make_shared<ReloadableTlsContext>(ClientTls({.alpn = {"h2", "http/1.1"}})),
        .upgrade_tls = std::make_shared<ReloadableTlsContext>(ClientTls({.alpn = {"http/1.1"}}))};
  }
  void MakePool(ClientPoolOptions options) {
    DropPool();
    pool_ = std::make_unique<ClientPool>(loops_.at(0), std::move(options));
  }
  void DropPool() {
    if (!pool_) return;
    OnLoop(loops_.at(0), [this] { return pool_.reset(), true; });
  }
  std::shared_ptr<Gathered> Ask(http::RequestHead head, bool end = true, std::string body = {}) {
    auto gathered = std::make_shared<Gathered>();
    OnLoop(loops_.at(0), [&] {
      gathered->stream = pool_->Send(head, end, gathered);
      if (!body.empty()) gathered->stream->SendBody(body);
      if (!end && head.protocol.empty()) gathered->stream->SendEnd();
      return true;
    });
    return gathered;
  }
  std::shared_ptr<Gathered> Get(const std::string& target) {
    return Ask({.method = "GET", .authority = "kube", .target = target});
  }
  template <typename Fn>
  auto InPool(Fn fn) {
    return OnLoop(loops_.at(0), [&] { return fn(*pool_); });
  }

  TestHandler handler_;
  std::atomic<int> accepted_count_ = 0;
  std::unique_ptr<ClientPool> pool_;
};

TEST_F(ClientPoolTest, RequestsShareOneHttp2Connection) {
  Serve();
  MakePool(Options());
  std::vector<std::shared_ptr<Gathered>> all;
  for (int i = 0; i < 50; ++i) all.push_back(Get("/n" + std::to_string(i)));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(all[i]->Wait(), "");
    EXPECT_EQ(all[i]->head.status, 200);
    EXPECT_EQ(all[i]->body, "/n" + std::to_string(i));
  }
  EXPECT_EQ(accepted_count_, 1);
}

TEST_F(ClientPoolTest, Http1OriginsGetAConnectionPerRequestAndReuseIt) {
  Serve({"http/1.1"});
  auto options = Options();
  options.connections_max = 4;
  MakePool(options);
  std::vector<std::shared_ptr<Gathered>> all;
  for (int i = 0; i < 20; ++i) all.push_back(Get("/n" + std::to_string(i)));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(all[i]->Wait(), "");
    EXPECT_EQ(all[i]->body, "/n" + std::to_string(i));
  }
  EXPECT_LE(accepted_count_, 4);
}

TEST_F(ClientPoolTest, ABodyWrittenBeforeTheConnectionStandsIsKept) {
  for (const char* alpn : {"h2", "http/1.1"}) {
    Serve({alpn});
    MakePool(Options());
    const std::string body(300'000, 'b');
    auto answer = Ask({.method = "POST", .authority = "kube", .target = "/echo"}, false, body);
    EXPECT_EQ(answer->Wait(), "") << alpn;
    EXPECT_EQ(answer->body.size(), body.size());
    EXPECT_EQ(answer->sent, body.size());
  }
}

// The asker is told in a later turn; a connection that comes up before that must not send it.
TEST_F(ClientPoolTest, WhatIsResetWhileItWaitsIsOverAtOnce) {
  Serve();
  auto asker = std::make_shared<Gathered>();
  const auto request = std::make_shared<PooledRequest>(
      std::weak_ptr<PooledRequest::Owner>(),
      http::RequestHead{.method = "GET", .authority = "kube", .target = "/", .protocol = "spdy"},
      false, asker);
  EXPECT_TRUE(OnLoop(loops_.at(0), [&] {
    request->Reset(http::ResetReason::kCancel);
    return request->over();
  }));
  EXPECT_EQ(asker->Wait(), kCancelled);
}

TEST_F(ClientPoolTest, AnUpgradeHasItsOwnHttp1Connection) {
  Serve();
  MakePool(Options());
  EXPECT_EQ(Get("/warm")->Wait(), "");
  auto exec = std::make_shared<Gathered>();
  std::promise<void> echoed;
  exec->on_body = [&] {
    if (exec->body == "typed") echoed.set_value();
  };
  OnLoop(loops_.at(0), [&] {
    exec->stream = pool_->Send(
        {.method = "GET", .authority = "kube", .target = "/exec", .protocol = "websocket"}, false,
        exec);
    exec->stream->SendBody("typed");
    return true;
  });
  Await(echoed.get_future());
  EXPECT_EQ(exec->head.status, 101);
  EXPECT_EQ(InPool([](ClientPool& pool) { return pool.connections(); }), 2u);
  OnLoop(loops_.at(0), [&] { return exec->stream->SendEnd(), true; });
  EXPECT_EQ(exec->Wait(), "");
  EXPECT_TRUE(
      Eventually([&] { return InPool([](ClientPool& pool) { return pool.connections(); }) == 1; }));
  EXPECT_EQ(accepted_count_, 2);

  auto forbidden =
      Ask({.method = "GET", .authority = "kube", .target = "/forbidden", .protocol = "websocket"},
          false);
  forbidden->Wait();
  EXPECT_EQ(forbidden->head.status, 403);
}

TEST_F(ClientPoolTest, AnUnreachableOriginRefusesAtOnceAndSaysWhy) {
  Serve();
  const auto port = listener_->port();
  auto options = Options();
  listener_->StopAccepting();
  ASSERT_TRUE(Eventually([&] { return !PlainSocket(port).connected(); }));
  MakePool(options);
  const auto begin = std::chrono::steady_clock::now();
  auto one = Get("/x");
  auto upgrade = Ask(
      {.method = "GET", .authority = "kube", .target = "/exec", .protocol = "websocket"}, false);
  EXPECT_EQ(one->Wait(), kRefused);
  EXPECT_EQ(upgrade->Wait(), kRefused);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(3'000));
  const Error why = InPool([](ClientPool& pool) { return pool.LastError(); });
  EXPECT_NE(why.message.find("Connection refused"), std::string::npos) << why.message;
}

TEST_F(ClientPoolTest, AnUntrustedOriginIsRefused) {
  Serve();
  TestCa other;
  auto options = Options();
  options.tls =
      std::make_shared<ReloadableTlsContext>(ClientTls({.ca_pem = other.pem(), .alpn = {"h2"}}));
  MakePool(options);
  EXPECT_EQ(Get("/x")->Wait(), kRefused);
  const Error why = InPool([](ClientPool& pool) { return pool.LastError(); });
  EXPECT_EQ(why.code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(handler_.requests, 0);
}

TEST_F(ClientPoolTest, BeyondItsBoundsRequestsWaitThenAreRefused) {
  Serve({"http/1.1"});
  auto options = Options();
  options.connections_max = 1;
  options.waiting_max = 2;
  options.dial_deadline = milliseconds(400);
  MakePool(options);
  auto held = Get("/hold");
  ASSERT_TRUE(Eventually([&] { return handler_.held == 1; }));
  auto waits1 = Get("/w1"), waits2 = Get("/w2"), beyond = Get("/w3");
  EXPECT_EQ(beyond->Wait(), kRefused);
  EXPECT_EQ(InPool([](ClientPool& pool) { return pool.waiting(); }), 2u);
  EXPECT_EQ(waits1->Wait(), kRefused);
  EXPECT_EQ(waits2->Wait(), kRefused);
  // Room again: the holder goes, its connection with it, and the next is served on another.
  OnLoop(loops_.at(0), [&] { return held->stream->Reset(http::ResetReason::kCancel), true; });
  EXPECT_EQ(Get("/after")->Wait(), "");
}

TEST_F(ClientPoolTest, AWaitingRequestCanBeReset) {
  Serve({"http/1.1"});
  auto options = Options();
  options.connections_max = 1;
  MakePool(options);
  auto held = Get("/hold");
  ASSERT_TRUE(Eventually([&] { return handler_.held == 1; }));
  auto waits = Get("/w1");
  OnLoop(loops_.at(0), [&] { return waits->stream->Reset(http::ResetReason::kCancel), true; });
  EXPECT_EQ(waits->Wait(), kCancelled);
  DropPool();
  EXPECT_EQ(held->Wait(), kLost);
  EXPECT_TRUE(Eventually([&] { return handler_.held == 0; }));
}

TEST_F(ClientPoolTest, NothingIsRetriedOnceDispatched) {
  Serve();
  MakePool(Options());
  auto held = Get("/hold");
  ASSERT_TRUE(Eventually([&] { return handler_.held == 1; }));
  const int before = handler_.requests;
  OnLoop(loops_.at(0), [&] { return true; });
  listener_->Drain(milliseconds(50));
  EXPECT_EQ(held->Wait(), kLost);
  EXPECT_EQ(handler_.requests, before);
}

TEST_F(ClientPoolTest, AConnectionDialledBeforeRenewIsNotTakenIn) {
  Serve();
  MakePool(Options());
  auto answer = std::make_shared<Gathered>();
  InPool([&](ClientPool& pool) {
    answer->stream =
        pool.Send({.method = "GET", .authority = "kube", .target = "/x"}, true, answer);
    pool.Renew();
    return true;
  });
  EXPECT_EQ(answer->Wait(), "");
  EXPECT_EQ(accepted_count_, 2);
}

TEST_F(ClientPoolTest, IdleConnectionsCloseAndRenewedOnesFinish) {
  Serve();
  auto options = Options();
  options.idle = milliseconds(100);
  MakePool(options);
  EXPECT_EQ(Get("/x")->Wait(), "");
  EXPECT_TRUE(
      Eventually([&] { return InPool([](ClientPool& pool) { return pool.connections(); }) == 0; }));
  EXPECT_TRUE(Eventually([&] { return listener_->connections() == 0; }));

  auto held = Get("/hold");
  ASSERT_TRUE(Eventually([&] { return handler_.held == 1; }));
  InPool([](ClientPool& pool) { return pool.Renew(), true; });
  EXPECT_EQ(Get("/y")->Wait(), "");
  EXPECT_EQ(accepted_count_, 3);
  EXPECT_EQ(handler_.held, 1);
  OnLoop(loops_.at(0), [&] { return held->stream->Reset(http::ResetReason::kCancel), true; });
  EXPECT_TRUE(Eventually([&] { return listener_->connections() == 0; }));
}

}  // namespace
}  // namespace mk8s::net

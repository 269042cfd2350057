// A central and an API server of the test's own, on loopback, for agent_test.cc.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "agent/agent_messages.h"
#include "base/error_mapping.h"
#include "base/limits.h"
#include "gateway/loop_timer.h"
#include "gateway/tunnel_message.h"
#include "grpc/client.h"
#include "grpc/server.h"
#include "h2/session.h"
#include "mk8s/agent/v1/agent.pb.h"
#include "net/http_server.h"
#include "net/listener.h"
#include "pki/certificate_authority.h"

namespace mk8s::agent {

/// Waits, at most 20 s.
template <typename Condition>
bool Eventually(Condition condition) {
  for (int i = 0; i < 4000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return condition();
}

/// A response, collected.
class Collected : public http::ResponseEvents {
 public:
  http::ResponseHead head{.status = 0};
  std::string body;
  std::promise<bool> done;  // false: reset
  std::shared_ptr<http::Stream> stream;

  void OnHead(http::ResponseHead h, bool end) override {
    head = std::move(h);
    if (end) done.set_value(true);
  }
  void OnBody(std::string_view bytes) override {
    body += bytes;
    if (stream) stream->Consume(bytes.size());
  }
  void OnEnd(const http::Fields&) override { done.set_value(true); }
  void OnReset(http::ResetReason) override { done.set_value(false); }
  void OnSent(std::size_t) override {}
};

/// Answers what the agent asks of its cluster, and echoes the heads of all else.
class FakeApiServer : public http::Handler {
 public:
  explicit FakeApiServer(net::LoopGroup& loops) {
    listener_ = *net::Listener::Listen(loops, {.bind_address = "127.0.0.1"},
                                       [this](const std::shared_ptr<net::Connection>& connection) {
                                         net::ServeHttp(*connection, *this);
                                       });
  }
  std::uint16_t port() const { return listener_->port(); }
  std::map<std::string, http::RequestHead> seen() {  // by target
    const std::lock_guard lock(mutex_);
    return seen_;
  }

  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool, std::shared_ptr<http::ResponseStream> stream) override {
    {
      const std::lock_guard lock(mutex_);
      seen_[head.target] = head;
    }
    std::string body = R"({"kind":"PodList"})";
    int status = 200;
    if (head.target == "/version") body = R"({"gitVersion":"v1.36.0","platform":"linux/amd64"})";
    if (head.target.starts_with("/api/v1/nodes")) {
      body = R"({"metadata":{"remainingItemCount":2},"items":[{}]})";
    }
    if (head.target == "/unauthorized") status = 401;
    stream->SendHead({.status = status,
                      .fields = {{"content-type", "application/json"},
                                 {"content-length", std::to_string(body.size())}}},
                     false);
    stream->SendBody(body);
    stream->SendEnd();
    class Ignored : public http::StreamEvents {
      void OnBody(std::string_view) override {}
      void OnEnd(const http::Fields&) override {}
      void OnReset(http::ResetReason) override {}
      void OnSent(std::size_t) override {}
    };
    return std::make_shared<Ignored>();
  }

 private:
  std::mutex mutex_;
  std::map<std::string, http::RequestHead> seen_;
  std::unique_ptr<net::Listener> listener_;
};

/// Registers agents with the token "good", takes heartbeats, asks over their tunnels.
class FakeCentral {
 public:
  explicit FakeCentral(net::LoopGroup& loops)
      : loop_(loops.at(0)),
        timer_(loop_),
        ca_(*pki::CertificateAuthority::Create("test", std::chrono::hours(1), Now())) {
    server_.AddUnary(std::string(kRegisterPath), [this](auto& context, auto request, auto reply) {
      Register(context, request, reply);
    });
    server_.AddUnary(std::string(kHeartbeatPath), [this](auto&, auto request, auto reply) {
      if (refuse_heartbeats.exchange(false)) {
        return reply(MakeError(ErrorCode::kUnauthenticated, "rotated"));
      }
      v1::HeartbeatRequest message;
      message.ParseFromString(request);
      last_node_count = message.metadata().node_count();
      ++heartbeats;
      v1::HeartbeatResponse response;
      response.set_interval_ms(100);
      reply(response.SerializeAsString());
    });
    server_.AddUnary(std::string(kRenewPath), [this](auto&, auto request, auto reply) {
      v1::RenewCertificateRequest message;
      message.ParseFromString(request);
      v1::RenewCertificateResponse response;
      response.set_certificate_pem(Certificate(message.csr_der()));
      ++renewals;
      reply(response.SerializeAsString());
    });
    const auto leaf = *ca_.IssueServerCertificate({"127.0.0.1"}, std::chrono::hours(1), Now());
    const auto tls = net::TlsContext::Server(
        {.identity = {leaf.certificate_pem, leaf.key_pem},
         .alpn = {std::string(net::kAlpnTunnel), std::string(net::kAlpnHttp2)},
         .client_ca_pem = ca_.certificate_pem(),
         .client_auth = net::ClientAuth::kOptional});
    listener_ = *net::Listener::Listen(
        loops,
        {.bind_address = "127.0.0.1", .tls = std::make_shared<net::ReloadableTlsContext>(*tls)},
        [this](const std::shared_ptr<net::Connection>& connection) { Accept(connection); });
  }

  std::uint16_t port() const { return listener_->port(); }
  const std::string& ca_pem() const { return ca_.certificate_pem(); }

  /// Asks over a tunnel and waits.  A status of 0: reset, or no tunnel.
  std::shared_ptr<Collected> Ask(const http::RequestHead& head, bool end = true) {
    auto events = std::make_shared<Collected>();
    auto done = events->done.get_future();
    loop_.Post([this, head, end, events] {
      if (tunnels_.empty()) return events->done.set_value(false);
      events->stream = tunnels_.front().second->Send(head, end, events);
    });
    EXPECT_EQ(done.wait_for(std::chrono::seconds(20)), std::future_status::ready);
    return events;
  }
  Result<std::string> Call(std::string_view path) {
    auto answer = std::make_shared<std::promise<Result<std::string>>>();
    loop_.Post([this, path, answer] {
      grpc::UnaryCall(*tunnels_.front().second, timer_, path, "", {.authority = "agent"},
                      [answer](Result<std::string> result) { answer->set_value(result); });
    });
    return answer->get_future().get();
  }
  int TunnelsOpen() {
    std::promise<int> open;
    loop_.Post([&] { open.set_value(static_cast<int>(tunnels_.size())); });
    return open.get_future().get();
  }
  void CloseTunnels() {
    loop_.Post([this] {
      for (const auto& tunnel : std::exchange(tunnels_, {})) tunnel.first->Close();
    });
  }

  static constexpr int kTunnelsWanted = limits::kTunnelConnectionsMax;

  std::atomic<int> registrations{0}, heartbeats{0}, renewals{0}, tunnels_opened{0}, refused{0};
  std::atomic<std::int64_t> last_previous_epoch{-1};
  std::atomic<int> last_node_count{-1}, tunnels_with_wrong_identity{0};
  std::atomic<bool> refuse_heartbeats{false};
  std::atomic<int> certificate_life_s{3600};

 private:
  static WallTime Now() { return SystemClock().Now(); }

  std::string Certificate(const std::string& csr_der) {
    return *ca_.SignAgentCertificate(
        csr_der, {"0b9f2a54-6f5f-4c1e-9a53-7d1c0f0e1a2b", "dev", 1, registrations},
        std::chrono::seconds(certificate_life_s), Now());
  }

  void Register(grpc::CallContext&, const std::string& request, const grpc::Reply& reply) {
    v1::RegisterRequest message;
    message.ParseFromString(request);
    if (message.token() != "good") {
      ++refused;
      return reply(MakeError(ErrorCode::kUnauthenticated, "the token is not valid"));
    }
    last_previous_epoch = message.previous_epoch();
    ++registrations;
    v1::RegisterResponse response;
    response.set_cluster_id("0b9f2a54-6f5f-4c1e-9a53-7d1c0f0e1a2b");
    response.set_certificate_pem(Certificate(message.csr_der()));
    response.set_epoch(registrations);
    response.set_tunnel_connections(kTunnelsWanted);
    response.set_heartbeat_interval_ms(100);
    reply(response.SerializeAsString());
  }

  void Accept(const std::shared_ptr<net::Connection>& connection) {
    if (connection->alpn() == net::kAlpnTunnel) {
      const auto* peer = connection->peer_certificate();
      const auto identity =
          pki::ParseAgentIdentity(peer == nullptr ? std::span<const std::string>() : peer->uris);
      if (!identity || identity->epoch != registrations) ++tunnels_with_wrong_identity;
      return connection->Handoff(loop_, [this](const std::shared_ptr<net::Connection>& moved) {
        auto session = h2::Session::Client();
        tunnels_.emplace_back(moved, session.get());
        moved->Attach(std::move(session), net::Deadlines::Tunnel());
        moved->SetOnClosed([this, raw = moved.get()](const Error&) {
          std::erase_if(tunnels_, [raw](const auto& tunnel) { return tunnel.first.get() == raw; });
        });
        ++tunnels_opened;
      });
    }
    struct Held {
      Held(const grpc::Server& server, net::Loop& loop)
          : timer(loop), handler(server, timer, std::any()) {}
      gateway::LoopTimer timer;
      grpc::ConnectionHandler handler;
    };
    const auto held = std::make_shared<Held>(server_, connection->loop());
    connection->Attach(h2::Session::Server(held->handler), net::Deadlines::Server(false));
    connection->SetOnClosed([held](const Error&) {});
  }

  net::Loop& loop_;
  gateway::LoopTimer timer_;
  const pki::CertificateAuthority ca_;
  grpc::Server server_;
  std::vector<std::pair<std::shared_ptr<net::Connection>, h2::Session*>> tunnels_;  // loop_ only
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace mk8s::agent

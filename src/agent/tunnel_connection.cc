// See tunnel_connection.h.
#include "agent/tunnel_connection.h"

#include "base/limits.h"
#include "base/log.h"
#include "h2/session.h"

namespace mk8s::agent {

TunnelConnection::TunnelConnection(net::Loop& loop, net::DialTarget central, http::Handler& handler,
                                   Status& status, std::function<void()> on_lost)
    : loop_(loop),
      central_(std::move(central)),
      handler_(handler),
      status_(status),
      on_lost_(std::move(on_lost)) {}

void TunnelConnection::Start(std::shared_ptr<const net::TlsContext> tls) {
  if (draining_) return;
  tls_ = std::move(tls);
  backoff_.Reset();
  if (const auto old = std::exchange(connection_, nullptr)) {
    status_.tunnels_open.fetch_sub(1, std::memory_order_relaxed);
    old->Close();
  }
  Dial();
}

void TunnelConnection::Resume(std::shared_ptr<const net::TlsContext> tls) {
  if (draining_ || tls_) return;
  tls_ = std::move(tls);
  if (!connection_) Dial();  // else its last requests end first, and OnClosed dials
}

void TunnelConnection::PauseIfIdle() {
  const http::Session* session = connection_ ? connection_->session() : nullptr;
  if (session == nullptr || session->OpenStreams() == 0) Pause();
}

void TunnelConnection::Pause() {
  StopDialing();
  if (connection_) connection_->Shutdown(limits::kShutdownGrace);
}

void TunnelConnection::Drain(std::chrono::milliseconds grace) {
  draining_ = true;
  StopDialing();
  if (connection_) connection_->Shutdown(grace);
}

void TunnelConnection::StopDialing() {
  tls_.reset();
  retry_.Cancel();
  ++attempt_;
}

void TunnelConnection::Dial() {
  retry_.Cancel();
  net::Dial(loop_, central_, tls_, limits::kDialDeadline,
            [this, attempt = ++attempt_](Result<std::shared_ptr<net::Connection>> dialed) {
              if (attempt == attempt_) return OnDialed(std::move(dialed));
              if (dialed) (*dialed)->Close();
            });
}

void TunnelConnection::OnDialed(Result<std::shared_ptr<net::Connection>> dialed) {
  if (dialed && (*dialed)->alpn() != net::kAlpnTunnel) {
    (*dialed)->Close();
    dialed = MakeError(ErrorCode::kFailedPrecondition,
                       "what answers there is not central's port for agents (grpc_port)");
  }
  if (!dialed) {
    Count(status_.connect_failures);
    const auto delay = backoff_.Next();
    log::Warn("cannot open a tunnel to central", {{"central", central_.ToString()},
                                                  {"error", dialed.error()},
                                                  {"next_attempt_in", FormatDuration(delay)}});
    return DialAfter(delay);
  }
  connection_ = std::move(*dialed);
  backoff_.Up();
  status_.tunnels_open.fetch_add(1, std::memory_order_relaxed);
  connection_->Attach(h2::Session::Server(handler_, h2::Options::Tunnel()),
                      net::Deadlines::Tunnel());
  log::Info("tunnel open", {{"central", connection_->peer_endpoint()}, {"loop", loop_.index()}});
  connection_->SetOnClosed([this, raw = connection_.get()](const Error& why) {
    if (connection_.get() == raw) OnClosed(why);
  });
}

void TunnelConnection::OnClosed(const Error& why) {
  connection_.reset();
  status_.tunnels_open.fetch_sub(1, std::memory_order_relaxed);
  if (draining_ || !tls_) return log::Info("tunnel closed", {{"reason", why}});
  const auto delay = backoff_.Next();
  log::Warn("tunnel lost", {{"central", central_.ToString()},
                            {"reason", why},
                            {"next_attempt_in", FormatDuration(delay)}});
  DialAfter(delay);
  on_lost_();
}

void TunnelConnection::DialAfter(std::chrono::milliseconds delay) {
  retry_ = loop_.After(delay, [this] { Dial(); });
}

}  // namespace mk8s::agent

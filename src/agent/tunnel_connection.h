// One tunnel connection: dialled to central over mutual TLS with ALPN mk8s-tunnel/1, then serving
// HTTP/2, so that central asks and the agent answers.  Comes back by itself after a loss.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "agent/backoff.h"
#include "agent/status.h"
#include "http/stream.h"
#include "net/connection.h"
#include "net/dialer.h"
#include "net/loop.h"
#include "net/tls.h"

namespace mk8s::agent {

/// Loop thread only.  Must outlive its loop's run.
class TunnelConnection {
 public:
  /// `on_lost` is called when an open connection is lost that was meant to stay.
  TunnelConnection(net::Loop& loop, net::DialTarget central, http::Handler& handler, Status& status,
                   std::function<void()> on_lost);

  /// A new registration: drops the connection of the one before and dials now.
  void Start(std::shared_ptr<const net::TlsContext> tls);
  /// Dials if it is paused.
  void Resume(std::shared_ptr<const net::TlsContext> tls);
  /// A renewed certificate, for the next dial; an open connection goes on.  Not while paused.
  void Use(std::shared_ptr<const net::TlsContext> tls) {
    if (tls_) tls_ = std::move(tls);
  }
  /// The registration is not good any more: no dial until Start.  An open connection takes no new
  /// requests and ends with those under way.
  void Pause();
  /// Pause, unless a request is under way.
  void PauseIfIdle();
  /// No new requests; closes when the open ones ended or `grace` is over.
  void Drain(std::chrono::milliseconds grace);

 private:
  void StopDialing();
  void Dial();
  void OnDialed(Result<std::shared_ptr<net::Connection>> dialed);
  void OnClosed(const Error& why);
  void DialAfter(std::chrono::milliseconds delay);

  net::Loop& loop_;
  const net::DialTarget central_;
  http::Handler& handler_;
  Status& status_;
  const std::function<void()> on_lost_;
  Backoff backoff_;
  net::Timer retry_;
  std::shared_ptr<const net::TlsContext> tls_;  // null: paused
  std::shared_ptr<net::Connection> connection_;
  std::uint64_t attempt_ = 0;  // tells results of an abandoned dial apart
  bool draining_ = false;
};

}  // namespace mk8s::agent

// Pooled client to one origin, on one loop: the agent's way to kube-apiserver.  Requests share
// HTTP/2 connections; each upgrade gets an HTTP/1.1 connection of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "base/limits.h"
#include "http/stream.h"
#include "net/dialer.h"
#include "net/loop.h"
#include "net/tls.h"

namespace mk8s::net {

struct ClientPoolOptions {
  DialTarget target;
  // Separate contexts because ALPN differs: `tls` offers h2 and http/1.1, `upgrade_tls` http/1.1
  // only.  Both null: plaintext HTTP/1.1.
  std::shared_ptr<const ReloadableTlsContext> tls;
  std::shared_ptr<const ReloadableTlsContext> upgrade_tls;
  // Upgrades too go over the shared HTTP/2 connections, as extended CONNECT (RFC 8441).
  bool upgrades_shared = false;
  std::chrono::milliseconds dial_deadline = limits::kDialDeadline;
  std::chrono::milliseconds idle = limits::kIdleConnection;
  std::size_t connections_max = limits::kPooledConnectionsMax;
  std::size_t upgrades_max = limits::kPooledUpgradesMax;
  std::size_t waiting_max = limits::kPooledRequestsWaitingMax;
};

/// Loop thread only.
class ClientPool {
 public:
  ClientPool(Loop& loop, ClientPoolOptions options);
  /// Closes every connection; streams get OnReset(kConnectionLost).
  ~ClientPool();

  /// As http::ClientSession::Send.  While a connection is being opened the request waits, at most
  /// dial_deadline, with up to limits::kSendQueueBytes of its body.  It fails with
  /// OnReset(kRefused) when nothing of it was sent: the origin is not reachable or a bound is hit
  /// (LastError says which).  Nothing is sent twice, except what the peer refused (kRefused) before
  /// any body byte was given to it, once.
  std::shared_ptr<http::Stream> Send(const http::RequestHead& head, bool end,
                                     std::shared_ptr<http::ResponseEvents> events);

  /// Why the newest dial failed; code kUnavailable with an empty message when none has.
  Error LastError() const;
  std::size_t connections() const;
  std::size_t waiting() const;
  /// New requests get new connections; the open ones finish their streams and close (after a change
  /// of certificate or token).
  void Renew();

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace mk8s::net

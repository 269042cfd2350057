// One TCP connection, with or without TLS, driving one http::Session: socket -> SSL_read ->
// Receive, Produce -> SSL_write -> socket.  It lives on one loop; every member but Close and
// Shutdown (which find their way there) is for that loop's thread.
//
// The loop keeps it alive while the socket is open.  An idle connection holds no buffers: reads go
// through one buffer a loop, writes too unless the peer is slow.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"
#include "http/session.h"
#include "net/loop.h"
#include "net/tls.h"

namespace mk8s::net {

/// Bounds on a connection's waits; zero turns one off.
struct Deadlines {
  // From Attach to the first open stream: slow headers end here, whatever trickles in.
  std::chrono::milliseconds first_request = limits::kHeaderDeadline;
  // HTTP/1.1: from the first byte after an exchange to the next one.  Off for HTTP/2, where bytes
  // without a stream are ordinary (PING, WINDOW_UPDATE); the idle deadline bounds that.
  std::chrono::milliseconds next_request{0};
  // Without an open stream.
  std::chrono::milliseconds idle = limits::kIdleConnection;
  // The peer takes nothing while bytes wait for it.
  std::chrono::milliseconds write_stall = limits::kWriteStall;
  // Session::Ping this often; dead when it is unanswered and nothing else came for ping_answer.
  std::chrono::milliseconds ping_interval{0};
  std::chrono::milliseconds ping_answer = limits::kPingDeadline;

  /// Serving requests on HTTP/1.1 or HTTP/2.
  static Deadlines Server(bool http1);
  /// Asking on a pooled connection: idle only.
  static Deadlines Client();
  /// A tunnel, either end: never idle, kept alive by PING.
  static Deadlines Tunnel();
};

class Connection {
 public:
  virtual ~Connection() = default;

  virtual Loop& loop() const = 0;
  /// "203.0.113.7" or "2001:db8::1"; IPv4-mapped addresses as IPv4.
  virtual const std::string& peer_ip() const = 0;
  /// "203.0.113.7:41234" or "[2001:db8::1]:41234".
  virtual const std::string& peer_endpoint() const = 0;
  /// Negotiated protocol; empty without ALPN or TLS.
  virtual std::string_view alpn() const = 0;
  virtual bool encrypted() const = 0;
  /// Null when the peer showed none.
  virtual const PeerCertificate* peer_certificate() const = 0;

  /// From here on `session` gets the bytes.  Once; before that nothing is read, and a connection
  /// that gets no session within limits::kHeaderDeadline is closed.
  virtual void Attach(std::unique_ptr<http::Session> session, const Deadlines& deadlines) = 0;
  /// The attached session while the connection is open, else null.
  virtual http::Session* session() const = 0;

  /// Before Attach: moves the connection to `to`; `then` runs there with it, unless it died on the
  /// way.
  virtual void Handoff(Loop& to, std::function<void(std::shared_ptr<Connection>)> then) = 0;

  /// `why` is what ended it; kCancelled after our own Close or a finished session.  Runs once, on
  /// the loop; at once if it is closed already.
  virtual void SetOnClosed(std::function<void(const Error& why)> on_closed) = 0;

  /// Closes at once: streams are reset.  Thread-safe.
  virtual void Close() = 0;
  /// Drains the session, and closes when it finished or `grace` is over.  Thread-safe.
  virtual void Shutdown(std::chrono::milliseconds grace) = 0;

  virtual bool closed() const = 0;
  virtual std::uint64_t received_bytes() const = 0;
  virtual std::uint64_t sent_bytes() const = 0;
};

}  // namespace mk8s::net

// A protocol engine without I/O (sans-I/O, https://sans-io.readthedocs.io): bytes in, bytes out.
// net::Connection drives it over TLS; unit tests and fuzzers drive it with strings.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/stream.h"

namespace mk8s::http {

class Session {
 public:
  virtual ~Session() = default;

  /// Bytes from the peer; takes all of them.  On an error the transport flushes what Produce still
  /// gives, then closes.
  virtual Result<void> Receive(std::string_view bytes) = 0;

  /// The peer ended its direction (TLS close_notify or FIN).
  virtual void ReceiveEof() = 0;

  /// Appends bytes to send to `out` until there are none or out.size() >= out_max.  Calls OnSent of
  /// the streams concerned.
  virtual void Produce(std::string& out, std::size_t out_max) = 0;

  /// The transport died or was closed: every stream gets OnReset(kConnectionLost).  Call exactly
  /// once, last.
  virtual void ConnectionLost() = 0;

  /// False while so much is unconsumed that the transport should leave bytes in the socket
  /// (HTTP/1.1; HTTP/2 has windows).
  virtual bool WantsRead() const = 0;

  /// True once nothing more will be sent or received: flush, then close.
  virtual bool Finished() const = 0;

  /// True once our direction ended while the other goes on (an upgraded HTTP/1.1 connection): after
  /// the flush the transport sends close_notify and FIN but keeps reading.
  virtual bool WantsHalfClose() const = 0;

  /// Stop taking new requests, let the open ones finish, then be Finished (GOAWAY; Connection:
  /// close).
  virtual void Drain() = 0;

  /// Streams or exchanges that are open; the transport's idle deadline counts only while this is 0.
  virtual std::size_t OpenStreams() const = 0;

  /// Keepalive: asks the peer for a sign of life and calls `on_answer` when it comes (HTTP/2 PING).
  /// False where the protocol has none, or one is already on its way.
  virtual bool Ping(std::function<void()> on_answer) = 0;

  /// Called by the session, from any of the calls above or from a Stream's, when Produce has
  /// something new to give or WantsRead turned true again.  The transport schedules a flush for the
  /// end of this turn of the loop; it must not call back synchronously.  Set once before the first
  /// call.
  void SetWakeup(std::function<void()> wakeup) { wakeup_ = std::move(wakeup); }

 protected:
  void Wakeup() {
    if (wakeup_) wakeup_();
  }

 private:
  std::function<void()> wakeup_;
};

}  // namespace mk8s::http

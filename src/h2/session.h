// An HTTP/2 connection (RFC 9113) without I/O, either role: central's front and the agent's end of
// the tunnel serve, central's end of the tunnel and the agent's connection to kube-apiserver ask.
// The role is that of HTTP and does not depend on who dialled: on a tunnel the agent dials and
// serves.
//
// net::Connection drives it by http::Session; handlers see http::Stream.  Everything happens on the
// connection's loop.  Events come only out of Receive, Produce and ConnectionLost.
//
// Flow control (http/stream.h): a stream's window is given back by Consume alone.  The connection's
// is given back at once while less than limits::kConnectionUnconsumedBytesMax is unconsumed, so a
// stalled reader does not stop the other streams; above that by Consume alone, so memory is
// bounded, and streams whose reader stands still are reset (limits::kStalledReader).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/limits.h"
#include "http/session.h"
#include "http/stream.h"

namespace mk8s::h2 {

struct Options {
  // Requests that the peer may have open (SETTINGS_MAX_CONCURRENT_STREAMS).  Server only.
  std::uint32_t peer_streams_max = limits::kStreamsPerClientConnection;
  // Whether the peer may ask for upgrades by extended CONNECT (RFC 8441).  Server only.
  bool enable_connect_protocol = true;
  std::size_t stream_window_bytes = limits::kStreamWindowBytes;
  std::size_t connection_window_bytes = limits::kConnectionWindowBytes;
  std::size_t connection_unconsumed_bytes_max = limits::kConnectionUnconsumedBytesMax;
  // Size as RFC 9113 section 6.5.2 counts it, and number, of a message's header fields.
  std::size_t header_bytes_max = limits::kHeaderBytesMax;
  std::size_t header_fields_max = limits::kHeaderFieldsMax;
  std::size_t target_bytes_max = limits::kTargetBytesMax;
  // Frames in 10 s that cost work but move nothing; over: GOAWAY(ENHANCE_YOUR_CALM).
  std::uint32_t housekeeping_frames_max = limits::kHousekeepingFramesMax;
  const Clock* clock = &SystemClock();  // outlives the session

  /// For both ends of a connection that carries many users' requests: a tunnel, or the agent's to
  /// its API server.
  static Options Tunnel() {
    Options options;
    options.peer_streams_max = limits::kStreamsPerTunnelConnection;
    options.housekeeping_frames_max = limits::kHousekeepingFramesPerTunnelMax;
    return options;
  }
};

/// See http::Session and http::ClientSession for the calls.
///
/// Serving: a header section over its bounds is answered by 431, a target over its bound by 414, a
/// CONNECT without :protocol by 405, without the handler hearing of it; malformed requests are
/// reset.  `Host` is the head's authority; cookie fields are joined into one; `expect` is taken out
/// of the head and answered by SendContinue.
///
/// Asking: `head.protocol` makes the request an extended CONNECT, whatever its method.  Send does
/// not queue: a request beyond the peer's stream limit gets OnReset(kRefused), as does an upgrade
/// that the peer does not allow, and each request that a GOAWAY left out.  A server session's
/// CanSend is false.
///
/// Both: connection-specific fields are not sent (RFC 9113 section 8.2.2).  A peer that breaks the
/// protocol is sent GOAWAY, which is logged, and the session is Finished.  Errors of Receive:
/// kResourceExhausted (the peer flooded us), kBadGateway (it does not speak HTTP/2, or the session
/// had ended).
class Session : public http::Session, public http::ClientSession {
 public:
  /// `handler` outlives the session.
  static std::unique_ptr<Session> Server(http::Handler& handler, const Options& options = {});
  static std::unique_ptr<Session> Client(const Options& options = {});

  /// Streams that are open, of either role.
  std::size_t OpenStreams() const override = 0;

  /// Whether the peer's SETTINGS came; before that its limits are guesses.
  virtual bool PeerSettingsSeen() const = 0;
  /// Client: the peer takes extended CONNECT.  False until its SETTINGS came.
  virtual bool PeerAllowsConnectProtocol() const = 0;
};

}  // namespace mk8s::h2

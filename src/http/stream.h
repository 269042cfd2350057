// One HTTP exchange, the same for HTTP/1.1 and HTTP/2, client and server: what the gateway's relay
// is written against.
//
// Threads: a stream, its events and its session belong to one loop; every call happens there.
// Calls into a stream never call back synchronously, except where said; so handlers need no
// re-entrancy care. Ownership: the session holds the events object until OnEnd-and-end-sent or
// OnReset; whoever answers or asks holds the Stream. After OnReset, or after both directions ended,
// calls on a Stream do nothing.  After one's own Reset only OnReset still comes, from a later turn
// and with the same reason; Reset(kNoError) after SendEnd lets what was queued leave first.
//
// Backpressure, both ways, without pause and resume:
//  - received: bytes given to OnBody count against the sender's window until Consume(n) returns
//  them; consume late and the
//    sender stops.  Every byte must be consumed sooner or later, also those one ignores.
//  - sent: SendBody copies; OnSent(n) says that n bytes of them left for the transport.  A writer
//  keeps at most
//    limits::kSendQueueBytes between the two.  A relay holds that bound by consuming on one side
//    what was sent on the other.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "http/message.h"

namespace mk8s::http {

/// Why an exchange broke; on the wire an HTTP/2 error code (RFC 9113 section 7), on HTTP/1.1 a
/// closed connection.
enum class ResetReason {
  kNoError,        // the rest is not needed
  kCancel,         // the caller went away
  kRefused,        // not processed at all; safe to try elsewhere
  kProtocolError,  // the peer broke the protocol, or 101 was answered by something else
  kInternal,
  kFlowControl,      // the peer exceeded its window
  kEnhanceYourCalm,  // a bound of ours
  kConnectionLost,   // local only: the connection died under the stream
};

std::string_view Name(ResetReason reason);

/// What we may do with an exchange.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual void SendBody(std::string_view bytes) = 0;
  /// Ends our direction only: a half-close.  After an accepted upgrade too (HTTP/1.1: TLS
  /// close_notify).
  virtual void SendEnd(const Fields& trailers = {}) = 0;
  virtual void Reset(ResetReason reason) = 0;
  virtual void Consume(std::size_t bytes) = 0;
};

/// The serving side's stream.
class ResponseStream : public Stream {
 public:
  /// Exactly once, before any body.  `end` = no body follows.  Statuses 1xx other than 101 are not
  /// for this call. For an HTTP/1.1 upgrade, status 101 turns both directions into raw bytes.
  virtual void SendHead(const ResponseHead& head, bool end) = 0;
  /// Asks a client that waits on "Expect: 100-continue" for its body; does nothing otherwise.  Call
  /// after authorization.
  virtual void SendContinue() = 0;
};

/// What happens on an exchange; implemented by whoever serves or asks.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  virtual void OnBody(std::string_view bytes) = 0;
  virtual void OnEnd(const Fields& trailers) = 0;
  /// Last call of all.  Also after OnEnd if our own direction was still open.
  virtual void OnReset(ResetReason reason) = 0;
  virtual void OnSent(std::size_t bytes) = 0;
};

/// The asking side's events; OnHead comes before OnBody and OnEnd; `end` = no body follows, and
/// OnEnd is not called.  1xx other than 101 are swallowed.
class ResponseEvents : public StreamEvents {
 public:
  virtual void OnHead(ResponseHead head, bool end) = 0;
};

/// Serves requests: implemented by central's front, the agent's relay, the gRPC server.
class Handler {
 public:
  virtual ~Handler() = default;
  /// `end` = the request has no body, and OnEnd is not called.  The returned events object (never
  /// null) receives the rest. May answer on `stream` before returning.
  virtual std::shared_ptr<StreamEvents> OnRequest(RequestHead head, bool end,
                                                  std::shared_ptr<ResponseStream> stream) = 0;
};

/// A connection on which requests can be made.
class ClientSession {
 public:
  virtual ~ClientSession() = default;
  /// Sends a request; `end` = without a body.  Failure shows as OnReset (kRefused if nothing was
  /// sent), from a later turn.
  virtual std::shared_ptr<Stream> Send(const RequestHead& head, bool end,
                                       std::shared_ptr<ResponseEvents> events) = 0;
  /// Whether Send can succeed now: open, not draining, below the peer's stream limit (HTTP/1.1:
  /// idle).
  virtual bool CanSend() const = 0;
  virtual std::size_t OpenStreams() const = 0;
};

}  // namespace mk8s::http

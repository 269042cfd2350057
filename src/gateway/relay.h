// Joins the exchange that a client opened (downstream) to the one that carries it on (upstream):
// central's front to the tunnel, the agent's end of the tunnel to kube-apiserver.  Both bodies
// stream with backpressure in constant memory: what is received on one side is consumed only when
// it was sent on the other.  Each direction ends on its own; a break on one side resets the other,
// so that a truncated body is never taken for a whole one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/result.h"
#include "http/stream.h"

namespace mk8s::gateway {

enum class RelayEnd {
  kComplete,    // the response was handed on whole
  kClientGone,  // the client reset or left; upstream was reset
  kAnswered,    // upstream failed before its head, or Cut came before it: the error was answered
  kUpstreamBroken,  // upstream broke after its head; the client was reset
  kCut,             // Cut after the head; both were reset
};

std::string_view Name(RelayEnd end);

/// Whom an exchange waits for that may have gone without a word: for its owner to bound.
enum class RelayWait {
  kNone,      // or a reader, whom the connections bound
  kBody,      // the client, for more of the request's body
  kOtherEnd,  // of an upgraded exchange one direction has ended, and the other one is silent
};

struct RelayOutcome {
  RelayEnd end = RelayEnd::kComplete;
  int status = 0;               // that the client was sent; 0: none
  std::uint64_t bytes_in = 0;   // of the request body, received from the client
  std::uint64_t bytes_out = 0;  // of the response body, sent to the client
  std::string reason;           // for the log and the audit, where not kComplete
};

/// Told on the relay's loop, out of a call of the session that moved things; never from within a
/// call into the relay, Cut apart.
class RelayObserver {
 public:
  virtual ~RelayObserver() = default;
  virtual void OnResponseHead(int /*status*/) {}
  /// Exactly once, last of all, also if the relay is dropped unfinished.
  virtual void OnDone(const RelayOutcome& outcome) = 0;
};

/// A whole small response.
struct Answer {
  http::ResponseHead head;
  std::string body;
};

/// Rewrites a response's body as it streams by: the lists of a narrow grant.  Its memory is its own
/// to bound; the relay bounds what waits on either side of it.
class BodyFilter {
 public:
  virtual ~BodyFilter() = default;
  /// Appends to `out` what of the body so far may be handed on; may hold back what is not decided
  /// yet.  An error ends the exchange: an answer while the head is held, else a reset.
  virtual Result<void> Write(std::string_view chunk, std::string& out) = 0;
  /// The body ended.
  virtual Result<void> Finish(std::string& out) = 0;
  /// Whether the head may leave before the first byte did: a watch's reader waits for it.
  virtual bool SendsHeadAtOnce() const = 0;
};

struct RelayHooks {
  /// Makes the answer for an error met before the response head; for a HEAD without a body.
  /// Required.
  std::function<Answer(const Error&)> answer_error;
  /// Maps the response head; an error is answered in its place and upstream is reset.  Optional.
  std::function<Result<http::ResponseHead>(http::ResponseHead)> map_head;
  /// Chooses the filter of a mapped response that has a body; null: it streams as it is.  The hook
  /// map_head has to drop the fields that describe the unfiltered body.  Optional.
  std::function<std::unique_ptr<BodyFilter>(const http::ResponseHead&)> filter_body;
  /// Maps the response's trailers.  Optional; without it they are dropped, as the request's always
  /// are.
  std::function<http::Fields(const http::Fields&)> map_trailers;
};

/// One relayed exchange.  It belongs to one loop, as both its streams do, and lives as long as they
/// hold its events; the owner needs to keep it only for Start and Cut.
class Relay {
 public:
  /// `request_end`: the request has no body, as OnRequest said.  Body bytes that come before Start
  /// wait, bounded by the stream's window.  `observer` may be null.
  static std::shared_ptr<Relay> Make(std::shared_ptr<http::ResponseStream> downstream,
                                     bool request_end, RelayHooks hooks,
                                     std::shared_ptr<RelayObserver> observer);
  virtual ~Relay() = default;

  /// The events of the client's exchange: what Handler::OnRequest returns.
  virtual std::shared_ptr<http::StreamEvents> downstream_events() = 0;

  /// Sends `head` upstream and joins the two.  At most once; does nothing if the client has gone or
  /// Cut was called meanwhile.
  virtual void Start(http::ClientSession& upstream, const http::RequestHead& head) = 0;

  /// Ends the exchange now, for any reason from outside: no upstream, a deadline, a role withdrawn,
  /// a session ended.  Upstream is reset; the client gets the error as an answer, or a reset if the
  /// response has begun.  Does nothing once done.
  virtual void Cut(const Error& why) = 0;

  virtual bool done() const = 0;

  /// What it waits for now, and how many bytes it has moved so far, in both directions.
  virtual RelayWait waits_for() const = 0;
  virtual std::uint64_t moved_bytes() const = 0;
};

}  // namespace mk8s::gateway

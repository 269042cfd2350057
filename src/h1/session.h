// HTTP/1.1 sessions without I/O: the front for clients that do not speak HTTP/2 (kubectl's upgrades
// never do), and the agent's connections to kube-apiserver for upgrades.  net::Connection drives
// them, http::Handler and http::ResponseEvents hear what arrives.
//
// One exchange at a time.  What the peer sends beyond it waits unparsed, within a bound, and then
// WantsRead is false.
//
// Strictness (RFC 9112, and the request-smuggling literature): whatever two parsers could read
// differently is refused: bare LF or CR, folded lines, space before a colon, Content-Length beside
// Transfer-Encoding, repeated Content-Length, any transfer coding but exactly "chunked", control
// bytes, a missing or repeated Host.
#pragma once

#include <cstddef>
#include <memory>

#include "base/limits.h"
#include "http/session.h"
#include "http/stream.h"

namespace mk8s::h1 {

struct Options {
  std::size_t header_bytes_max = limits::kHeaderBytesMax;    // over: 431
  std::size_t header_fields_max = limits::kHeaderFieldsMax;  // over: 431
  std::size_t target_bytes_max = limits::kTargetBytesMax;    // over: 414
  // Received body bytes that may wait for Consume; then WantsRead is false.
  std::size_t window_bytes = limits::kStreamWindowBytes;
};

/// The serving end.  A malformed request is answered here, with a JSON error and a closed
/// connection, and never reaches the handler; a malformed body resets its exchange.
///
/// Upgrades: `head.protocol` is set where Connection names Upgrade with one protocol other than
/// h2c; the handler hears `end` = false.  After SendHead(101) both directions are raw bytes, each
/// ended on its own; bytes that came early are given to OnBody only then.  After any other status
/// the connection closes and nothing behind the request is ever parsed (CVE-2018-1002105).
///
/// A client that ends its direction while a plain exchange is open counts as gone:
/// OnReset(kCancel). Fields `expect` and all that Connection names are not in the head; a
/// Connection that names a field on which a decision could rest (Authorization, Impersonate-*, ...)
/// is answered by 400.
class ServerSession : public http::Session {
 public:
  /// `handler` outlives the session.
  static std::unique_ptr<ServerSession> Make(http::Handler& handler, const Options& options = {});
};

/// The asking end.  A body is framed by the head's Content-Length field, else chunked.  With
/// `head.protocol` the request asks for an upgrade: its body is held back until OnHead(101) and is
/// raw from there on; any other answer is relayed and the connection is not used again.  A request
/// that is answered before it was sent whole gets OnEnd, then OnReset(kNoError).
class ClientSession : public http::Session, public http::ClientSession {
 public:
  static std::unique_ptr<ClientSession> Make(const Options& options = {});
  std::size_t OpenStreams() const override = 0;  // one and the same for both bases
};

}  // namespace mk8s::h1

// Opens connections: resolve on a pool of threads, try the addresses in turn, TLS handshake, all
// under one deadline and without blocking the loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"
#include "net/connection.h"
#include "net/loop.h"
#include "net/tls.h"

namespace mk8s::net {

struct DialTarget {
  std::string host;  // DNS name or IP literal without brackets
  std::uint16_t port = 0;
  // An HTTP proxy to go through by CONNECT, "http://[user:password@]host:port"; empty: directly.
  // ProxyFromEnvironment gives the conventional one.
  std::string proxy;

  /// "host:port", brackets around IPv6.
  std::string ToString() const;
};

/// HTTPS_PROXY or https_proxy, unless NO_PROXY covers `host`; empty for none.  Loopback never goes
/// through a proxy.
std::string ProxyFromEnvironment(std::string_view host);

using OnDialed = std::function<void(Result<std::shared_ptr<Connection>>)>;

/// `on_dialed` runs once, on `loop`, from a later turn; the callee attaches a session.  `tls` null:
/// plaintext.  Thread-safe.
///
/// Errors name the step that failed (resolving, connecting, proxy, TLS handshake) and why:
/// kUnavailable (unknown name, refused, unreachable), kDeadlineExceeded, kFailedPrecondition
/// (certificate not trusted: the message has OpenSSL's reason and the peer's SHA-256 fingerprint,
/// which PeerFingerprint(error) finds again).
void Dial(Loop& loop, DialTarget target, std::shared_ptr<const TlsContext> tls,
          std::chrono::milliseconds deadline, OnDialed on_dialed);

/// The 64 hexadecimal digits from an error of a certificate that was not trusted; else empty.
std::string PeerFingerprint(const Error& error);

}  // namespace mk8s::net

// HTTP CONNECT through a forward proxy (RFC 9110 section 9.3.6), before TLS begins.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mk8s::net {

class ProxyConnect {
 public:
  /// `proxy`: "http://[user:password@]host[:port]", the scheme may be missing.  Error:
  /// kInvalidArgument.
  static Result<ProxyConnect> Make(std::string_view proxy, const std::string& target);

  const std::string& host() const { return host_; }
  std::uint16_t port() const { return port_; }

  /// Call whenever the socket is ready: true once the tunnel stands.  Error: kUnavailable with the
  /// proxy's own status.
  Result<bool> Continue(int fd);

 private:
  Result<bool> Answered() const;

  std::string host_;
  std::uint16_t port_ = 0;
  std::string request_;  // what is left to send
  std::string answer_;
};

/// NO_PROXY's rules as Go and curl share them: "*", "host", ".domain", "domain" (and what is
/// below), IP literals, each with an optional ":port"; CIDR blocks for IPv4.
bool NoProxyCovers(std::string_view no_proxy, std::string_view host);

}  // namespace mk8s::net

// Addresses and options of TCP sockets.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mk8s::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  std::uint16_t port() const;
  std::string Ip() const;  // IPv4-mapped addresses as IPv4
};

/// "127.0.0.1:80", "[::1]:80", "example.com:80".
std::string Endpoint(std::string_view host, std::uint16_t port);

/// From an IP literal.
bool ParseIp(std::string_view ip, std::uint16_t port, SocketAddress& address);

/// What SO_ERROR says: "Connection reset by peer".
Error SocketFailure(int fd);

/// TCP_NODELAY, keepalive and TCP_USER_TIMEOUT.  Set on a listening socket, accepted ones inherit
/// them.
void SetTcpOptions(int fd);

}  // namespace mk8s::net

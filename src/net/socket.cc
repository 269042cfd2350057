// Addresses and options of TCP sockets.
#include <arpa/inet.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/limits.h"
#include "net/socket_internal.h"

namespace mk8s::net {
namespace {

// An idle peer that vanished is found after kKeepAliveIdle + kKeepAliveProbes x kKeepAliveInterval,
// or at TCP_USER_TIMEOUT.  Pings find the dead sooner where we send them.
constexpr int kKeepAliveIdleSeconds = 60;
constexpr int kKeepAliveIntervalSeconds = 15;
constexpr int kKeepAliveProbes = 4;

void SetOption(int fd, int level, int name, int value) {
  setsockopt(fd, level, name, &value, sizeof value);  // an optimisation each: failure is harmless
}

}  // namespace

std::uint16_t SocketAddress::port() const {
  return ntohs(family() == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                                    : reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

std::string SocketAddress::Ip() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text, sizeof text);
    return text;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    inet_ntop(AF_INET, &v6.s6_addr[12], text, sizeof text);
  } else {
    inet_ntop(AF_INET6, &v6, text, sizeof text);
  }
  return text;
}

std::string Endpoint(std::string_view host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string_view::npos;
  std::string text = v6 ? "[" : "";
  text += host;
  if (v6) text += ']';
  return text + ':' + std::to_string(port);
}

bool ParseIp(std::string_view ip, std::uint16_t port, SocketAddress& address) {
  const std::string text(ip);
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.length = sizeof(sockaddr_in);
    return true;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    address.length = sizeof(sockaddr_in6);
    return true;
  }
  return false;
}

Error SocketFailure(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return MakeError(ErrorCode::kUnavailable, std::strerror(error ? error : ECONNRESET));
}

void SetTcpOptions(int fd) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
  SetOption(
      fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
      static_cast<int>(
          std::chrono::duration_cast<std::chrono::milliseconds>(limits::kWriteStall).count()));
}

}  // namespace mk8s::net

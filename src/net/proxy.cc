// HTTP CONNECT through a forward proxy, and which proxy the environment asks for.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/encoding.h"
#include "base/text.h"
#include "net/dialer.h"
#include "net/proxy_internal.h"
#include "net/socket_internal.h"

namespace mk8s::net {
namespace {

constexpr std::size_t kAnswerBytesMax = 16 * 1024;
constexpr std::uint16_t kDefaultProxyPort = 3128;  // curl's 1080 is SOCKS; Squid's is usual

Error BadProxy() {
  return MakeError(ErrorCode::kInvalidArgument,
                   "HTTPS_PROXY is not of the form http://[user:password@]host:port");
}

/// %XX in the user part of a URL.
std::string PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr ==
            text.data() + i + 3) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool InBlock(std::string_view block, std::string_view host) {
  const auto slash = block.find('/');
  in_addr net{}, address{};
  int bits = 0;
  const std::string length(block.substr(slash + 1));
  if (std::from_chars(length.data(), length.data() + length.size(), bits).ec != std::errc() ||
      bits < 0 || bits > 32 ||
      inet_pton(AF_INET, std::string(block.substr(0, slash)).c_str(), &net) != 1 ||
      inet_pton(AF_INET, std::string(host).c_str(), &address) != 1) {
    return false;
  }
  const std::uint32_t mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
  return ((ntohl(net.s_addr) ^ ntohl(address.s_addr)) & mask) == 0;
}

bool IsLoopback(std::string_view host) {
  return EqualsIgnoreCase(host, "localhost") || host == "::1" || InBlock("127.0.0.0/8", host);
}

}  // namespace

Result<ProxyConnect> ProxyConnect::Make(std::string_view proxy, const std::string& target) {
  if (const auto scheme = proxy.find("://"); scheme != std::string_view::npos) {
    if (!EqualsIgnoreCase(proxy.substr(0, scheme), "http")) return BadProxy();
    proxy.remove_prefix(scheme + 3);
  }
  proxy = proxy.substr(0, proxy.find('/'));
  std::string credentials;
  if (const auto at = proxy.rfind('@'); at != std::string_view::npos) {
    credentials = PercentDecode(proxy.substr(0, at));
    proxy.remove_prefix(at + 1);
  }
  ProxyConnect connect;
  connect.port_ = kDefaultProxyPort;
  const auto bracket = proxy.rfind(']');
  const auto colon = proxy.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const auto digits = proxy.substr(colon + 1);
    const auto end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, connect.port_);
    if (parsed.ec != std::errc() || parsed.ptr != end) return BadProxy();
    proxy = proxy.substr(0, colon);
  }
  if (proxy.size() > 2 && proxy.front() == '[') proxy = proxy.substr(1, proxy.size() - 2);
  if (proxy.empty() || connect.port_ == 0) return BadProxy();
  connect.host_ = proxy;
  connect.request_ = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (!credentials.empty()) {
    connect.request_ += "Proxy-Authorization: Basic " + Base64Encode(credentials) + "\r\n";
  }
  connect.request_ += "\r\n";
  return connect;
}

Result<bool> ProxyConnect::Continue(int fd) {
  while (!request_.empty()) {
    const ssize_t sent = send(fd, request_.data(), request_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return false;
    if (sent < 0) return MakeError(ErrorCode::kUnavailable, "the proxy closed the connection");
    request_.erase(0, static_cast<std::size_t>(sent));
  }
  // Reading past the answer's head takes nothing from the tunnel: a TLS server says nothing before
  // our hello.
  char buffer[1024];
  for (;;) {
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) return MakeError(ErrorCode::kUnavailable, "the proxy closed the connection");
    answer_.append(buffer, static_cast<std::size_t>(got));
    if (answer_.find("\r\n\r\n") != std::string::npos) return Answered();
    if (answer_.size() > kAnswerBytesMax) {
      return MakeError(ErrorCode::kBadGateway, "the proxy's answer is too long");
    }
  }
}

Result<bool> ProxyConnect::Answered() const {
  const std::string_view line = std::string_view(answer_).substr(0, answer_.find("\r\n"));
  const bool http = line.starts_with("HTTP/1.") && line.size() >= 12 && line[8] == ' ';
  if (http && line[9] == '2') return true;
  return MakeError(ErrorCode::kUnavailable,
                   "the proxy refuses the connection: " + Printable(line, 200));
}

bool NoProxyCovers(std::string_view no_proxy, std::string_view host) {
  const std::string name = ToLower(host);
  for (std::string_view entry : Split(no_proxy, ',')) {
    std::string rule = ToLower(TrimSpace(entry));
    if (rule.empty()) continue;
    if (rule == "*") return true;
    if (rule.find('/') != std::string::npos) {
      if (InBlock(rule, name)) return true;
      continue;
    }
    if (std::count(rule.begin(), rule.end(), ':') == 1) rule.resize(rule.find(':'));
    if (rule.starts_with("*.")) rule.erase(0, 1);
    const std::string suffix = rule.starts_with('.') ? rule : '.' + rule;
    if (name == rule || name.ends_with(suffix)) return true;
  }
  return false;
}

std::string ProxyFromEnvironment(std::string_view host) {
  const auto get = [](const char* upper, const char* lower) -> std::string {
    const char* value = std::getenv(upper);
    if (!value || !*value) value = std::getenv(lower);
    return value ? value : "";
  };
  if (IsLoopback(host) || NoProxyCovers(get("NO_PROXY", "no_proxy"), host)) return {};
  return get("HTTPS_PROXY", "https_proxy");
}

}  // namespace mk8s::net

// See headers.h.
#include "gateway/headers.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "base/encoding.h"
#include "base/text.h"

namespace mk8s::gateway {
namespace {

constexpr std::string_view kWebSocketProtocol = "sec-websocket-protocol";
constexpr std::string_view kBearerPrefix = "base64url.bearer.authorization.k8s.io.";

// What kubectl, client-go, helm, k9s, Lens and the applications behind .../proxy send, less what
// names a caller or a way.
constexpr std::array kToCluster = {
    std::string_view("accept"),
    std::string_view("accept-encoding"),
    std::string_view("accept-language"),
    std::string_view("cache-control"),
    std::string_view("content-encoding"),
    std::string_view("content-language"),
    std::string_view("content-length"),
    std::string_view("content-type"),
    std::string_view("if-match"),
    std::string_view("if-modified-since"),
    std::string_view("if-none-match"),
    std::string_view("if-range"),
    std::string_view("if-unmodified-since"),
    std::string_view("kubectl-command"),
    std::string_view("kubectl-session"),
    std::string_view("pragma"),
    std::string_view("range"),
    std::string_view("sec-websocket-extensions"),
    std::string_view("sec-websocket-key"),
    std::string_view("sec-websocket-version"),
    std::string_view("traceparent"),
    std::string_view("tracestate"),
    std::string_view("user-agent"),
    std::string_view("x-stream-protocol-version"),
};

// Of one connection, or speaking for the gateway's origin, or ours to set.
constexpr std::array kNotToClient = {
    std::string_view("alt-svc"),
    std::string_view("authentication-info"),
    std::string_view("clear-site-data"),
    std::string_view("connection"),
    std::string_view("expect-ct"),
    std::string_view("keep-alive"),
    std::string_view("proxy-authenticate"),
    std::string_view("proxy-authentication-info"),
    std::string_view("proxy-connection"),
    std::string_view("public-key-pins"),
    std::string_view("refresh"),
    std::string_view("set-cookie"),
    std::string_view("strict-transport-security"),
    std::string_view("te"),
    std::string_view("trailer"),
    std::string_view("transfer-encoding"),
    std::string_view("upgrade"),
    std::string_view("www-authenticate"),
    std::string_view("x-request-id"),
};
constexpr std::array kPrefixesNotToClient = {
    std::string_view("access-control-"),
    std::string_view("impersonate-"),
    std::string_view("mk8s-"),
};

bool Holds(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The client's sub-protocols less its tokens; empty if none is left.
std::string WithoutBearer(std::string_view protocols) {
  std::string kept;
  for (std::string_view item : Split(protocols, ',')) {
    item = TrimSpace(item);
    if (item.empty() || ToLower(item).starts_with(kBearerPrefix)) continue;
    if (!kept.empty()) kept += ", ";
    kept += item;
  }
  return kept;
}

struct SplitUrl {
  std::string_view authority;
  std::string_view rest;  // path, query and fragment
};

// "https://host:1/path?q"; empty if `location` is not an http or https URL.
std::optional<SplitUrl> SplitHttpUrl(std::string_view location) {
  const std::size_t scheme_end = location.find("://");
  if (scheme_end == std::string_view::npos) return std::nullopt;
  const std::string scheme = ToLower(location.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  location.remove_prefix(scheme_end + 3);
  const std::size_t authority_end = std::min(location.find_first_of("/?#"), location.size());
  return SplitUrl{location.substr(0, authority_end), location.substr(authority_end)};
}

// Browsers read "\" as "/" and drop tabs and line ends; what holds those is not understood alike by
// everyone.
bool IsPlainReference(std::string_view location) {
  return std::all_of(location.begin(), location.end(),
                     [](unsigned char c) { return c > 0x20 && c != 0x7f && c != '\\'; });
}

Error BadGateway(std::string message, std::string detail = {}) {
  return MakeError(ErrorCode::kBadGateway, std::move(message), std::move(detail));
}

}  // namespace

http::Fields RequestFieldsForCluster(const http::Fields& from_client) {
  // kube-apiserver refuses a watch by WebSocket without one (golang.org/x/net/websocket,
  // checkOrigin).
  const bool keeps_origin = from_client.Find("sec-websocket-key").has_value();
  http::Fields kept;
  for (const http::Field& field : from_client) {
    if (field.name == kWebSocketProtocol) {
      if (const std::string value = WithoutBearer(field.value); !value.empty()) {
        kept.Add(field.name, value);
      }
    } else if (Holds(kToCluster, field.name) || (keeps_origin && field.name == "origin")) {
      kept.Add(field.name, field.value);
    }
  }
  return kept;
}

std::optional<Secret> WebSocketBearer(const http::Fields& from_client) {
  std::optional<Secret> token;
  for (const std::string_view value : from_client.All(kWebSocketProtocol)) {
    for (std::string_view item : Split(value, ',')) {
      item = TrimSpace(item);
      if (!item.starts_with(kBearerPrefix)) continue;
      auto decoded = Base64UrlDecode(item.substr(kBearerPrefix.size()));
      if (token || !decoded || decoded->empty()) return std::nullopt;
      token = Secret(std::move(*decoded));
    }
  }
  return token;
}

http::Fields ResponseFieldsForClient(const http::Fields& from_cluster) {
  http::Fields kept;
  for (const http::Field& field : from_cluster) {
    const bool prefixed =
        std::any_of(kPrefixesNotToClient.begin(), kPrefixesNotToClient.end(),
                    [&](std::string_view prefix) { return field.name.starts_with(prefix); });
    if (!prefixed && !Holds(kNotToClient, field.name)) kept.Add(field.name, field.value);
  }
  return kept;
}

Result<std::string> RewriteLocation(std::string_view location, std::string_view cluster_authority,
                                    std::string_view prefix) {
  const auto off_host = [&] {
    return BadGateway("The cluster redirects to another host, which mk8s does not relay.",
                      "Location: " + Printable(location, 256));
  };
  if (!IsPlainReference(location) || location.starts_with("//")) return off_host();
  if (location.starts_with('/')) return std::string(prefix) + std::string(location);
  if (const auto url = SplitHttpUrl(location)) {
    if (cluster_authority.empty() || !EqualsIgnoreCase(url->authority, cluster_authority) ||
        url->rest.starts_with("//")) {
      return off_host();
    }
    const bool has_path = url->rest.starts_with('/');
    return std::string(prefix) + (has_path ? "" : "/") + std::string(url->rest);
  }
  // A colon before the first slash makes a scheme (RFC 3986 section 4.2).
  if (location.substr(0, location.find_first_of("/?#")).find(':') != std::string_view::npos) {
    return off_host();
  }
  return std::string(location);
}

Result<http::ResponseHead> ResponseForClient(http::ResponseHead from_cluster,
                                             const ResponseRules& rules) {
  const int status = from_cluster.status;
  const bool redirect = status >= 300 && status < 400 && status != 304;
  if (status == 101 && !rules.upgrade) {
    return BadGateway("The cluster switched protocols, which was not asked for.");
  }
  if (redirect && rules.upgrade) {
    return BadGateway(
        "The cluster answered an upgrade with a redirect, which mk8s does not follow.");
  }
  if (status == 401 && !rules.proxied) {
    return BadGateway(
        "The cluster refused the agent's credential. Your own login is fine; ask an administrator "
        "to check the agent's service account.");
  }
  http::ResponseHead head = std::move(from_cluster);
  head.fields = ResponseFieldsForClient(head.fields);
  for (const std::string_view name : {"location", "content-location"}) {
    const auto location = head.fields.Find(name);
    if (!location) continue;
    auto rewritten = RewriteLocation(*location, rules.cluster_authority, rules.location_prefix);
    if (rewritten) {
      head.fields.Set(name, *rewritten);
    } else if (redirect && name == "location") {
      return std::move(rewritten).error();
    } else {
      head.fields.Remove(name);  // only a hint here
    }
  }
  return head;
}

}  // namespace mk8s::gateway

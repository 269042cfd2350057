// See framing.h.
#include "h1/framing.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "base/text.h"

namespace mk8s::h1 {
namespace {

Error Malformed(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, std::move(message));
}

bool IsAlphaNumeric(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Host of a URI without user information (RFC 3986 section 3.2.2), by its alphabet only.
bool IsHost(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return IsAlphaNumeric(c) ||
           std::string_view("-._~:[]%").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

// "websocket", "SPDY/3.1" (RFC 9110 section 7.8); one only, since the answer must name what was
// asked.
bool IsProtocol(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return IsToken(text);
  return IsToken(text.substr(0, slash)) && IsToken(text.substr(slash + 1));
}

// A field that Connection names is dropped by whoever obeys it.  These may not be: a decision or an
// identity rests on them (CVE-2021-31999, CVE-2022-23652).
bool MayBeNominated(std::string_view name) {
  static constexpr std::array kExact = {
      std::string_view("authorization"),  std::string_view("host"),
      std::string_view("content-length"), std::string_view("content-type"),
      std::string_view("cookie"),         std::string_view("origin"),
      std::string_view("accept"),         std::string_view("transfer-encoding"),
  };
  static constexpr std::array kPrefixes = {
      std::string_view("impersonate-"),
      std::string_view("x-remote-"),
      std::string_view("mk8s-"),
      std::string_view("sec-websocket-"),
  };
  return std::find(kExact.begin(), kExact.end(), name) == kExact.end() &&
         std::none_of(kPrefixes.begin(), kPrefixes.end(),
                      [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::vector<std::string> ConnectionTokens(const http::Fields& fields) {
  std::vector<std::string> tokens;
  for (std::string_view value : fields.All("connection")) {
    for (std::string_view item : Split(value, ',')) {
      if (item = TrimSpace(item); !item.empty()) tokens.push_back(ToLower(item));
    }
  }
  return tokens;
}

bool Holds(const std::vector<std::string>& tokens, std::string_view token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

// All but what belongs to the connection.
http::Fields EndToEnd(const http::Fields& fields, const std::vector<std::string>& nominated) {
  http::Fields kept;
  for (const http::Field& field : fields) {
    if (!IsHopByHop(field.name) && !Holds(nominated, field.name)) kept.Add(field.name, field.value);
  }
  return kept;
}

std::string UpgradeProtocol(const http::Fields& fields, const std::vector<std::string>& tokens) {
  const auto values = fields.All("upgrade");
  if (!Holds(tokens, "upgrade") || values.size() != 1 || !IsProtocol(values[0])) return {};
  if (EqualsIgnoreCase(values[0], "h2c")) return {};  // may be ignored; HTTP/2 comes by ALPN
  return std::string(values[0]);
}

Result<std::string> Host(const MessageHead& wire) {
  const auto hosts = wire.fields.All("host");
  if (hosts.empty() && wire.version == 10) return std::string();
  if (hosts.size() != 1 || !IsHost(hosts[0])) {
    return Malformed("The request needs exactly one Host field that names a host.");
  }
  return std::string(hosts[0]);
}

}  // namespace

Result<void> CheckFraming(const MessageHead& head) {
  const auto lengths = head.fields.All("content-length");
  const auto codings = head.fields.All("transfer-encoding");
  if (lengths.size() > 1) return Malformed("Content-Length is repeated.");
  if (!lengths.empty() && !ContentLength(head.fields)) {
    return Malformed("Content-Length is not a number.");
  }
  if (codings.empty()) return {};
  if (!lengths.empty()) return Malformed("Content-Length stands beside Transfer-Encoding.");
  if (codings.size() > 1 || !EqualsIgnoreCase(codings[0], "chunked")) {
    return Malformed("Transfer-Encoding is not exactly \"chunked\".");
  }
  if (head.version == 10) return Malformed("HTTP/1.0 has no Transfer-Encoding.");
  return {};
}

Result<Request> InterpretRequest(MessageHead wire, const Options& options) {
  if (wire.target.size() > options.target_bytes_max) {
    return MakeError(ErrorCode::kUriTooLong, "The request's path and query are too long.");
  }
  if (!IsOriginForm(wire.target) || wire.method == "CONNECT") {
    return Malformed("The request's target is not a path.");
  }
  Request request;
  request.http10 = wire.version == 10;
  MK8S_ASSIGN_OR_RETURN(request.head.authority, Host(wire));

  const auto tokens = ConnectionTokens(wire.fields);
  for (const std::string& token : tokens) {
    if (!MayBeNominated(token)) return Malformed("Connection names the field " + token + ".");
  }
  request.keep_alive = !request.http10 && !Holds(tokens, "close");
  if (!request.http10) {
    request.head.protocol = UpgradeProtocol(wire.fields, tokens);
    if (const auto expect = wire.fields.Find("expect")) {
      if (!EqualsIgnoreCase(*expect, "100-continue")) return Malformed("Expect is not understood.");
      request.expects_continue = true;
    }
  }
  const bool has_body = wire.fields.Find("transfer-encoding").has_value() ||
                        ContentLength(wire.fields).value_or(0) > 0;
  if (!request.head.protocol.empty() && has_body) {
    return Malformed("A request for an upgrade cannot have a body.");
  }
  request.head.fields = EndToEnd(wire.fields, tokens);
  request.head.method = std::move(wire.method);
  request.head.target = std::move(wire.target);
  return request;
}

Result<Response> InterpretResponse(MessageHead wire) {
  if (wire.status < 100) return Malformed("The response's status is not an HTTP status.");
  const auto tokens = ConnectionTokens(wire.fields);
  Response response;
  response.keep_alive = wire.version == 11 && !Holds(tokens, "close");
  response.head.status = wire.status;
  if (wire.status == 101) {
    response.head.protocol = UpgradeProtocol(wire.fields, tokens);
    if (response.head.protocol.empty()) {
      return Malformed("The response switches protocols without naming one.");
    }
  }
  response.head.fields = EndToEnd(wire.fields, tokens);
  return response;
}

std::optional<std::uint64_t> ContentLength(const http::Fields& fields) {
  const auto text = fields.Find("content-length");
  if (!text || text->empty() || text->front() == '+' || text->front() == '-') return std::nullopt;
  std::uint64_t length = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, length);
  if (error != std::errc() || stop != end) return std::nullopt;
  return length;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return IsAlphaNumeric(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool IsFieldValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return (c >= 0x20 || c == '\t') && c != 0x7f; });
}

bool IsOriginForm(std::string_view target) {
  return target.starts_with('/') && std::all_of(target.begin(), target.end(), [](unsigned char c) {
           return c > 0x20 && c < 0x7f && c != '#';
         });
}

bool IsHopByHop(std::string_view name) {
  // Expect too: the sessions speak it themselves.
  static constexpr std::array kNames = {
      std::string_view("connection"),
      std::string_view("host"),
      std::string_view("keep-alive"),
      std::string_view("proxy-connection"),
      std::string_view("te"),
      std::string_view("trailer"),
      std::string_view("transfer-encoding"),
      std::string_view("upgrade"),
      std::string_view("expect"),
      std::string_view("http2-settings"),
  };
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace mk8s::h1

// See rest_route.h.
#include "central/rest_route.h"

#include <charconv>

#include "base/text.h"

namespace mk8s::central {
namespace {

constexpr Route kRoutes[] = {
    {"POST", "/auth/login", Right::kNobody, Place::kPasswordPool, Audited::kAfter, "login", LogIn},
    {"POST", "/auth/refresh", Right::kNobody, Place::kPool, Audited::kNo, "refresh", RefreshTokens},
    {"POST", "/auth/logout", Right::kAnySession, Place::kPool, Audited::kAfter, "logout", LogOut},
    {"POST", "/auth/password", Right::kAnySession, Place::kPasswordPool, Audited::kAfter,
     "change-password", ChangePassword},
    {"GET", "/auth/me", Right::kSession, Place::kLoop, Audited::kNo, "get", ShowMe},
    {"GET", "/auth/sessions", Right::kSession, Place::kLoop, Audited::kNo, "list", ListSessions},
    {"DELETE", "/auth/sessions/{id}", Right::kSession, Place::kPool, Audited::kAfter, "end-session",
     EndSession},

    {"GET", "/clusters", Right::kSession, Place::kLoop, Audited::kNo, "list", ListClusters},
    {"POST", "/clusters", Right::kAdmin, Place::kPool, Audited::kBefore, "create", AddCluster},
    {"DELETE", "/clusters/{id}", Right::kAdmin, Place::kPool, Audited::kBefore, "delete",
     RemoveCluster},
    {"POST", "/clusters/{id}/token", Right::kAdmin, Place::kPool, Audited::kBefore, "rotate-token",
     RotateClusterToken},

    {"GET", "/users", Right::kAdmin, Place::kPool, Audited::kNo, "list", ListUsers},
    {"POST", "/users", Right::kAdmin, Place::kPasswordPool, Audited::kBefore, "create", CreateUser},
    {"GET", "/users/{id}", Right::kAdmin, Place::kPool, Audited::kNo, "get", ShowUser},
    {"PATCH", "/users/{id}", Right::kAdmin, Place::kPasswordPool, Audited::kBefore, "patch",
     ChangeUser},
    {"DELETE", "/users/{id}", Right::kAdmin, Place::kPool, Audited::kBefore, "delete", DeleteUser},
    {"PUT", "/users/{id}/roles", Right::kAdmin, Place::kPool, Audited::kBefore, "set-roles",
     SetUserRoles},

    {"GET", "/roles", Right::kAdmin, Place::kLoop, Audited::kNo, "list", ListRoles},
    {"POST", "/roles", Right::kAdmin, Place::kPool, Audited::kBefore, "create", CreateRole},
    {"GET", "/roles/{name}", Right::kAdmin, Place::kLoop, Audited::kNo, "get", ShowRole},
    {"PUT", "/roles/{name}", Right::kAdmin, Place::kPool, Audited::kBefore, "update", PutRole},
    {"DELETE", "/roles/{name}", Right::kAdmin, Place::kPool, Audited::kBefore, "delete",
     DeleteRole},

    {"GET", "/audit", Right::kAdmin, Place::kPool, Audited::kNo, "list", ListAudit},

    {"GET", "/.well-known/jwks.json", Right::kNobody, Place::kLoop, Audited::kNo, "get", ShowKeys},
    {"GET", "/version", Right::kNobody, Place::kLoop, Audited::kNo, "get", ShowVersion},
    {"GET", "/openapi.json", Right::kNobody, Place::kLoop, Audited::kNo, "get", ShowOpenApi},
};

// Percent-decoding (RFC 3986 section 2.1); nothing for a bad escape, a NUL or invalid UTF-8.  In a
// query `+` is a space (application/x-www-form-urlencoded).
std::optional<std::string> Decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char byte = text[i];
    if (byte == '+' && plus_is_space) {
      byte = ' ';
    } else if (byte == '%') {
      unsigned value = 0;
      const char* begin = text.data() + i + 1;
      if (i + 2 >= text.size() || std::from_chars(begin, begin + 2, value, 16).ptr != begin + 2) {
        return std::nullopt;
      }
      byte = static_cast<char>(value);
      i += 2;
    }
    if (byte == '\0') return std::nullopt;
    decoded += byte;
  }
  if (!IsUtf8(decoded)) return std::nullopt;
  return decoded;
}

bool DecodeQuery(std::string_view text, std::vector<std::pair<std::string, std::string>>& query) {
  if (text.empty()) return true;
  for (const std::string_view pair : Split(text, '&')) {
    const std::size_t equals = pair.find('=');
    const bool has_value = equals != std::string_view::npos;
    auto key = Decode(pair.substr(0, equals), true);
    auto value = Decode(has_value ? pair.substr(equals + 1) : std::string_view(), true);
    if (!key || !value) return false;
    query.emplace_back(*std::move(key), *std::move(value));
  }
  return true;
}

// Whether the decoded segments fit the pattern; fills what stands for its {}.
bool Fits(std::string_view pattern, const std::vector<std::string>& segments,
          std::vector<std::string>& parameters) {
  const std::vector<std::string_view> wanted = Split(pattern.substr(1), '/');
  if (wanted.size() != segments.size()) return false;
  parameters.clear();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{')) {
      if (segments[i].empty()) return false;
      parameters.push_back(segments[i]);
    } else if (wanted[i] != segments[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string_view Route::Resource() const {
  const std::string_view rest = pattern.substr(1);
  return rest.substr(0, rest.find('/'));
}

std::span<const Route> Routes() { return kRoutes; }

std::variant<RouteMatch, NoRoute> MatchRoute(std::string_view method, std::string_view target) {
  const NoRoute malformed{MakeError(ErrorCode::kInvalidArgument, "the address is malformed"), {}};
  const std::size_t question = target.find('?');
  const std::string_view path = target.substr(0, question);
  if (!path.starts_with('/')) return malformed;
  std::vector<std::string> segments;
  for (const std::string_view segment : Split(path.substr(1), '/')) {
    auto decoded = Decode(segment, false);
    if (!decoded) return malformed;
    segments.push_back(*std::move(decoded));
  }
  RouteMatch match;
  if (question != std::string_view::npos &&
      !DecodeQuery(target.substr(question + 1), match.query)) {
    return malformed;
  }
  for (const std::string& segment : segments) match.path += "/" + segment;
  std::string allow;
  for (const Route& route : kRoutes) {
    if (!Fits(route.pattern, segments, match.parameters)) continue;
    if (route.method == (method == "HEAD" ? "GET" : method)) {
      match.route = &route;
      return match;
    }
    allow += (allow.empty() ? "" : ", ") + std::string(route.method);
  }
  if (!allow.empty()) {
    return NoRoute{MakeError(ErrorCode::kMethodNotAllowed,
                             Printable(method, 32) + " is not allowed here, only " + allow),
                   allow};
  }
  return NoRoute{
      MakeError(ErrorCode::kNotFound, "there is nothing at " + Printable(match.path, 256) +
                                          "; /openapi.json lists what there is"),
      {}};
}

}  // namespace mk8s::central

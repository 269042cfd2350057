// The table of REST routes: what each requires, where it runs, what the audit log says of it.  A
// test holds api/openapi.yaml and the authorization test to this table.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "central/rest_call.h"

namespace mk8s::central {

/// Who may call a route.
enum class Right {
  kNobody,      // no session needed
  kAnySession,  // also one whose user must change the password first
  kSession,     // a user whose password is in order
  kAdmin,       // one with an `admin: true` role
};

/// Where a route's handler runs.
enum class Place {
  kLoop,          // reads the snapshot alone
  kPool,          // asks the store
  kPasswordPool,  // hashes a password too
};

/// How a route appears in the audit log.
enum class Audited {
  kNo,
  kAfter,   // once it ended; goes on where the audit log cannot be written
  kBefore,  // durable before its effect, refused otherwise; its outcome follows
};

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/users/{id}/roles"; each {} is one segment
  Right right;
  Place place;
  Audited audited;
  std::string_view verb;  // of the audit event
  RestHandler handler;

  /// The pattern's first segment: "users".
  std::string_view Resource() const;
  /// Changes accounts or clusters: the snapshot is loaded again before the answer.
  bool Writes() const { return audited != Audited::kNo; }
};

std::span<const Route> Routes();

struct RouteMatch {
  const Route* route = nullptr;
  std::string path;
  std::vector<std::string> parameters;
  std::vector<std::pair<std::string, std::string>> query;
};

/// Why nothing matched: kNotFound; kMethodNotAllowed with the methods for Allow; kInvalidArgument
/// for a target that does not decode.
struct NoRoute {
  Error error;
  std::string allow;  // "GET, POST"
};

/// HEAD finds the route of GET.
std::variant<RouteMatch, NoRoute> MatchRoute(std::string_view method, std::string_view target);

}  // namespace mk8s::central

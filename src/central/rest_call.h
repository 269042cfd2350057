// What a REST handler gets and gives.  A handler is a plain function that may block: the exchange
// runs it on the pool that its route names.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "central/authenticator.h"
#include "http/message.h"
#include "models/audit.h"

namespace mk8s::central {

struct Services;

struct RestCall {
  Services& services;
  std::string method;
  std::string path;                     // decoded, without the query
  std::vector<std::string> parameters;  // what stands for {id} or {name}, decoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded
  http::Fields fields;
  std::string body;
  std::string peer_ip;
  std::string request_id;
  WallTime now{};                      // when the request came
  std::optional<Principal> principal;  // present wherever the route requires a session
  // What the audit log will say of this call; a login's handler adds the user.
  AuditEvent audit;
  std::optional<std::chrono::seconds> retry_after;  // goes into the answer's Retry-After

  /// The first value of `key`, empty if there is none.
  std::string_view Query(std::string_view key) const {
    for (const auto& [name, value] : query) {
      if (name == key) return value;
    }
    return {};
  }
};

struct RestAnswer {
  int status = 200;
  std::string body;  // JSON, or empty
};

using RestHandler = Result<RestAnswer> (*)(RestCall&);

// rest_sessions.cc
Result<RestAnswer> LogIn(RestCall& call);
Result<RestAnswer> RefreshTokens(RestCall& call);
Result<RestAnswer> LogOut(RestCall& call);
Result<RestAnswer> ChangePassword(RestCall& call);
Result<RestAnswer> ShowMe(RestCall& call);
Result<RestAnswer> ListSessions(RestCall& call);
Result<RestAnswer> EndSession(RestCall& call);
// rest_clusters.cc
Result<RestAnswer> ListClusters(RestCall& call);
Result<RestAnswer> AddCluster(RestCall& call);
Result<RestAnswer> RemoveCluster(RestCall& call);
Result<RestAnswer> RotateClusterToken(RestCall& call);
// rest_users.cc
Result<RestAnswer> ListUsers(RestCall& call);
Result<RestAnswer> CreateUser(RestCall& call);
Result<RestAnswer> ShowUser(RestCall& call);
Result<RestAnswer> ChangeUser(RestCall& call);
Result<RestAnswer> DeleteUser(RestCall& call);
Result<RestAnswer> SetUserRoles(RestCall& call);
// rest_roles.cc
Result<RestAnswer> ListRoles(RestCall& call);
Result<RestAnswer> CreateRole(RestCall& call);
Result<RestAnswer> ShowRole(RestCall& call);
Result<RestAnswer> PutRole(RestCall& call);
Result<RestAnswer> DeleteRole(RestCall& call);
// rest_audit.cc
Result<RestAnswer> ListAudit(RestCall& call);
// rest_public.cc
Result<RestAnswer> ShowKeys(RestCall& call);
Result<RestAnswer> ShowVersion(RestCall& call);
Result<RestAnswer> ShowOpenApi(RestCall& call);

}  // namespace mk8s::central

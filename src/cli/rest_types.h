// What central's REST answers say, as the commands use it.  Each list keeps the answer's own JSON,
// so that `-o json` shows all that the server said.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/credentials.h"
#include "models/audit.h"
#include "models/cluster.h"
#include "models/role.h"

namespace mk8s::cli {

template <typename T>
struct Listing {
  std::vector<T> items;
  std::string json;         // of the whole answer
  std::string next_cursor;  // audit only; empty: no more
};

struct ClusterView {
  std::string id;
  std::string name;
  std::string status;
  std::optional<WallTime> last_seen;
  ClusterMetadata metadata;
};

struct UserView {
  std::string id;
  std::string email;
  std::vector<std::string> roles;
  bool disabled = false;
  bool locked = false;
  std::optional<WallTime> created_at;
  std::optional<WallTime> last_login;
  std::string initial_password;  // only in the answer that made it
  std::string json;              // of the answer, where it was about this user alone
};

struct LoginAnswer {
  Session session;
  bool password_change_required = false;
};

struct AccountView {
  UserView user;
  std::optional<WallTime> session_expires_at;
  std::string json;
};

struct AgentToken {
  std::string cluster;
  std::string id;
  Secret token;
  std::string json;  // the answer, token included
};

struct ServerVersion {
  std::string version;
};

// Parsers.  Error of each: kBadGateway, saying that central's answer is not what was expected.
Result<LoginAnswer> ParseLogin(std::string_view body);
Result<AccountView> ParseAccount(std::string_view body);
Result<Listing<ClusterView>> ParseClusters(std::string_view body);
Result<AgentToken> ParseAgentToken(std::string_view body);
Result<Listing<UserView>> ParseUsers(std::string_view body);
Result<UserView> ParseUser(std::string_view body);
Result<Listing<Role>> ParseRoles(std::string_view body);
Result<Listing<AuditEvent>> ParseAudit(std::string_view body);
Result<ServerVersion> ParseVersion(std::string_view body);

/// What an answer with an error status means for the user: central's own message and the request
/// id, or that something else than mk8s-central answered.
Error ParseError(int status, std::string_view request_id, std::string_view body,
                 std::string_view central_url);

// Request bodies.
std::string LoginBody(std::string_view email, const Secret& password);
std::string RefreshBody(const Secret& refresh_token);
std::string PasswordBody(const Secret& current, const Secret& replacement);
std::string NameBody(std::string_view name);
std::string NewUserBody(std::string_view email, const Secret& password,
                        const std::vector<std::string>& roles);
std::string RolesBody(const std::vector<std::string>& roles);

/// `{"disabled": true}` and its like.
std::string FlagBody(std::string_view key, bool value);

}  // namespace mk8s::cli

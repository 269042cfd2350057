// REST's JSON, both ways: bodies to fields, models to bodies (contract, REST).
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "central/accounts.h"
#include "central/tunnels.h"
#include "models/account.h"
#include "models/audit.h"
#include "models/cluster.h"
#include "models/role.h"

namespace mk8s::central {

/// The members of a request's JSON object.  Errors of all: kInvalidArgument, naming the member.
class JsonFields {
 public:
  /// Nesting is bounded by limits::kJsonDepthMax; a member that is not in `known` is an error.
  static Result<JsonFields> Parse(std::string_view body,
                                  std::initializer_list<std::string_view> known);

  Result<std::string> Text(std::string_view key) const;  // required
  Result<std::optional<std::string>> OptionalText(std::string_view key) const;
  Result<std::optional<bool>> OptionalFlag(std::string_view key) const;
  Result<std::vector<std::string>> Texts(std::string_view key) const;  // required
  Result<std::optional<std::vector<std::string>>> OptionalTexts(std::string_view key) const;

 private:
  struct Members;
  explicit JsonFields(std::shared_ptr<const Members> members) : members_(std::move(members)) {}
  std::shared_ptr<const Members> members_;
};

/// The `email` or `name` of a body, for the audit log; empty if there is none.
std::string NameInBody(std::string_view body);

struct ClusterState {
  const Cluster* cluster;
  Tunnels::State state;
};

struct UserState {
  const User* user;
  bool locked = false;
};

std::string RenderError(std::string_view code, std::string_view message,
                        std::string_view request_id);
std::string RenderTokens(const IssuedTokens& tokens);
std::string RenderMe(const User& user, bool admin, const LoginSession& session,
                     WallTime token_expires_at);
std::string RenderSessions(std::span<const LoginSession* const> sessions,
                           std::string_view current_id);
std::string RenderClusters(std::span<const ClusterState> clusters);
std::string RenderAgentToken(const Cluster& cluster, const Secret& token);
/// `initial_password` is left out where it is empty.
std::string RenderUser(const UserState& user, const Secret& initial_password = {});
std::string RenderUsers(std::span<const UserState> users);
std::string RenderRole(const Role& role);
std::string RenderRoles(std::span<const Role> roles);
std::string RenderAudit(std::span<const AuditEvent> events, std::string_view next_cursor);

/// "pending" before the first connection, then "connected" or "disconnected".
std::string_view StatusName(const ClusterState& cluster);

}  // namespace mk8s::central

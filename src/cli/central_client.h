// Central's REST interface as calls.  Each carries the session's token, refreshes it once when
// central answers 401, and turns an error answer into an Error that names the request id.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/rest_types.h"
#include "cli/session_keeper.h"
#include "cli/transport.h"

namespace mk8s::cli {

class CentralClient {
 public:
  /// Both must outlive the client; `central_url` is for messages.
  CentralClient(Transport& transport, SessionKeeper& keeper, std::string central_url)
      : transport_(transport), keeper_(keeper), central_url_(std::move(central_url)) {}

  // Without a session.
  Result<ServerVersion> GetVersion();
  Result<LoginAnswer> Login(std::string_view email, const Secret& password);
  /// With the token of a login that is not stored yet.
  Result<void> ChangePassword(const Secret& token, const Secret& current,
                              const Secret& replacement);

  Result<AccountView> GetAccount();
  Result<void> Logout();

  Result<Listing<ClusterView>> ListClusters();
  Result<AgentToken> AddCluster(std::string_view name);
  Result<void> RemoveCluster(std::string_view name);
  Result<AgentToken> RotateClusterToken(std::string_view name);

  Result<Listing<UserView>> ListUsers();
  Result<UserView> CreateUser(std::string_view email, const Secret& password,
                              const std::vector<std::string>& roles);
  /// `key` and `value` as PATCH /users/{id} takes them.
  Result<UserView> PatchUser(std::string_view email, std::string_view key, bool value);
  Result<void> DeleteUser(std::string_view email);
  Result<void> SetUserRoles(std::string_view email, const std::vector<std::string>& roles);

  Result<Listing<Role>> ListRoles();
  Result<void> CreateRole(const Role& role);
  Result<void> ReplaceRole(const Role& role);
  Result<void> DeleteRole(std::string_view name);

  /// The exec route's WebSocket, run until `handler` is done.  Error: central's refusal before it.
  Result<void> RunRemoteCommand(std::string_view cluster, net::UpgradeHandler& handler);

  /// `query` without "?": "user=a%40b&limit=100".
  Result<Listing<AuditEvent>> ListAudit(std::string_view query);

 private:
  Result<std::string> Call(std::string_view method, std::string_view path,
                           std::string_view body = {});
  Result<net::Response> Send(std::string_view method, std::string_view path, std::string_view body,
                             const Secret& token);
  Result<std::string> BodyOrError(Result<net::Response> answer) const;

  Transport& transport_;
  SessionKeeper& keeper_;
  std::string central_url_;
};

/// Percent-encodes all but RFC 3986's unreserved characters: one path segment or query value.
std::string EncodeSegment(std::string_view text);

}  // namespace mk8s::cli

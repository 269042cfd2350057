// See central_client.h.
#include "cli/central_client.h"

#include "auth/role_parse.h"

namespace mk8s::cli {

std::string EncodeSegment(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

Result<net::Response> CentralClient::Send(std::string_view method, std::string_view path,
                                          std::string_view body, const Secret& token) {
  http::Fields fields;
  fields.Add("user-agent", "mk8s/" MK8S_VERSION);
  fields.Add("accept", "application/json");
  if (!body.empty()) fields.Add("content-type", "application/json");
  if (!token.empty()) fields.Add("authorization", "Bearer " + token.Reveal());
  return transport_.Send(method, path, fields, body);
}

Result<std::string> CentralClient::BodyOrError(Result<net::Response> answer) const {
  if (!answer) return answer.error();
  if (answer->status >= 200 && answer->status < 300) return std::move(answer->body);
  return ParseError(answer->status, answer->fields.Get("x-request-id"), answer->body, central_url_);
}

Result<std::string> CentralClient::Call(std::string_view method, std::string_view path,
                                        std::string_view body) {
  MK8S_ASSIGN_OR_RETURN(Session session, keeper_.Fresh());
  Result<net::Response> answer = Send(method, path, body, session.token);
  if (answer && answer->status == 401) {
    MK8S_ASSIGN_OR_RETURN(session, keeper_.AfterRefusal(session.token));
    answer = Send(method, path, body, session.token);
  }
  Result<std::string> result = BodyOrError(std::move(answer));
  if (!result && result.error().code == ErrorCode::kUnauthenticated) {
    return keeper_.NeedsLogin(result.error().message);
  }
  return result;
}

Result<ServerVersion> CentralClient::GetVersion() {
  MK8S_ASSIGN_OR_RETURN(const std::string body, BodyOrError(Send("GET", "/version", {}, {})));
  return ParseVersion(body);
}

Result<LoginAnswer> CentralClient::Login(std::string_view email, const Secret& password) {
  MK8S_ASSIGN_OR_RETURN(const std::string body,
                        BodyOrError(Send("POST", "/auth/login", LoginBody(email, password), {})));
  Result<LoginAnswer> answer = ParseLogin(body);
  if (answer) answer->session.email = std::string(email);
  return answer;
}

Result<void> CentralClient::ChangePassword(const Secret& token, const Secret& current,
                                           const Secret& replacement) {
  const Result<std::string> body =
      BodyOrError(Send("POST", "/auth/password", PasswordBody(current, replacement), token));
  if (!body) return body.error();
  return {};
}

Result<AccountView> CentralClient::GetAccount() {
  MK8S_ASSIGN_OR_RETURN(const std::string body, Call("GET", "/auth/me"));
  return ParseAccount(body);
}

Result<void> CentralClient::Logout() {
  MK8S_RETURN_IF_ERROR(Call("POST", "/auth/logout"));
  return {};
}

Result<Listing<ClusterView>> CentralClient::ListClusters() {
  MK8S_ASSIGN_OR_RETURN(const std::string body, Call("GET", "/clusters"));
  return ParseClusters(body);
}

Result<AgentToken> CentralClient::AddCluster(std::string_view name) {
  MK8S_ASSIGN_OR_RETURN(const std::string body, Call("POST", "/clusters", NameBody(name)));
  return ParseAgentToken(body);
}

Result<void> CentralClient::RemoveCluster(std::string_view name) {
  MK8S_RETURN_IF_ERROR(Call("DELETE", "/clusters/" + EncodeSegment(name)));
  return {};
}

Result<AgentToken> CentralClient::RotateClusterToken(std::string_view name) {
  MK8S_ASSIGN_OR_RETURN(const std::string body,
                        Call("POST", "/clusters/" + EncodeSegment(name) + "/token"));
  return ParseAgentToken(body);
}

Result<Listing<UserView>> CentralClient::ListUsers() {
  MK8S_ASSIGN_OR_RETURN(const std::string body, Call("GET", "/users"));
  return ParseUsers(body);
}

Result<UserView> CentralClient::CreateUser(std::string_view email, const Secret& password,
                                           const std::vector<std::string>& roles) {
  MK8S_ASSIGN_OR_RETURN(const std::string body,
                        Call("POST", "/users", NewUserBody(email, password, roles)));
  return ParseUser(body);
}

Result<UserView> CentralClient::PatchUser(std::string_view email, std::string_view key,
                                          bool value) {
  MK8S_ASSIGN_OR_RETURN(const std::string body,
                        Call("PATCH", "/users/" + EncodeSegment(email), FlagBody(key, value)));
  return ParseUser(body);
}

Result<void> CentralClient::DeleteUser(std::string_view email) {
  MK8S_RETURN_IF_ERROR(Call("DELETE", "/users/" + EncodeSegment(email)));
  return {};
}

Result<void> CentralClient::SetUserRoles(std::string_view email,
                                         const std::vector<std::string>& roles) {
  MK8S_RETURN_IF_ERROR(Call("PUT", "/users/" + EncodeSegment(email) + "/roles", RolesBody(roles)));
  return {};
}

Result<Listing<Role>> CentralClient::ListRoles() {
  MK8S_ASSIGN_OR_RETURN(const std::string body, Call("GET", "/roles"));
  return ParseRoles(body);
}

Result<void> CentralClient::CreateRole(const Role& role) {
  MK8S_RETURN_IF_ERROR(Call("POST", "/roles", auth::RoleToJson(role)));
  return {};
}

Result<void> CentralClient::ReplaceRole(const Role& role) {
  MK8S_RETURN_IF_ERROR(Call("PUT", "/roles/" + EncodeSegment(role.name), auth::RoleToJson(role)));
  return {};
}

Result<void> CentralClient::DeleteRole(std::string_view name) {
  MK8S_RETURN_IF_ERROR(Call("DELETE", "/roles/" + EncodeSegment(name)));
  return {};
}

Result<Listing<AuditEvent>> CentralClient::ListAudit(std::string_view query) {
  MK8S_ASSIGN_OR_RETURN(
      const std::string body,
      Call("GET", query.empty() ? std::string("/audit") : "/audit?" + std::string(query)));
  return ParseAudit(body);
}

Result<void> CentralClient::RunRemoteCommand(std::string_view cluster,
                                             net::UpgradeHandler& handler) {
  const std::string path = "/clusters/" + EncodeSegment(cluster) + "/exec";
  const auto open = [&](const Secret& token) {
    return transport_.OpenWebSocket(
        path, {{"user-agent", "mk8s/" MK8S_VERSION}, {"authorization", "Bearer " + token.Reveal()}},
        handler);
  };
  MK8S_ASSIGN_OR_RETURN(Session session, keeper_.Fresh());
  Result<net::Response> answer = open(session.token);
  if (answer && answer->status == 401) {
    MK8S_ASSIGN_OR_RETURN(session, keeper_.AfterRefusal(session.token));
    answer = open(session.token);
  }
  if (answer && answer->status == 101) return {};
  const Result<std::string> refused = BodyOrError(std::move(answer));
  if (refused) return MakeError(ErrorCode::kBadGateway, "central did not open a WebSocket");
  if (refused.error().code == ErrorCode::kUnauthenticated) {
    return keeper_.NeedsLogin(refused.error().message);
  }
  return refused.error();
}

}  // namespace mk8s::cli

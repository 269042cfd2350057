// The JSON side of rest_types.h.  Unknown members are ignored, missing ones are empty: an older
// mk8s must go on working with a newer central.
#include <boost/json.hpp>

#include "auth/role_parse.h"
#include "base/error_mapping.h"
#include "cli/rest_types.h"

namespace mk8s::cli {
namespace {

namespace json = boost::json;

Error NotExpected(std::string_view what) {
  return MakeError(ErrorCode::kBadGateway, "central's answer is not " + std::string(what) +
                                               "; is this address really mk8s-central?");
}

Result<json::object> ParseObject(std::string_view body, std::string_view what) {
  boost::system::error_code failure;
  json::value value = json::parse(body, failure);
  if (failure || !value.is_object()) return NotExpected(what);
  return std::move(value.as_object());
}

std::string Text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::int64_t Number(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return 0;
  boost::system::error_code failure;
  const auto number = value->to_number<std::int64_t>(failure);
  return failure ? 0 : number;
}

bool Truth(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->as_bool();
}

std::optional<WallTime> Time(const json::object& object, std::string_view key) {
  const Result<WallTime> time = ParseTime(Text(object, key));
  return time ? std::optional<WallTime>(*time) : std::nullopt;
}

std::vector<std::string> Texts(const json::object& object, std::string_view key) {
  std::vector<std::string> texts;
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_array()) return texts;
  for (const json::value& item : value->as_array()) {
    if (item.is_string()) texts.emplace_back(item.as_string());
  }
  return texts;
}

// `convert` makes an item of each object in the array `key`.
template <typename T, typename Convert>
Result<Listing<T>> ParseList(std::string_view body, std::string_view key, Convert convert) {
  const std::string what = "a list of " + std::string(key);
  MK8S_ASSIGN_OR_RETURN(const json::object object, ParseObject(body, what));
  const json::value* array = object.if_contains(key);
  if (array == nullptr || !array->is_array()) return NotExpected(what);
  Listing<T> listing;
  listing.json = std::string(body);
  listing.next_cursor = Text(object, "next_cursor");
  for (const json::value& item : array->as_array()) {
    if (!item.is_object()) return NotExpected(what);
    Result<T> converted = convert(item.as_object());
    if (!converted) return converted.error();
    listing.items.push_back(*std::move(converted));
  }
  return listing;
}

Result<ClusterView> ToCluster(const json::object& object) {
  ClusterView cluster;
  cluster.id = Text(object, "id");
  cluster.name = Text(object, "name");
  cluster.status = Text(object, "status");
  cluster.last_seen = Time(object, "last_seen");
  if (const json::value* metadata = object.if_contains("metadata");
      metadata != nullptr && metadata->is_object()) {
    const json::object& facts = metadata->as_object();
    cluster.metadata.kubernetes_version = Text(facts, "kubernetes_version");
    cluster.metadata.node_count = static_cast<int>(Number(facts, "node_count"));
    cluster.metadata.agent_version = Text(facts, "agent_version");
    cluster.metadata.platform = Text(facts, "platform");
    cluster.metadata.sandbox = Text(facts, "sandbox");
  }
  return cluster;
}

Result<UserView> ToUser(const json::object& object) {
  UserView user;
  user.id = Text(object, "id");
  user.email = Text(object, "email");
  user.roles = Texts(object, "roles");
  user.disabled = Truth(object, "disabled");
  user.locked = Truth(object, "locked");
  user.created_at = Time(object, "created_at");
  user.last_login = Time(object, "last_login");
  user.initial_password = Text(object, "initial_password");
  return user;
}

Result<AuditEvent> ToAuditEvent(const json::object& object) {
  AuditEvent event;
  event.id = Text(object, "id");
  event.time = Time(object, "time").value_or(WallTime{});
  event.user = Text(object, "user");
  event.cluster = Text(object, "cluster");
  event.command = Text(object, "command");
  const std::optional<AuditStatus> status = AuditStatusFromName(Text(object, "status"));
  if (!status) return NotExpected("an audit event with a known status");
  event.status = *status;
  event.duration_ms = Number(object, "duration_ms");
  event.verb = Text(object, "verb");
  event.api_group = Text(object, "api_group");
  event.resource = Text(object, "resource");
  event.subresource = Text(object, "subresource");
  event.namespace_ = Text(object, "namespace");
  event.name = Text(object, "name");
  event.http_status = static_cast<int>(Number(object, "http_status"));
  event.source_ip = Text(object, "source_ip");
  event.reason = Text(object, "reason");
  event.kubectl_session = Text(object, "kubectl_session");
  return event;
}

}  // namespace

Result<LoginAnswer> ParseLogin(std::string_view body) {
  MK8S_ASSIGN_OR_RETURN(const json::object object, ParseObject(body, "a session"));
  LoginAnswer answer;
  answer.session.token = Secret(Text(object, "token"));
  answer.session.expires_at = Time(object, "expires_at").value_or(WallTime{});
  answer.session.refresh_token = Secret(Text(object, "refresh_token"));
  answer.session.refresh_expires_at = Time(object, "refresh_expires_at").value_or(WallTime{});
  answer.password_change_required = Truth(object, "password_change_required");
  if (answer.session.token.empty()) return NotExpected("a session");
  return answer;
}

Result<AccountView> ParseAccount(std::string_view body) {
  MK8S_ASSIGN_OR_RETURN(const json::object object, ParseObject(body, "an account"));
  const json::value* nested = object.if_contains("user");
  const bool is_nested = nested != nullptr && nested->is_object();
  AccountView account;
  MK8S_ASSIGN_OR_RETURN(account.user, ToUser(is_nested ? nested->as_object() : object));
  if (account.user.roles.empty()) account.user.roles = Texts(object, "roles");
  if (account.user.email.empty()) return NotExpected("an account");
  account.session_expires_at = Time(object, "session_expires_at");
  if (const json::value* session = object.if_contains("session");
      !account.session_expires_at && session != nullptr && session->is_object()) {
    account.session_expires_at = Time(session->as_object(), "expires_at");
  }
  account.json = std::string(body);
  return account;
}

Result<Listing<ClusterView>> ParseClusters(std::string_view body) {
  return ParseList<ClusterView>(body, "clusters", ToCluster);
}

Result<AgentToken> ParseAgentToken(std::string_view body) {
  MK8S_ASSIGN_OR_RETURN(const json::object object, ParseObject(body, "an agent token"));
  AgentToken token{Text(object, "name"), Text(object, "id"), Secret(Text(object, "agent_token")),
                   std::string(body)};
  if (token.token.empty()) return NotExpected("an agent token");
  return token;
}

Result<Listing<UserView>> ParseUsers(std::string_view body) {
  return ParseList<UserView>(body, "users", ToUser);
}

Result<UserView> ParseUser(std::string_view body) {
  MK8S_ASSIGN_OR_RETURN(const json::object object, ParseObject(body, "a user"));
  Result<UserView> user = ToUser(object);
  if (user) user->json = std::string(body);
  return user;
}

Result<Listing<Role>> ParseRoles(std::string_view body) {
  return ParseList<Role>(body, "roles", [](const json::object& object) {
    return auth::ParseRoleJson(json::serialize(object));
  });
}

Result<Listing<AuditEvent>> ParseAudit(std::string_view body) {
  return ParseList<AuditEvent>(body, "events", ToAuditEvent);
}

Result<ServerVersion> ParseVersion(std::string_view body) {
  MK8S_ASSIGN_OR_RETURN(const json::object object, ParseObject(body, "a version"));
  ServerVersion version{Text(object, "version")};
  if (version.version.empty()) return NotExpected("a version");
  return version;
}

Error ParseError(int status, std::string_view request_id, std::string_view body,
                 std::string_view central_url) {
  boost::system::error_code failure;
  const json::value root = json::parse(body, failure);
  const json::value* inner =
      !failure && root.is_object() ? root.as_object().if_contains("error") : nullptr;
  if (inner == nullptr || !inner->is_object()) {
    return MakeError(FromHttpStatus(status),
                     std::string(central_url) + " answered HTTP " + std::to_string(status) +
                         " but not as mk8s-central does; is another server or proxy in between?");
  }
  const json::object& error = inner->as_object();
  Error result = MakeError(FromHttpStatus(status), Text(error, "message"));
  for (const ErrorCode code : kAllErrorCodes) {
    if (Name(code) == Text(error, "code")) result.code = code;
  }
  if (result.message.empty()) result.message = "central answered HTTP " + std::to_string(status);
  std::string id = Text(error, "request_id");
  if (id.empty()) id = std::string(request_id);
  if (!id.empty()) result.message += "\n  request id: " + id;
  return result;
}

std::string LoginBody(std::string_view email, const Secret& password) {
  return json::serialize(json::object{{"email", email}, {"password", password.Reveal()}});
}

std::string RefreshBody(const Secret& refresh_token) {
  return json::serialize(json::object{{"refresh_token", refresh_token.Reveal()}});
}

std::string PasswordBody(const Secret& current, const Secret& replacement) {
  return json::serialize(
      json::object{{"current_password", current.Reveal()}, {"new_password", replacement.Reveal()}});
}

std::string NameBody(std::string_view name) {
  return json::serialize(json::object{{"name", name}});
}

std::string NewUserBody(std::string_view email, const Secret& password,
                        const std::vector<std::string>& roles) {
  json::object body{{"email", email}, {"roles", json::value_from(roles)}};
  if (!password.empty()) body["password"] = password.Reveal();
  return json::serialize(body);
}

std::string RolesBody(const std::vector<std::string>& roles) {
  return json::serialize(json::object{{"roles", json::value_from(roles)}});
}

std::string FlagBody(std::string_view key, bool value) {
  return json::serialize(json::object{{key, value}});
}

}  // namespace mk8s::cli

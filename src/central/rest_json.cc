// See rest_json.h.
#include "central/rest_json.h"

#include <boost/json.hpp>

#include "auth/role_parse.h"
#include "base/limits.h"
#include "base/text.h"

namespace mk8s::central {

namespace json = boost::json;

struct JsonFields::Members {
  json::object object;
};

namespace {

Result<json::object> ParseObject(std::string_view body) {
  json::parse_options options;
  options.max_depth = limits::kJsonDepthMax;
  boost::system::error_code failure;
  json::value value = json::parse(body, failure, {}, options);
  if (failure || !value.is_object()) {
    return MakeError(ErrorCode::kInvalidArgument, "the body must be a JSON object",
                     failure.message());
  }
  return std::move(value.get_object());
}

Error Bad(std::string_view key, std::string_view what) {
  return MakeError(ErrorCode::kInvalidArgument, std::string(key) + ": " + std::string(what));
}

json::value TimeOrNull(const std::optional<WallTime>& time) {
  return time ? json::value(FormatTime(*time)) : json::value(nullptr);
}

json::array ToArray(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) array.emplace_back(text);
  return array;
}

json::object ToObject(const UserState& state) {
  const User& user = *state.user;
  return {{"id", user.id},
          {"email", user.email},
          {"roles", ToArray(user.roles)},
          {"disabled", user.disabled},
          {"locked", state.locked},
          {"created_at", FormatTime(user.created_at)},
          {"last_login", TimeOrNull(user.last_login)}};
}

json::object ToObject(const ClusterState& state) {
  const Cluster& cluster = *state.cluster;
  const ClusterMetadata& metadata = state.state.metadata.value_or(cluster.metadata);
  return {
      {"id", cluster.id},
      {"name", cluster.name},
      {"status", StatusName(state)},
      {"last_seen", TimeOrNull(state.state.last_seen ? state.state.last_seen : cluster.last_seen)},
      {"metadata", json::object{{"kubernetes_version", metadata.kubernetes_version},
                                {"node_count", metadata.node_count},
                                {"agent_version", metadata.agent_version},
                                {"platform", metadata.platform},
                                {"sandbox", metadata.sandbox}}}};
}

json::object ToObject(const LoginSession& session, bool current) {
  return {{"id", session.id},
          {"created_at", FormatTime(session.created_at)},
          {"expires_at", FormatTime(session.expires_at)},
          {"source_ip", session.source_ip},
          {"user_agent", session.user_agent},
          {"current", current}};
}

json::object ToObject(const AuditEvent& event) {
  return {{"id", event.id},
          {"time", FormatTime(event.time)},
          {"user", event.user},
          {"cluster", event.cluster},
          {"command", event.command},
          {"status", Name(event.status)},
          {"duration_ms", event.duration_ms},
          {"request_id", event.id},
          {"verb", event.verb},
          {"api_group", event.api_group},
          {"resource", event.resource},
          {"subresource", event.subresource},
          {"namespace", event.namespace_},
          {"name", event.name},
          {"http_status", event.http_status},
          {"source_ip", event.source_ip},
          {"reason", event.reason},
          {"kubectl_session", event.kubectl_session}};
}

template <typename T>
std::string RenderList(std::string_view key, std::span<const T> items) {
  json::array array;
  array.reserve(items.size());
  for (const T& item : items) array.push_back(ToObject(item));
  return json::serialize(json::object{{key, std::move(array)}});
}

}  // namespace

std::string NameInBody(std::string_view body) {
  const auto object = ParseObject(body);
  if (!object) return {};
  for (const char* key : {"email", "name"}) {
    const json::value* value = object->if_contains(key);
    if (value && value->is_string()) return std::string(value->get_string());
  }
  return {};
}

Result<JsonFields> JsonFields::Parse(std::string_view body,
                                     std::initializer_list<std::string_view> known) {
  MK8S_ASSIGN_OR_RETURN(json::object object, ParseObject(body));
  for (const auto& member : object) {
    const std::string_view key = member.key();
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return Bad(Printable(key, 64), "there is no such member here");
    }
  }
  return JsonFields(std::make_shared<Members>(Members{std::move(object)}));
}

Result<std::optional<std::string>> JsonFields::OptionalText(std::string_view key) const {
  const json::value* value = members_->object.if_contains(key);
  if (!value || value->is_null()) return std::optional<std::string>();
  if (!value->is_string()) return Bad(key, "must be a string");
  std::string text(value->get_string());
  if (text.find('\0') != std::string::npos) return Bad(key, "must not contain a NUL");
  return std::optional<std::string>(std::move(text));
}

Result<std::string> JsonFields::Text(std::string_view key) const {
  MK8S_ASSIGN_OR_RETURN(auto text, OptionalText(key));
  if (!text) return Bad(key, "is missing");
  return *std::move(text);
}

Result<std::optional<bool>> JsonFields::OptionalFlag(std::string_view key) const {
  const json::value* value = members_->object.if_contains(key);
  if (!value || value->is_null()) return std::optional<bool>();
  if (!value->is_bool()) return Bad(key, "must be true or false");
  return std::optional<bool>(value->get_bool());
}

Result<std::optional<std::vector<std::string>>> JsonFields::OptionalTexts(
    std::string_view key) const {
  const json::value* value = members_->object.if_contains(key);
  if (!value || value->is_null()) return std::optional<std::vector<std::string>>();
  if (!value->is_array()) return Bad(key, "must be a list of strings");
  std::vector<std::string> texts;
  for (const json::value& item : value->get_array()) {
    if (!item.is_string()) return Bad(key, "must be a list of strings");
    texts.emplace_back(item.get_string());
  }
  return std::optional(std::move(texts));
}

Result<std::vector<std::string>> JsonFields::Texts(std::string_view key) const {
  MK8S_ASSIGN_OR_RETURN(auto texts, OptionalTexts(key));
  if (!texts) return Bad(key, "is missing");
  return *std::move(texts);
}

std::string_view StatusName(const ClusterState& cluster) {
  if (cluster.state.connected) return "connected";
  return cluster.state.last_seen || cluster.cluster->last_seen ? "disconnected" : "pending";
}

std::string RenderError(std::string_view code, std::string_view message,
                        std::string_view request_id) {
  return json::serialize(json::object{
      {"error", json::object{{"code", code}, {"message", message}, {"request_id", request_id}}}});
}

std::string RenderTokens(const IssuedTokens& tokens) {
  json::object object{{"token", tokens.token.Reveal()},
                      {"expires_at", FormatTime(tokens.expires_at)},
                      {"refresh_token", tokens.refresh_token.Reveal()},
                      {"refresh_expires_at", FormatTime(tokens.refresh_expires_at)}};
  if (tokens.password_change_required) object["password_change_required"] = true;
  return json::serialize(object);
}

std::string RenderMe(const User& user, bool admin, const LoginSession& session,
                     WallTime token_expires_at) {
  json::object object = ToObject(UserState{&user, false});
  object["admin"] = admin;
  object["session"] = ToObject(session, true);
  object["session_expires_at"] = FormatTime(session.expires_at);
  object["token_expires_at"] = FormatTime(token_expires_at);
  return json::serialize(object);
}

std::string RenderSessions(std::span<const LoginSession* const> sessions,
                           std::string_view current_id) {
  json::array array;
  for (const LoginSession* session : sessions) {
    array.push_back(ToObject(*session, session->id == current_id));
  }
  return json::serialize(json::object{{"sessions", std::move(array)}});
}

std::string RenderClusters(std::span<const ClusterState> clusters) {
  return RenderList("clusters", clusters);
}

std::string RenderAgentToken(const Cluster& cluster, const Secret& token) {
  return json::serialize(
      json::object{{"id", cluster.id}, {"name", cluster.name}, {"agent_token", token.Reveal()}});
}

std::string RenderUser(const UserState& user, const Secret& initial_password) {
  json::object object = ToObject(user);
  if (!initial_password.empty()) object["initial_password"] = initial_password.Reveal();
  return json::serialize(object);
}

std::string RenderUsers(std::span<const UserState> users) { return RenderList("users", users); }

std::string RenderRole(const Role& role) { return auth::RoleToJson(role); }

std::string RenderRoles(std::span<const Role> roles) {
  std::string text = R"({"roles":[)";
  for (const Role& role : roles) {
    if (text.back() == '}') text += ',';
    text += auth::RoleToJson(role);
  }
  return text + "]}";
}

std::string RenderAudit(std::span<const AuditEvent> events, std::string_view next_cursor) {
  json::array array;
  array.reserve(events.size());
  for (const AuditEvent& event : events) array.push_back(ToObject(event));
  json::object object{{"events", std::move(array)}};
  object["next_cursor"] = next_cursor.empty() ? json::value(nullptr) : json::value(next_cursor);
  return json::serialize(object);
}

}  // namespace mk8s::central

// See credentials.h.
#include "cli/credentials.h"

#include <boost/json.hpp>

namespace mk8s::cli {
namespace {

namespace json = boost::json;

Error BadFile(const Home& home) {
  return MakeError(ErrorCode::kFailedPrecondition,
                   home.CredentialsFile().string() +
                       " is not a credentials file of mk8s\n  next: delete it and run mk8s login");
}

Result<json::object> LoadSessions(const Home& home) {
  const Result<std::string> text = ReadFile(home.CredentialsFile());
  if (!text && text.error().code == ErrorCode::kNotFound) return json::object{};
  if (!text) return text.error();
  boost::system::error_code failure;
  json::value root = json::parse(*text, failure);
  if (failure || !root.is_object()) return BadFile(home);
  const json::value* sessions = root.as_object().if_contains("sessions");
  if (sessions == nullptr || !sessions->is_object()) return BadFile(home);
  return sessions->as_object();
}

Result<void> SaveSessions(const Home& home, json::object sessions) {
  const json::object root{{"sessions", std::move(sessions)}};
  return WriteFileAtomically(home.CredentialsFile(), json::serialize(root) + "\n", 0600);
}

std::string Text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

Result<std::optional<Session>> CredentialStore::Load(std::string_view central_url) const {
  MK8S_ASSIGN_OR_RETURN(const json::object sessions, LoadSessions(home_));
  const json::value* found = sessions.if_contains(central_url);
  if (found == nullptr) return std::optional<Session>();
  if (!found->is_object()) return BadFile(home_);
  const json::object& object = found->as_object();
  Session session;
  session.email = Text(object, "email");
  session.token = Secret(Text(object, "token"));
  session.refresh_token = Secret(Text(object, "refresh_token"));
  // An unreadable time counts as expired: the refresh or the next login mends it.
  session.issued_at = ParseTime(Text(object, "issued_at")).value_or(WallTime{});
  session.expires_at = ParseTime(Text(object, "expires_at")).value_or(WallTime{});
  session.refresh_expires_at = ParseTime(Text(object, "refresh_expires_at")).value_or(WallTime{});
  return std::optional<Session>(std::move(session));
}

Result<FileLock> CredentialStore::Lock() const {
  MK8S_RETURN_IF_ERROR(home_.Prepare());
  return FileLock::Acquire(home_.CredentialsLock());
}

Result<void> CredentialStore::Save(std::string_view central_url, const Session& session) const {
  MK8S_ASSIGN_OR_RETURN(json::object sessions, LoadSessions(home_));
  json::object object{{"email", session.email}};
  if (!session.token.empty()) {
    object["token"] = session.token.Reveal();
    object["issued_at"] = FormatTime(session.issued_at);
    object["expires_at"] = FormatTime(session.expires_at);
  }
  if (!session.refresh_token.empty()) {
    object["refresh_token"] = session.refresh_token.Reveal();
    object["refresh_expires_at"] = FormatTime(session.refresh_expires_at);
  }
  sessions[central_url] = std::move(object);
  return SaveSessions(home_, std::move(sessions));
}

Result<void> CredentialStore::Remove(std::string_view central_url) const {
  MK8S_ASSIGN_OR_RETURN(json::object sessions, LoadSessions(home_));
  if (sessions.erase(central_url) == 0) return {};
  return SaveSessions(home_, std::move(sessions));
}

}  // namespace mk8s::cli

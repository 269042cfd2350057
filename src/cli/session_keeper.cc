// See session_keeper.h.
#include "cli/session_keeper.h"

#include "cli/rest_types.h"

namespace mk8s::cli {

Error SessionKeeper::NeedsLogin(const std::string& why) const {
  if (!settings_.token.empty()) {
    return MakeError(
        ErrorCode::kUnauthenticated,
        why + "\n  next: set MK8S_TOKEN to a valid token, or unset it and run mk8s login");
  }
  return MakeError(ErrorCode::kUnauthenticated,
                   why + "\n  next: mk8s login " + settings_.central_url.value);
}

Result<Session> SessionKeeper::Fresh() {
  if (!settings_.token.empty()) {
    Session session;
    session.token = settings_.token;
    session.expires_at = WallTime::max();
    return session;
  }
  const auto still_good = [&](const Session& session) {
    const auto left_min = std::min<std::chrono::milliseconds>(
        kTokenLeftMin, (session.expires_at - session.issued_at) / 5);
    return !session.token.empty() && session.expires_at - clock_.Now() > left_min;
  };
  MK8S_ASSIGN_OR_RETURN(const std::optional<Session> stored,
                        store_.Load(settings_.central_url.value));
  if (stored && still_good(*stored)) return *stored;
  Result<Session> refreshed = Refresh(still_good);
  if (!refreshed && refreshed.error().code != ErrorCode::kUnauthenticated && stored &&
      !stored->token.empty() && stored->expires_at > clock_.Now()) {
    return *stored;
  }
  return refreshed;
}

Result<Session> SessionKeeper::AfterRefusal(const Secret& refused) {
  if (!settings_.token.empty()) return NeedsLogin("central does not accept MK8S_TOKEN");
  return Refresh([&](const Session& session) {
    return !session.token.empty() && session.token.Reveal() != refused.Reveal();
  });
}

// The lock spans load, exchange and save: of two processes the second finds the first one's token.
Result<Session> SessionKeeper::Refresh(const std::function<bool(const Session&)>& still_good) {
  const std::string& url = settings_.central_url.value;
  MK8S_ASSIGN_OR_RETURN(const FileLock lock, store_.Lock());
  MK8S_ASSIGN_OR_RETURN(const std::optional<Session> stored, store_.Load(url));
  if (!stored) return NeedsLogin("you are not logged in to " + url);
  if (still_good(*stored)) return *stored;
  // Whether the refresh token has expired is central's to say: clocks differ.
  if (stored->refresh_token.empty()) {
    return NeedsLogin("your session at " + url + " has ended");
  }
  Result<Session> refreshed = ExchangeRefreshToken(*stored);
  if (refreshed) {
    MK8S_RETURN_IF_ERROR(store_.Save(url, *refreshed));
  } else if (refreshed.error().code == ErrorCode::kUnauthenticated) {
    Session ended;
    ended.email = stored->email;
    MK8S_RETURN_IF_ERROR(store_.Save(url, ended));
  }
  return refreshed;
}

Result<Session> SessionKeeper::ExchangeRefreshToken(const Session& old) {
  MK8S_ASSIGN_OR_RETURN(
      const net::Response answer,
      transport_.Send("POST", "/auth/refresh", {{"content-type", "application/json"}},
                      RefreshBody(old.refresh_token)));
  if (answer.status != 200) {
    const Error error = ParseError(answer.status, answer.fields.Get("x-request-id"), answer.body,
                                   settings_.central_url.value);
    if (answer.status != 401) return error;
    return NeedsLogin("your session at " + settings_.central_url.value + " has ended");
  }
  MK8S_ASSIGN_OR_RETURN(LoginAnswer login, ParseLogin(answer.body));
  login.session.email = old.email;
  login.session.issued_at = clock_.Now();
  return std::move(login.session);
}

}  // namespace mk8s::cli

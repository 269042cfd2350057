// See accounts.h.
#include "central/accounts.h"

#include "auth/jwt.h"
#include "auth/password.h"
#include "auth/signing_key.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/text.h"
#include "central/services.h"
#include "config/central_config.h"
#include "store/store.h"

namespace mk8s::central {
namespace {

constexpr std::size_t kEmailBytesMax = 254;  // RFC 5321 section 4.5.3.1.3
constexpr std::size_t kUserAgentBytesMax = 200;

Error WrongCredentials() {
  return MakeError(ErrorCode::kUnauthenticated, "the e-mail or the password is wrong");
}

Result<IssuedTokens> Issue(Services& services, const User& user, const LoginSession& session,
                           Secret refresh_token, WallTime now) {
  IssuedTokens issued;
  issued.expires_at =
      std::min<WallTime>(now + services.config.auth.token_expiry, session.expires_at);
  issued.refresh_token = std::move(refresh_token);
  issued.refresh_expires_at = session.expires_at;
  issued.password_change_required = user.password_change_required;
  const auth::TokenClaims claims{.subject = user.id,
                                 .email = user.email,
                                 .session_id = session.id,
                                 .id = NewUuid(),
                                 .issued_at = now,
                                 .expires_at = issued.expires_at};
  MK8S_ASSIGN_OR_RETURN(issued.token, auth::SignToken(claims, services.signing_key));
  return issued;
}

// Refused while the account or the address is locked, whether or not the account exists.
Result<void> CheckLockout(Services& services, std::string_view email, std::string_view source_ip,
                          WallTime now, LoginTrace& trace) {
  MK8S_ASSIGN_OR_RETURN(const store::LoginGate gate,
                        services.store.CheckLogin(email, source_ip, now));
  const auto until = std::max(gate.account_locked_until, gate.address_locked_until);
  if (!until) return {};
  trace.retry_after = std::chrono::ceil<std::chrono::seconds>(*until - now);
  return MakeError(ErrorCode::kResourceExhausted,
                   "too many failed logins; try again in " +
                       FormatDuration(std::chrono::ceil<std::chrono::minutes>(*until - now)) +
                       ", or ask an administrator to unlock the account");
}

// The user whose password it is, or null; each failure counts towards the lockout.
Result<std::optional<User>> CheckPassword(Services& services, std::string_view email,
                                          const Secret& password, std::string_view source_ip,
                                          WallTime now) {
  auto user = services.store.FindUser(email);
  if (!user && user.error().code != ErrorCode::kNotFound) return user.error();
  bool good = false;
  if (user && !user->password_hash.empty()) {
    good = auth::VerifyPassword(password, user->password_hash);
  } else {
    auth::DummyVerify(password, services.config.auth.bcrypt_cost);
  }
  if (good) return std::optional<User>(*std::move(user));
  MK8S_RETURN_IF_ERROR(services.store.RecordLoginFailure(email, source_ip, now));
  return std::optional<User>();
}

}  // namespace

Result<std::string> CanonicalEmail(std::string_view typed) {
  const std::size_t at = typed.rfind('@');
  bool good = typed.size() <= kEmailBytesMax && at != std::string_view::npos && at > 0 &&
              at + 1 < typed.size() && IsUtf8(typed);
  for (const char byte : typed) {
    const auto code = static_cast<unsigned char>(byte);
    good = good && code > ' ' && code != 0x7f && byte != '"' && byte != ',' && byte != '/';
  }
  if (!good) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "\"" + Printable(typed, 64) + "\" is not an e-mail address");
  }
  return ToLower(typed);
}

Result<void> CheckClusterName(std::string_view name) {
  bool good = !name.empty() && name.size() <= 63 && name.front() != '-' && name.back() != '-';
  for (const char byte : name) {
    good = good && ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-');
  }
  if (!good || IsUuid(name)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "a cluster's name must be 1 to 63 of a-z, 0-9 and -, beginning and ending "
                     "with a letter or digit, and not a UUID: \"" +
                         Printable(name, 64) + "\" is not");
  }
  return {};
}

std::string TokenHash(std::string_view token) { return HexEncode(Sha256(token)); }

Result<CreatedUser> CreateAccount(store::Store& store, const NewUser& wanted, int bcrypt_cost,
                                  WallTime now) {
  CreatedUser created;
  MK8S_ASSIGN_OR_RETURN(created.user.email, CanonicalEmail(wanted.email));
  if (wanted.password) MK8S_RETURN_IF_ERROR(auth::CheckPasswordRules(*wanted.password));
  if (!wanted.password) created.initial_password = auth::GenerateOneTimePassword();
  const Secret& password = wanted.password ? *wanted.password : created.initial_password;
  created.user.id = NewUuid();
  created.user.password_change_required = !wanted.password;
  created.user.roles = wanted.roles;
  std::vector<std::string>& roles = created.user.roles;
  std::sort(roles.begin(), roles.end());
  roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
  created.user.created_at = now;
  MK8S_ASSIGN_OR_RETURN(created.user.password_hash, auth::HashPassword(password, bcrypt_cost));
  MK8S_RETURN_IF_ERROR(store.CreateUser(created.user));
  return created;
}

Result<IssuedTokens> LogIn(Services& services, const Credentials& credentials, LoginTrace& trace) {
  const WallTime now = services.clock.Now();
  if (auto email = CanonicalEmail(credentials.email)) trace.email = *std::move(email);
  MK8S_RETURN_IF_ERROR(
      CheckLockout(services, credentials.email, credentials.source_ip, now, trace));
  MK8S_ASSIGN_OR_RETURN(
      const std::optional<User> user,
      CheckPassword(services, credentials.email, credentials.password, credentials.source_ip, now));
  if (!user) return WrongCredentials();
  trace.user_id = user->id;
  Secret refresh_token = NewToken("mk8s_refresh_");
  const LoginSession session{.id = NewUuid(),
                             .user_id = user->id,
                             .created_at = now,
                             .expires_at = now + services.config.auth.refresh_expiry,
                             .refresh_hash = TokenHash(refresh_token.Reveal()),
                             .source_ip = credentials.source_ip,
                             .user_agent = Printable(credentials.user_agent, kUserAgentBytesMax)};
  MK8S_RETURN_IF_ERROR(services.store.StartSession(session));
  return Issue(services, *user, session, std::move(refresh_token), now);
}

Result<IssuedTokens> Refresh(Services& services, const Secret& refresh_token, LoginTrace& trace) {
  const WallTime now = services.clock.Now();
  Secret next = NewToken("mk8s_refresh_");
  MK8S_ASSIGN_OR_RETURN(const store::RotatedSession rotated,
                        services.store.RotateRefreshToken(TokenHash(refresh_token.Reveal()),
                                                          TokenHash(next.Reveal()), now));
  trace.user_id = rotated.session.user_id;
  MK8S_ASSIGN_OR_RETURN(const User user, services.store.FindUser(rotated.session.user_id));
  trace.email = user.email;
  if (rotated.outcome == store::Rotation::kReused) {
    return MakeError(ErrorCode::kUnauthenticated,
                     "this refresh token was used before, so its session was ended; log in again");
  }
  return Issue(services, user, rotated.session, std::move(next), now);
}

Result<void> ReplacePassword(Services& services, const User& user, const std::string& session_id,
                             const Secret& current, const Secret& replacement,
                             std::string_view source_ip, LoginTrace& trace) {
  const WallTime now = services.clock.Now();
  MK8S_RETURN_IF_ERROR(auth::CheckPasswordRules(replacement));
  if (current.Reveal() == replacement.Reveal()) {
    return MakeError(ErrorCode::kInvalidArgument, "the new password must be another one");
  }
  MK8S_RETURN_IF_ERROR(CheckLockout(services, user.email, source_ip, now, trace));
  MK8S_ASSIGN_OR_RETURN(const std::optional<User> owner,
                        CheckPassword(services, user.email, current, source_ip, now));
  if (!owner) {
    return MakeError(ErrorCode::kPermissionDenied, "the current password is wrong");
  }
  store::UserChange change{
      .password_change_required = false, .end_sessions = true, .keep_session_id = session_id};
  MK8S_ASSIGN_OR_RETURN(change.password_hash,
                        auth::HashPassword(replacement, services.config.auth.bcrypt_cost));
  MK8S_RETURN_IF_ERROR(services.store.UpdateUser(user.id, change, now));
  return {};
}

}  // namespace mk8s::central

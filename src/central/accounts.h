// Accounts: what e-mails, cluster names and passwords must look like, logins with lockout, and the
// tokens of a session.  Shared by REST and the commands of mk8s-central.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "models/account.h"

namespace mk8s::store {
class Store;
}

namespace mk8s::central {

struct Services;

/// Lower case.  kInvalidArgument unless it is one printable word with an @ inside, at most 254
/// bytes.
Result<std::string> CanonicalEmail(std::string_view typed);

/// A DNS label (RFC 1123), so that it can stand in a path, a context name and a certificate; and
/// not a UUID, which would name another cluster.
Result<void> CheckClusterName(std::string_view name);

/// How agent and refresh tokens are stored: SHA-256 in hex.  They are random, so no salt is needed.
std::string TokenHash(std::string_view token);

struct NewUser {
  std::string email;               // as typed
  std::optional<Secret> password;  // none: a one-time password is made
  std::vector<std::string> roles;
};

struct CreatedUser {
  User user;
  Secret initial_password;  // empty if one was given
};

/// Checks, hashes (blocking, about 250 ms) and stores.
Result<CreatedUser> CreateAccount(store::Store& store, const NewUser& wanted, int bcrypt_cost,
                                  WallTime now);

struct IssuedTokens {
  Secret token;
  WallTime expires_at{};
  Secret refresh_token;
  WallTime refresh_expires_at{};
  bool password_change_required = false;
};

struct Credentials {
  std::string email;  // as typed
  Secret password;
  std::string source_ip;
  std::string user_agent;
};

/// What became of a login or refresh beside its error: for the audit log and Retry-After.
struct LoginTrace {
  std::string user_id;
  std::string email;  // empty where what was typed is no e-mail; it may be a password
  std::optional<std::chrono::seconds> retry_after;
};

/// Blocking.  kUnauthenticated for a wrong password and for an unknown e-mail, alike in text and
/// time; kResourceExhausted while locked; kPermissionDenied for a disabled account, told only to
/// who knows its password.
Result<IssuedTokens> LogIn(Services& services, const Credentials& credentials, LoginTrace& trace);

/// Blocking.  A spent token ends its session: kUnauthenticated, with the reason in the message.
Result<IssuedTokens> Refresh(Services& services, const Secret& refresh_token, LoginTrace& trace);

/// Blocking.  Checks `current` as a login does (failures count), sets `replacement` and ends the
/// user's other sessions.
Result<void> ReplacePassword(Services& services, const User& user, const std::string& session_id,
                             const Secret& current, const Secret& replacement,
                             std::string_view source_ip, LoginTrace& trace);

}  // namespace mk8s::central

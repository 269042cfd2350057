// Users and their sessions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace mk8s {

struct User {
  std::string id;             // UUID
  std::string email;          // lower case
  std::string password_hash;  // "$2b$..."; empty: cannot log in with a password
  bool password_change_required = false;
  bool disabled = false;
  std::vector<std::string> roles;  // names, sorted
  WallTime created_at{};
  std::optional<WallTime> last_login;
};

/// One login.  A token's `sid` names it; ending it refuses the token and every refresh token of the
/// family.
struct LoginSession {
  std::string id;  // UUID
  std::string user_id;
  WallTime created_at{};
  WallTime expires_at{};     // of the refresh token family, fixed at login
  std::string refresh_hash;  // SHA-256, hex, of the one refresh token that is good now; the store
                             // keeps the spent ones: seen again means theft, the session ends
  std::string source_ip;
  std::string user_agent;
  std::optional<WallTime> revoked_at;
};

}  // namespace mk8s

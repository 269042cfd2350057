// From a bearer token to a live user: signature, session and account state.  Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "central/snapshot.h"

namespace mk8s::auth {
class SigningKey;
}

namespace mk8s::central {

/// Who asks, valid as of one snapshot, which it keeps alive.
struct Principal {
  std::shared_ptr<const Snapshot> snapshot;
  const User* user = nullptr;             // never null in a Principal that was returned
  const LoginSession* session = nullptr;  // never null either
  WallTime token_expires_at{};
  /// The account must change its password first: only POST /auth/password and /auth/logout are open
  /// to it.
  bool password_change_required = false;
};

class Authenticator {
 public:
  Authenticator(const auth::SigningKey& key, const Clock& clock, const Snapshots& snapshots);
  ~Authenticator();

  /// `token` without "Bearer ".  Verified signatures are remembered until they expire (bounded);
  /// the session and the user are looked up in the current snapshot each time.  Error:
  /// kUnauthenticated, with a message that is safe to show.
  Result<Principal> Authenticate(std::string_view token) const;

  /// The principal of a session that was authenticated before, as of `snapshot`: re-decides open
  /// streams.
  Result<Principal> Again(std::shared_ptr<const Snapshot> snapshot, std::string_view session_id,
                          WallTime token_expires_at) const;

 private:
  struct Cache;
  const auth::SigningKey& key_;
  const Clock& clock_;
  const Snapshots& snapshots_;
  std::unique_ptr<Cache> cache_;
};

/// The token of "Authorization: Bearer ...", empty if there is none.
std::string_view BearerToken(std::string_view authorization);

}  // namespace mk8s::central

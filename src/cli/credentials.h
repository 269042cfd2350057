// ~/.mk8s/credentials.json (0600): one login session for each central.  A token is only ever sent
// to the central that issued it, because the URL is its key here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "cli/files.h"
#include "cli/home.h"

namespace mk8s::cli {

struct Session {
  std::string email;
  Secret token;  // access token (JWT); empty after the session ended
  WallTime issued_at{};
  WallTime expires_at{};
  Secret refresh_token;
  WallTime refresh_expires_at{};
};

class CredentialStore {
 public:
  explicit CredentialStore(Home home) : home_(std::move(home)) {}

  /// Nothing when there never was a login.  Error: kFailedPrecondition when the file is unreadable
  /// or not what mk8s writes.
  Result<std::optional<Session>> Load(std::string_view central_url) const;

  /// Holds off other mk8s processes: refresh tokens are good once, so load, refresh and save are
  /// one step.
  Result<FileLock> Lock() const;

  /// Precondition of both: the lock is held.
  Result<void> Save(std::string_view central_url, const Session& session) const;
  Result<void> Remove(std::string_view central_url) const;

 private:
  Home home_;
};

}  // namespace mk8s::cli

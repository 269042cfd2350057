// Hands out an access token that is good now: MK8S_TOKEN as it is, else the stored session,
// refreshed before it expires.  The only place that knows refresh tokens.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "cli/credentials.h"
#include "cli/settings.h"
#include "cli/transport.h"

namespace mk8s::cli {

/// A token with less than this left is refreshed before a command starts; one that lives shorter
/// than five times this, in the last fifth of its life.
inline constexpr std::chrono::minutes kTokenLeftMin{5};

class SessionKeeper {
 public:
  /// All must outlive the keeper.
  SessionKeeper(const Settings& settings, const CredentialStore& store, Transport& transport,
                const Clock& clock)
      : settings_(settings), store_(store), transport_(transport), clock_(clock) {}

  /// No network while the token is not near its end (kTokenLeftMin).  A refresh that cannot reach
  /// central gives the old token as long as it is valid.  Error: kUnauthenticated, saying how to
  /// log in.
  Result<Session> Fresh();

  /// Central answered 401 to `refused`: refresh, unless another process already did.
  Result<Session> AfterRefusal(const Secret& refused);

  /// "run mk8s login SERVER" as the next step, in the words for where the token came from.
  Error NeedsLogin(const std::string& why) const;

 private:
  Result<Session> Refresh(const std::function<bool(const Session&)>& still_good);
  Result<Session> ExchangeRefreshToken(const Session& old);

  const Settings& settings_;
  const CredentialStore& store_;
  Transport& transport_;
  const Clock& clock_;
};

}  // namespace mk8s::cli

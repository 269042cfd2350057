// Counters of failed logins, by account and by source address, inside a transaction.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "store/sql.h"

namespace mk8s::store {

inline constexpr std::string_view kAccountLock = "account";
inline constexpr std::string_view kAddressLock = "address";

/// How an account is named in login_failures: a hash, because people type passwords into the e-mail
/// field; in lower case, so that spelling does not make another account.
std::string AccountSubject(std::string_view email);

/// Nothing if it is not locked at `now`.
Result<std::optional<WallTime>> LockedUntil(Connection& connection, std::string_view kind,
                                            std::string_view subject, WallTime now);
Result<void> ClearFailures(Connection& connection, std::string_view kind, std::string_view subject);
Result<std::int64_t> PruneFailures(Connection& connection, WallTime before);

}  // namespace mk8s::store

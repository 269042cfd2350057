// Lockout: limits::kLoginFailuresPer... failures within limits::kLockout lock for limits::kLockout.
// A counter is only ever removed by its own end, so a flood of other names cannot free a victim's.
#include <unordered_set>

#include "base/encoding.h"
#include "base/limits.h"
#include "base/text.h"
#include "store/lockout.h"
#include "store/sql_store.h"

namespace mk8s::store {
namespace {

Result<void> Count(Connection& connection, std::string_view kind, std::string_view subject,
                   int failures_max, WallTime now) {
  const WallTime window_start = now - limits::kLockout;
  std::int64_t failures = 0;
  MK8S_RETURN_IF_ERROR(connection.Execute(
      "INSERT INTO login_failures (kind, subject, failures, window_started_at, locked_until) "
      "VALUES ($1, $2, 1, $3, NULL) ON CONFLICT (kind, subject) DO UPDATE SET "
      "failures = CASE WHEN login_failures.window_started_at <= $4 THEN 1 "
      "ELSE login_failures.failures + 1 END, "
      "window_started_at = CASE WHEN login_failures.window_started_at <= $4 THEN $3 "
      "ELSE login_failures.window_started_at END RETURNING failures",
      {kind, subject, now, window_start}, [&](const Row& row) { failures = row.Integer(0); }));
  if (failures < failures_max) return {};
  // Counting starts anew once the lock ends.
  MK8S_RETURN_IF_ERROR(connection.Execute(
      "UPDATE login_failures SET failures = 0, locked_until = $3 WHERE kind = $1 AND subject = $2",
      {kind, subject, now + limits::kLockout}));
  return {};
}

}  // namespace

std::string AccountSubject(std::string_view email) { return HexEncode(Sha256(ToLower(email))); }

Result<std::optional<WallTime>> LockedUntil(Connection& connection, std::string_view kind,
                                            std::string_view subject, WallTime now) {
  std::optional<WallTime> until;
  MK8S_RETURN_IF_ERROR(connection.Execute(
      "SELECT locked_until FROM login_failures WHERE kind = $1 AND subject = $2 AND locked_until > "
      "$3",
      {kind, subject, now}, [&](const Row& row) { until = row.OptionalTime(0); }));
  return until;
}

Result<void> ClearFailures(Connection& connection, std::string_view kind,
                           std::string_view subject) {
  MK8S_RETURN_IF_ERROR(connection.Execute(
      "DELETE FROM login_failures WHERE kind = $1 AND subject = $2", {kind, subject}));
  return {};
}

Result<std::int64_t> PruneFailures(Connection& connection, WallTime before) {
  return connection.Execute(
      "DELETE FROM login_failures WHERE window_started_at < $1 AND (locked_until IS NULL OR "
      "locked_until < $2)",
      {before - limits::kLockout, before});
}

Result<LoginGate> SqlStore::CheckLogin(std::string_view account, std::string_view address,
                                       WallTime now) {
  LoginGate gate;
  MK8S_RETURN_IF_ERROR(database_->Run(Access::kRead, [&](Connection& connection) -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(gate.account_locked_until,
                          LockedUntil(connection, kAccountLock, AccountSubject(account), now));
    MK8S_ASSIGN_OR_RETURN(gate.address_locked_until,
                          LockedUntil(connection, kAddressLock, address, now));
    return {};
  }));
  return gate;
}

Result<void> SqlStore::RecordLoginFailure(std::string_view account, std::string_view address,
                                          WallTime now) {
  return database_->Run(Access::kWrite, [&](Connection& connection) -> Result<void> {
    MK8S_RETURN_IF_ERROR(Count(connection, kAccountLock, AccountSubject(account),
                               limits::kLoginFailuresPerAccountMax, now));
    return Count(connection, kAddressLock, address, limits::kLoginFailuresPerAddressMax, now);
  });
}

Result<void> SqlStore::UnlockAccount(std::string_view account) {
  return database_->Run(Access::kWrite, [&](Connection& connection) {
    return ClearFailures(connection, kAccountLock, AccountSubject(account));
  });
}

Result<std::vector<std::string>> SqlStore::LockedAccounts(WallTime now) {
  std::vector<std::string> emails;
  MK8S_RETURN_IF_ERROR(database_->Run(Access::kRead, [&](Connection& connection) -> Result<void> {
    emails.clear();
    std::unordered_set<std::string> locked;
    MK8S_RETURN_IF_ERROR(connection.Execute(
        "SELECT subject FROM login_failures WHERE kind = $1 AND locked_until > $2",
        {kAccountLock, now}, [&](const Row& row) { locked.insert(row.String(0)); }));
    if (locked.empty()) return {};
    MK8S_RETURN_IF_ERROR(
        connection.Execute("SELECT email FROM users ORDER BY email", {}, [&](const Row& row) {
          if (locked.contains(AccountSubject(row.Text(0)))) emails.push_back(row.String(0));
        }));
    return {};
  }));
  return emails;
}

}  // namespace mk8s::store

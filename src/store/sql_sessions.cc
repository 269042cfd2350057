// Login sessions and their refresh tokens.
#include "base/limits.h"
#include "store/lockout.h"
#include "store/rows.h"
#include "store/sql_store.h"

namespace mk8s::store {
namespace {

// Automation that logs in and never out: its oldest sessions make room.
constexpr std::string_view kEndOldest =
    "UPDATE sessions SET revoked_at = $1 WHERE id IN (SELECT id FROM sessions WHERE user_id = $2 "
    "AND revoked_at IS NULL AND expires_at > $1 ORDER BY created_at DESC, id LIMIT 1000000 OFFSET "
    "$3)";

Error NotGood() {
  return MakeError(ErrorCode::kUnauthenticated, "the session has ended; log in again");
}

}  // namespace

Result<void> SqlStore::StartSession(const LoginSession& session) {
  return Change([&](Connection& connection) -> Result<void> {
    std::optional<User> user;
    MK8S_RETURN_IF_ERROR(connection.Execute(Select(kUserColumns, "FROM users WHERE id = $1"),
                                            {session.user_id},
                                            [&](const Row& row) { user = ReadUser(row); }));
    if (!user || user->disabled) {
      return MakeError(ErrorCode::kPermissionDenied, "the account is disabled");
    }
    MK8S_ASSIGN_OR_RETURN(
        const auto locked_until,
        LockedUntil(connection, kAccountLock, AccountSubject(user->email), session.created_at));
    if (locked_until) {
      return MakeError(ErrorCode::kPermissionDenied, "the account is locked");
    }
    MK8S_RETURN_IF_ERROR(connection.Execute(
        "INSERT INTO sessions (id, user_id, created_at, expires_at, revoked_at, refresh_hash, "
        "source_ip, user_agent) VALUES ($1, $2, $3, $4, NULL, $5, $6, $7)",
        {session.id, session.user_id, session.created_at, session.expires_at, session.refresh_hash,
         session.source_ip, session.user_agent}));
    MK8S_RETURN_IF_ERROR(connection.Execute(
        kEndOldest, {session.created_at, session.user_id, limits::kSessionsPerUserMax}));
    MK8S_RETURN_IF_ERROR(connection.Execute("UPDATE users SET last_login = $1 WHERE id = $2",
                                            {session.created_at, session.user_id}));
    return ClearFailures(connection, kAccountLock, AccountSubject(user->email));
  });
}

Result<RotatedSession> SqlStore::RotateRefreshToken(std::string_view old_hash,
                                                    std::string_view new_hash, WallTime now) {
  std::optional<RotatedSession> rotated;
  const auto body = [&](Connection& connection) -> Result<void> {
    rotated.reset();
    const auto read = [&](Rotation outcome) {
      return [&rotated, outcome](const Row& row) {
        rotated = RotatedSession{outcome, ReadSession(row)};
      };
    };
    // The UPDATE decides a race: who comes second finds the hash changed (PostgreSQL looks at the
    // row again after waiting for it) and falls through to the spent tokens.
    MK8S_RETURN_IF_ERROR(connection.Execute(
        "UPDATE sessions SET refresh_hash = $2 WHERE refresh_hash = $1 AND revoked_at IS NULL AND "
        "expires_at > $3 AND user_id IN (SELECT id FROM users WHERE disabled = FALSE) RETURNING " +
            std::string(kSessionColumns),
        {old_hash, new_hash, now}, read(Rotation::kRotated)));
    if (rotated) {
      MK8S_RETURN_IF_ERROR(
          connection.Execute("INSERT INTO spent_refresh_tokens (hash, session_id) VALUES ($1, $2)",
                             {old_hash, rotated->session.id}));
      return {};
    }
    MK8S_RETURN_IF_ERROR(connection.Execute(
        "UPDATE sessions SET revoked_at = $2 WHERE revoked_at IS NULL AND expires_at > $2 AND id = "
        "(SELECT session_id FROM spent_refresh_tokens WHERE hash = $1) RETURNING " +
            std::string(kSessionColumns),
        {old_hash, now}, read(Rotation::kReused)));
    if (!rotated) return NotGood();
    MK8S_RETURN_IF_ERROR(connection.Execute("UPDATE changes SET number = number + 1"));
    return {};
  };
  MK8S_RETURN_IF_ERROR(database_->Run(Access::kWrite, body));
  return *std::move(rotated);
}

Result<void> SqlStore::EndSession(std::string_view session_id, std::string_view user_id,
                                  WallTime now) {
  return Change([&](Connection& connection) -> Result<void> {
    std::string owner;
    MK8S_RETURN_IF_ERROR(connection.Execute("SELECT user_id FROM sessions WHERE id = $1",
                                            {session_id},
                                            [&](const Row& row) { owner = row.String(0); }));
    if (owner.empty() || (!user_id.empty() && owner != user_id)) {
      return MakeError(ErrorCode::kNotFound, "there is no such session");
    }
    MK8S_RETURN_IF_ERROR(connection.Execute(
        "UPDATE sessions SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL",
        {now, session_id}));
    return {};
  });
}

Result<std::int64_t> SqlStore::Prune(WallTime before) {
  std::int64_t pruned = 0;
  MK8S_RETURN_IF_ERROR(database_->Run(Access::kWrite, [&](Connection& connection) -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(
        pruned, connection.Execute("DELETE FROM sessions WHERE expires_at < $1 OR revoked_at < $1",
                                   {before}));
    MK8S_ASSIGN_OR_RETURN(const std::int64_t counters, PruneFailures(connection, before));
    pruned += counters;
    return {};
  }));
  return pruned;
}

}  // namespace mk8s::store

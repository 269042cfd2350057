// What central keeps: users, roles, clusters, login sessions, lockout counters, sealed secrets and
// the audit log.  Requests are decided from a snapshot of this in memory (central/snapshot.h); the
// store is asked at start, after a change, and for every audit event.
//
// Threads: any, several at once.  Calls block on disk or network, so they are made on work-pool
// threads, never on a loop; each ends within about limits::kStoreDeadline.
// Errors, besides those named: kUnavailable (database away, locked or full; the effect of a write
// may be unknown), kDataLoss (rows that cannot be read back), kInternal.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "models/account.h"
#include "models/cluster.h"
#include "models/role.h"
#include "store/audit_store.h"

namespace mk8s::store {

/// Everything that decisions need, as of one moment.
struct StoredState {
  std::int64_t change_number = 0;
  std::vector<User> users;  // with their role names
  std::vector<Role> roles;
  std::vector<Cluster> clusters;
  std::vector<LoginSession> sessions;  // neither revoked nor expired
};

/// What to change in a user; absent = as it was.
struct UserChange {
  std::optional<bool> disabled;  // true also ends the user's sessions
  std::optional<std::string> password_hash;
  std::optional<bool> password_change_required;
  std::optional<std::vector<std::string>> roles;  // names; an unknown one: kInvalidArgument
  bool end_sessions = false;
  std::string keep_session_id;  // the one that end_sessions spares
};

enum class Rotation {
  kRotated,  // the old token is dead, the new one good
  kReused,   // a token that was rotated out came again: the session is now revoked
};

struct RotatedSession {
  Rotation outcome = Rotation::kRotated;
  LoginSession session;  // after the change
};

/// Where a login stands before its password is looked at.
struct LoginGate {
  std::optional<WallTime> account_locked_until;
  std::optional<WallTime> address_locked_until;
};

/// What an agent's connection told about its cluster.
struct ClusterSighting {
  std::string cluster_id;
  bool connected = false;
  WallTime seen_at{};
  ClusterMetadata metadata;
};

class Store : public AuditStore {
 public:
  // --- the whole ---

  /// Grows with every committed write of users, roles, assignments, clusters or sessions that
  /// decisions depend on, by this process or another; one indexed read.  Sightings, epochs,
  /// rotated refresh tokens, lockouts and audit do not count.
  virtual Result<std::int64_t> ChangeNumber() = 0;
  virtual Result<StoredState> LoadAll(WallTime now) = 0;
  virtual Result<int> SchemaVersion() = 0;

  // --- users: `user` is an id or an e-mail; kNotFound where there is none ---

  /// kAlreadyExists if the e-mail is taken, kInvalidArgument for an unknown role.
  virtual Result<void> CreateUser(const User& user) = 0;
  virtual Result<User> FindUser(std::string_view user) = 0;
  /// kFailedPrecondition if it would leave no enabled user with an `admin: true` role; so do
  /// DeleteUser, PutRole and DeleteRole.
  virtual Result<User> UpdateUser(std::string_view user, const UserChange& change,
                                  WallTime now) = 0;
  virtual Result<void> DeleteUser(std::string_view user) = 0;

  // --- roles ---

  enum class Put { kCreate, kReplace, kCreateOrReplace };
  /// kAlreadyExists, kNotFound as `put` says; kFailedPrecondition for a built-in role.
  virtual Result<void> PutRole(const Role& role, Put put) = 0;
  /// Also takes the role from its users.  kFailedPrecondition for a built-in role.
  virtual Result<void> DeleteRole(std::string_view name) = 0;
  /// Writes those of `roles` that are absent or differ; marks them built in.  Safe at every start.
  virtual Result<void> EnsureBuiltInRoles(std::span<const Role> roles) = 0;

  // --- clusters: `cluster` is an id or a name; kNotFound where there is none ---

  virtual Result<void> CreateCluster(const Cluster& cluster) = 0;  // kAlreadyExists
  virtual Result<void> DeleteCluster(std::string_view cluster) = 0;
  /// Stores the new token's hash and raises token_generation.
  virtual Result<Cluster> RotateClusterToken(std::string_view cluster,
                                             std::string_view token_hash) = 0;
  /// An agent registered: raises and returns the epoch.
  virtual Result<std::int64_t> NextClusterEpoch(std::string_view cluster) = 0;
  /// Unknown ids are passed over.
  virtual Result<void> RecordSightings(std::span<const ClusterSighting> sightings) = 0;

  // --- login sessions ---

  /// Inserts the session, sets the user's last_login and clears the account's failures, unless the
  /// account was locked or disabled meanwhile: kPermissionDenied.  A user's oldest sessions over
  /// limits::kSessionsPerUserMax end.
  virtual Result<void> StartSession(const LoginSession& session) = 0;
  /// Atomic: of two calls with one old token, one rotates and the other finds it reused.
  /// kUnauthenticated for an unknown token, an ended session, or a disabled user.
  virtual Result<RotatedSession> RotateRefreshToken(std::string_view old_hash,
                                                    std::string_view new_hash, WallTime now) = 0;
  /// kNotFound if `user_id` (when not empty) does not own it; ending an ended one is no error.
  virtual Result<void> EndSession(std::string_view session_id, std::string_view user_id,
                                  WallTime now) = 0;
  /// Forgets sessions and lockout counters that ended before `before`; returns how many.
  virtual Result<std::int64_t> Prune(WallTime before) = 0;

  // --- lockout (limits::kLoginFailures..., limits::kLockout); `account` is the e-mail as typed,
  //     known or not, so that an unknown one behaves the same ---

  virtual Result<LoginGate> CheckLogin(std::string_view account, std::string_view address,
                                       WallTime now) = 0;
  virtual Result<void> RecordLoginFailure(std::string_view account, std::string_view address,
                                          WallTime now) = 0;
  virtual Result<void> UnlockAccount(std::string_view account) = 0;
  /// E-mails, lower case, of users that are locked out now.
  virtual Result<std::vector<std::string>> LockedAccounts(WallTime now) = 0;

  // --- secrets: sealed by the caller; the store sees only ciphertext ---

  virtual Result<std::optional<std::string>> FindSecret(std::string_view name) = 0;
  /// The first writer wins, and every caller gets the winner's bytes: replicas that start together
  /// agree.
  virtual Result<std::string> PutSecretOnce(std::string_view name, std::string_view sealed) = 0;
};

/// Opens the database, checks that it can be written and brings its tables up to date (safe twice
/// and by several processes at once).  `driver`: "sqlite" with url "sqlite:///PATH", "sqlite:PATH"
/// or a path, whose file is created with mode 0600; or "postgres" with a libpq URL or key=value
/// string, over at most `connections_max` connections.
/// Errors: kInvalidArgument (driver, url), kUnavailable and kPermissionDenied that name the
/// database and what to do, kFailedPrecondition if a newer mk8s wrote it.
Result<std::unique_ptr<Store>> OpenStore(std::string_view driver, const Secret& url,
                                         int connections_max);

}  // namespace mk8s::store

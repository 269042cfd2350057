// Store over SQL; one .cc file for each group of tables.
#pragma once

#include <functional>
#include <memory>

#include "store/sql.h"
#include "store/store.h"

namespace mk8s::store {

class SqlStore : public Store {
 public:
  explicit SqlStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  // sql_state.cc
  Result<std::int64_t> ChangeNumber() override;
  Result<StoredState> LoadAll(WallTime now) override;
  Result<int> SchemaVersion() override;
  Result<std::optional<std::string>> FindSecret(std::string_view name) override;
  Result<std::string> PutSecretOnce(std::string_view name, std::string_view sealed) override;

  // sql_users.cc
  Result<void> CreateUser(const User& user) override;
  Result<User> FindUser(std::string_view user) override;
  Result<User> UpdateUser(std::string_view user, const UserChange& change, WallTime now) override;
  Result<void> DeleteUser(std::string_view user) override;

  // sql_roles.cc
  Result<void> PutRole(const Role& role, Put put) override;
  Result<void> DeleteRole(std::string_view name) override;
  Result<void> EnsureBuiltInRoles(std::span<const Role> roles) override;

  // sql_clusters.cc
  Result<void> CreateCluster(const Cluster& cluster) override;
  Result<void> DeleteCluster(std::string_view cluster) override;
  Result<Cluster> RotateClusterToken(std::string_view cluster,
                                     std::string_view token_hash) override;
  Result<std::int64_t> NextClusterEpoch(std::string_view cluster) override;
  Result<void> RecordSightings(std::span<const ClusterSighting> sightings) override;

  // sql_sessions.cc
  Result<void> StartSession(const LoginSession& session) override;
  Result<RotatedSession> RotateRefreshToken(std::string_view old_hash, std::string_view new_hash,
                                            WallTime now) override;
  Result<void> EndSession(std::string_view session_id, std::string_view user_id,
                          WallTime now) override;
  Result<std::int64_t> Prune(WallTime before) override;

  // sql_lockout.cc
  Result<LoginGate> CheckLogin(std::string_view account, std::string_view address,
                               WallTime now) override;
  Result<void> RecordLoginFailure(std::string_view account, std::string_view address,
                                  WallTime now) override;
  Result<void> UnlockAccount(std::string_view account) override;
  Result<std::vector<std::string>> LockedAccounts(WallTime now) override;

  // sql_audit.cc
  Result<void> WriteAudit(std::span<const AuditEvent> events) override;
  Result<AuditPage> QueryAudit(const AuditQuery& query) override;
  Result<std::int64_t> MarkInterrupted(WallTime before) override;

 private:
  /// A transaction that raises the change number first.  In PostgreSQL that takes the row's lock,
  /// so these transactions run one after the other and may check before they write.
  Result<void> Change(const Database::Body& body);
  /// Change that is undone if it would leave no enabled administrator where there was one.
  Result<void> ChangeKeepingAnAdmin(const Database::Body& body);

  std::unique_ptr<Database> database_;
};

}  // namespace mk8s::store

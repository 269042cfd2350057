// Users, roles, sessions and clusters as one immutable object in memory: the hot path reads no
// database. A request takes the current snapshot once and decides everything from it, so it never
// sees half of a change.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "models/account.h"
#include "models/cluster.h"
#include "models/role.h"

namespace mk8s {
namespace auth {
class RoleBook;
class RoleMatcher;
}  // namespace auth
namespace store {
class Store;
}
}  // namespace mk8s

namespace mk8s::central {

class Snapshot {
 public:
  Snapshot(std::vector<User> users, std::vector<Role> roles, std::vector<Cluster> clusters,
           std::vector<LoginSession> sessions);
  ~Snapshot();

  // Pointers stay valid as long as the snapshot; null if there is none.
  const User* UserById(std::string_view id) const;
  const User* UserByEmail(std::string_view email) const;  // lower case
  const User* FindUser(std::string_view id_or_email) const;
  const Role* RoleByName(std::string_view name) const;
  const Cluster* FindCluster(std::string_view id_or_name) const;
  const Cluster* ClusterByTokenHash(std::string_view agent_token_hash) const;
  /// Live sessions only: not revoked when the snapshot was taken.  The caller checks expiry.
  const LoginSession* SessionById(std::string_view id) const;

  const std::vector<User>& users() const { return users_; }
  const std::vector<Role>& roles() const { return roles_; }
  const std::vector<Cluster>& clusters() const { return clusters_; }
  const std::vector<LoginSession>& sessions() const { return sessions_; }

  /// True if one of the user's roles is `admin: true`.
  bool IsAdmin(const User& user) const;
  /// All roles, compiled.
  const auth::RoleBook& role_book() const { return *role_book_; }

  /// The decision table of a user on a cluster; selected at first use, then shared.
  /// Thread-safe.
  std::shared_ptr<const auth::RoleMatcher> Matcher(const User& user, const Cluster& cluster) const;
  /// Whether any grant of the user's roles names the cluster.
  bool HasGrant(const User& user, const Cluster& cluster) const;

 private:
  std::vector<User> users_;
  std::vector<Role> roles_;
  std::vector<Cluster> clusters_;
  std::vector<LoginSession> sessions_;
  std::unique_ptr<const auth::RoleBook> role_book_;
  std::unordered_map<std::string_view, const User*> user_by_id_, user_by_email_;
  std::unordered_map<std::string_view, const Role*> role_by_name_;
  std::unordered_map<std::string_view, const Cluster*> cluster_by_id_, cluster_by_name_,
      cluster_by_token_hash_;
  std::unordered_map<std::string_view, const LoginSession*> session_by_id_;
  // Users x clusters that are in use; over it the table starts anew.
  static constexpr std::size_t kMatchersMax = 100'000;
  mutable std::mutex matchers_mutex_;
  mutable std::unordered_map<std::string, std::shared_ptr<const auth::RoleMatcher>> matchers_;
};

/// Holds the current snapshot and replaces it from the store.  Thread-safe.
class Snapshots {
 public:
  using Listener = std::function<void(std::shared_ptr<const Snapshot>)>;

  Snapshots(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  std::shared_ptr<const Snapshot> Current() const;

  /// Blocking: reads the store and replaces the current snapshot.  From start-up or a pool thread,
  /// so that a change that a pool job has just written is in force before its answer is sent.
  /// Readers never see an older state after a newer one.
  Result<void> Reload();
  /// Blocking: Reload if the store's change number moved (what another process wrote).  Called each
  /// second from the pool.
  Result<void> ReloadIfChanged();

  /// Called after each replacement, on the thread that replaced: re-decides open streams.  Register
  /// before serving.
  void AddListener(Listener listener) { listeners_.push_back(std::move(listener)); }

 private:
  store::Store& store_;
  const Clock& clock_;
  std::mutex reload_mutex_;  // held while loading, so that an older load never replaces a newer one
  std::int64_t loaded_change_ = -1;
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> current_;
  std::vector<Listener> listeners_;
};

}  // namespace mk8s::central

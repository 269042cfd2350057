// See snapshot.h.
#include "central/snapshot.h"

#include "auth/role_matcher.h"
#include "base/text.h"
#include "store/store.h"

namespace mk8s::central {
namespace {

template <typename T>
const T* Lookup(const std::unordered_map<std::string_view, const T*>& map, std::string_view key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

}  // namespace

Snapshot::Snapshot(std::vector<User> users, std::vector<Role> roles, std::vector<Cluster> clusters,
                   std::vector<LoginSession> sessions)
    : users_(std::move(users)),
      roles_(std::move(roles)),
      clusters_(std::move(clusters)),
      sessions_(std::move(sessions)),
      role_book_(std::make_unique<const auth::RoleBook>(roles_)) {
  for (const User& user : users_) {
    user_by_id_.emplace(user.id, &user);
    user_by_email_.emplace(user.email, &user);
  }
  for (const Role& role : roles_) role_by_name_.emplace(role.name, &role);
  for (const Cluster& cluster : clusters_) {
    cluster_by_id_.emplace(cluster.id, &cluster);
    cluster_by_name_.emplace(cluster.name, &cluster);
    cluster_by_token_hash_.emplace(cluster.agent_token_hash, &cluster);
  }
  for (const LoginSession& session : sessions_) session_by_id_.emplace(session.id, &session);
}

Snapshot::~Snapshot() = default;

const User* Snapshot::UserById(std::string_view id) const { return Lookup(user_by_id_, id); }

const User* Snapshot::UserByEmail(std::string_view email) const {
  return Lookup(user_by_email_, email);
}

const User* Snapshot::FindUser(std::string_view id_or_email) const {
  const User* user = UserById(id_or_email);
  return user != nullptr ? user : UserByEmail(ToLower(id_or_email));
}

const Role* Snapshot::RoleByName(std::string_view name) const {
  return Lookup(role_by_name_, name);
}

const Cluster* Snapshot::FindCluster(std::string_view id_or_name) const {
  const Cluster* cluster = Lookup(cluster_by_name_, id_or_name);
  return cluster != nullptr ? cluster : Lookup(cluster_by_id_, id_or_name);
}

const Cluster* Snapshot::ClusterByTokenHash(std::string_view agent_token_hash) const {
  return Lookup(cluster_by_token_hash_, agent_token_hash);
}

const LoginSession* Snapshot::SessionById(std::string_view id) const {
  return Lookup(session_by_id_, id);
}

bool Snapshot::IsAdmin(const User& user) const { return role_book_->IsAdmin(user.roles); }

bool Snapshot::HasGrant(const User& user, const Cluster& cluster) const {
  return !Matcher(user, cluster)->empty();
}

std::shared_ptr<const auth::RoleMatcher> Snapshot::Matcher(const User& user,
                                                           const Cluster& cluster) const {
  const std::string key = user.id + cluster.id;  // both are UUIDs of fixed length
  {
    const std::lock_guard lock(matchers_mutex_);
    const auto found = matchers_.find(key);
    if (found != matchers_.end()) return found->second;
  }
  // Selected outside the lock: two requests may do it at once, and either result serves.
  auto matcher = role_book_->For(user.roles, cluster.name);
  const std::lock_guard lock(matchers_mutex_);
  if (matchers_.size() >= kMatchersMax) matchers_.clear();
  return matchers_.emplace(key, std::move(matcher)).first->second;
}

std::shared_ptr<const Snapshot> Snapshots::Current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

Result<void> Snapshots::Reload() {
  const std::lock_guard reload_lock(reload_mutex_);
  MK8S_ASSIGN_OR_RETURN(store::StoredState state, store_.LoadAll(clock_.Now()));
  auto next =
      std::make_shared<const Snapshot>(std::move(state.users), std::move(state.roles),
                                       std::move(state.clusters), std::move(state.sessions));
  loaded_change_ = state.change_number;
  {
    const std::lock_guard lock(mutex_);
    current_ = next;
  }
  for (const Listener& listener : listeners_) listener(next);
  return {};
}

Result<void> Snapshots::ReloadIfChanged() {
  MK8S_ASSIGN_OR_RETURN(const std::int64_t change, store_.ChangeNumber());
  {
    const std::lock_guard lock(reload_mutex_);
    if (change == loaded_change_) return {};
  }
  return Reload();
}

}  // namespace mk8s::central

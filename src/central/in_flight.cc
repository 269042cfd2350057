// See in_flight.h.
#include "central/in_flight.h"

namespace mk8s::central {

Result<void> InFlight::Enter(const std::string& user_id, const std::string& cluster_id) {
  const std::lock_guard lock(mutex_);
  std::size_t& user = users_[user_id];
  std::size_t& cluster = clusters_[cluster_id];
  const bool user_full = user >= per_user_max_;
  if (!user_full && cluster < per_cluster_max_) {
    ++user;
    ++cluster;
    return {};
  }
  const std::size_t bound = user_full ? per_user_max_ : per_cluster_max_;
  if (user == 0) users_.erase(user_id);
  if (cluster == 0) clusters_.erase(cluster_id);
  return MakeError(ErrorCode::kResourceExhausted,
                   std::string(user_full ? "you have" : "the cluster has") + " " +
                       std::to_string(bound) + " requests under way, which is the limit");
}

void InFlight::Leave(const std::string& user_id, const std::string& cluster_id) {
  const std::lock_guard lock(mutex_);
  Decrement(users_, user_id);
  Decrement(clusters_, cluster_id);
}

void InFlight::Decrement(Counts& counts, const std::string& key) {
  const auto found = counts.find(key);
  if (found != counts.end() && --found->second == 0) counts.erase(found);
}

}  // namespace mk8s::central

// How many requests each user and each cluster has under way, held to limits::kRequestsPerUserMax
// and kRequestsPerClusterMax: one user cannot take a cluster from the others, nor one cluster
// central.  Thread-safe.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/limits.h"
#include "base/result.h"

namespace mk8s::central {

class InFlight {
 public:
  explicit InFlight(std::size_t per_user_max = limits::kRequestsPerUserMax,
                    std::size_t per_cluster_max = limits::kRequestsPerClusterMax)
      : per_user_max_(per_user_max), per_cluster_max_(per_cluster_max) {}

  /// Error: kResourceExhausted, which kubectl shows as TooManyRequests.  Every success needs one
  /// Leave.
  Result<void> Enter(const std::string& user_id, const std::string& cluster_id);
  void Leave(const std::string& user_id, const std::string& cluster_id);

 private:
  using Counts = std::unordered_map<std::string, std::size_t>;
  static void Decrement(Counts& counts, const std::string& key);

  const std::size_t per_user_max_;
  const std::size_t per_cluster_max_;
  std::mutex mutex_;
  Counts users_, clusters_;  // only those with requests under way
};

}  // namespace mk8s::central

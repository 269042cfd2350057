// What central shows of a cluster: its version, platform and number of nodes, asked from the API
// server each minute (every few seconds while it does not answer).
#pragma once

#include <functional>

#include "agent/cluster_client.h"
#include "agent/status.h"
#include "command/surroundings.h"
#include "models/cluster.h"

namespace mk8s::agent {

/// Loop thread only.
class ClusterFacts {
 public:
  /// `commands` is told the version, by which kubectl is chosen.
  ClusterFacts(ClusterClient& client, Status& status, command::Shared& commands);

  /// `on_first` runs once, after the first look, whatever came of it.
  void Start(std::function<void()> on_first);
  void Stop() { timer_.Cancel(); }

  /// As of the last look that succeeded.
  const ClusterMetadata& metadata() const { return metadata_; }

 private:
  void Look();
  void OnVersion(Result<Fetched> fetched);
  void OnNodes(Result<Fetched> fetched);
  void Again();

  ClusterClient& client_;
  Status& status_;
  command::Shared& commands_;
  std::function<void()> on_first_;
  ClusterMetadata metadata_;
  net::Timer timer_;
};

/// gitVersion and platform from GET /version.  Error: kBadGateway.
Result<void> ReadVersion(std::string_view json, ClusterMetadata& metadata);

/// The number of objects in the whole list, from its first page (metadata.remainingItemCount).
/// Error: kBadGateway.
Result<int> CountItems(std::string_view json);

}  // namespace mk8s::agent

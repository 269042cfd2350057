// Which cluster a command means, checked against what the user may see, without asking central each
// time: the names of the last list are kept in the home folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/context.h"

namespace mk8s::cli {

struct KnownCluster {
  std::string name;
  std::string id;
};

/// From the last list that central gave; empty if there was none.
std::vector<KnownCluster> KnownClusters(const Workspace& workspace);

/// Lists from central and keeps the names.
Result<Listing<ClusterView>> ListAndRemember(Workspace& workspace);

/// The name of the chosen cluster.  Asks central only for one not seen before.
/// Error: kFailedPrecondition when none is chosen; kNotFound with a suggestion.
Result<std::string> ChosenCluster(Workspace& workspace);

/// `name` (or id) among `clusters`, or the error that says which there are.
Result<std::string> FindCluster(const std::vector<KnownCluster>& clusters, std::string_view name,
                                std::string_view origin);

/// "its agent has not connected yet", "its agent is not connected, last seen 3h ago"; "" if all is
/// well.
std::string WhyNotReachable(const ClusterView& cluster, WallTime now);

std::vector<KnownCluster> NamesOf(const std::vector<ClusterView>& clusters);

}  // namespace mk8s::cli

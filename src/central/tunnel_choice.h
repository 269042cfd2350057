// Which of a cluster's tunnels a request takes, or why there is none.
#pragma once

#include <memory>

#include "base/result.h"
#include "central/tunnels.h"
#include "models/cluster.h"

namespace mk8s::central {

/// Error: kUnavailable, saying since when the cluster is offline.
Result<std::shared_ptr<Tunnel>> ChooseTunnel(const Tunnels& tunnels, const Cluster& cluster,
                                             const net::Loop& here);

}  // namespace mk8s::central

// See tunnel_choice.h.
#include "central/tunnel_choice.h"

#include "kube/status.h"

namespace mk8s::central {

Result<std::shared_ptr<Tunnel>> ChooseTunnel(const Tunnels& tunnels, const Cluster& cluster,
                                             const net::Loop& here) {
  const Tunnels::State state = tunnels.StateOf(cluster.id);
  if (state.connected) {
    if (std::shared_ptr<Tunnel> tunnel = tunnels.Pick(cluster.id, here)) return tunnel;
  }
  const std::optional<WallTime> since =
      state.disconnected_since ? state.disconnected_since : cluster.last_seen;
  return MakeError(ErrorCode::kUnavailable,
                   "cluster " + kube::Quote(cluster.name) + " is offline" +
                       (since ? " since " + FormatTime(*since) : ": it never connected") +
                       "; its mk8s-agent has no connection to central");
}

}  // namespace mk8s::central

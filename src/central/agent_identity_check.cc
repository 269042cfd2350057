// See agent_identity_check.h.
#include "central/agent_identity_check.h"

#include "central/snapshot.h"
#include "central/tunnels.h"

namespace mk8s::central {

Result<pki::AgentIdentity> CheckAgent(const Services& services, const net::PeerCertificate* peer) {
  if (peer == nullptr) {
    return MakeError(ErrorCode::kUnauthenticated,
                     "a client certificate is required; register first");
  }
  MK8S_ASSIGN_OR_RETURN(pki::AgentIdentity identity, pki::ParseAgentIdentity(peer->uris));
  if (services.clock.Now() >= peer->not_after) {
    return MakeError(ErrorCode::kUnauthenticated, "the agent's certificate expired");
  }
  const std::shared_ptr<const Snapshot> snapshot = services.snapshots.Current();
  const Cluster* cluster = snapshot->FindCluster(identity.cluster_id);
  if (cluster == nullptr || cluster->id != identity.cluster_id) {
    return MakeError(ErrorCode::kUnauthenticated, "the cluster was removed from mk8s");
  }
  if (identity.token_generation != cluster->token_generation) {
    return MakeError(ErrorCode::kUnauthenticated,
                     "the agent's token was rotated; give the agent the new one");
  }
  if (identity.epoch < services.tunnels.EpochOf(cluster->id)) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     "a newer agent registered for this cluster; is the agent running twice?");
  }
  return identity;
}

}  // namespace mk8s::central

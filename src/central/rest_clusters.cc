// /clusters: what there is, and the agents' tokens.
#include "base/ids.h"
#include "central/accounts.h"
#include "central/rest_call.h"
#include "central/rest_json.h"
#include "central/services.h"
#include "central/snapshot.h"
#include "central/tunnels.h"
#include "store/store.h"

namespace mk8s::central {
namespace {

constexpr std::string_view kAgentTokenPrefix = "mk8s_agent_";

// The cluster that {id} names.
Result<Cluster> Named(const RestCall& call) {
  const Cluster* cluster = call.principal->snapshot->FindCluster(call.parameters[0]);
  if (!cluster) {
    return MakeError(ErrorCode::kNotFound, "there is no cluster \"" + call.parameters[0] + "\"");
  }
  return *cluster;
}

}  // namespace

Result<RestAnswer> ListClusters(RestCall& call) {
  const Snapshot& snapshot = *call.principal->snapshot;
  const User& user = *call.principal->user;
  const bool admin = snapshot.IsAdmin(user);
  std::vector<ClusterState> shown;
  for (const Cluster& cluster : snapshot.clusters()) {
    if (!admin && !snapshot.HasGrant(user, cluster)) continue;
    shown.push_back({&cluster, call.services.tunnels.StateOf(cluster.id)});
  }
  return RestAnswer{200, RenderClusters(shown)};
}

Result<RestAnswer> AddCluster(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const JsonFields fields, JsonFields::Parse(call.body, {"name"}));
  Cluster cluster{.id = NewUuid(), .created_at = call.services.clock.Now()};
  MK8S_ASSIGN_OR_RETURN(cluster.name, fields.Text("name"));
  MK8S_RETURN_IF_ERROR(CheckClusterName(cluster.name));
  const Secret token = NewToken(kAgentTokenPrefix);
  cluster.agent_token_hash = TokenHash(token.Reveal());
  MK8S_RETURN_IF_ERROR(call.services.store.CreateCluster(cluster));
  return RestAnswer{201, RenderAgentToken(cluster, token)};
}

Result<RestAnswer> RemoveCluster(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const Cluster cluster, Named(call));
  MK8S_RETURN_IF_ERROR(call.services.store.DeleteCluster(cluster.id));
  call.services.tunnels.Cut(cluster.id);
  return RestAnswer{204, {}};
}

Result<RestAnswer> RotateClusterToken(RestCall& call) {
  MK8S_ASSIGN_OR_RETURN(const Cluster cluster, Named(call));
  const Secret token = NewToken(kAgentTokenPrefix);
  MK8S_RETURN_IF_ERROR(
      call.services.store.RotateClusterToken(cluster.id, TokenHash(token.Reveal())));
  call.services.tunnels.Cut(cluster.id);
  return RestAnswer{200, RenderAgentToken(cluster, token)};
}

}  // namespace mk8s::central

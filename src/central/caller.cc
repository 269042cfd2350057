// See caller.h.
#include "central/caller.h"

#include "central/origin.h"
#include "gateway/headers.h"
#include "kube/status.h"

namespace mk8s::central {

Result<Principal> AuthenticateCaller(const Authenticator& authenticator,
                                     const http::RequestHead& head) {
  MK8S_RETURN_IF_ERROR(RefuseForeignOrigin(head));
  const std::optional<Secret> offered = gateway::WebSocketBearer(head.fields);
  return authenticator.Authenticate(offered ? std::string_view(offered->Reveal())
                                            : BearerToken(head.fields.Get("authorization")));
}

Result<const Cluster*> FindGrantedCluster(const Principal& principal, std::string_view name) {
  const Cluster* cluster = principal.snapshot->FindCluster(name);
  if (cluster != nullptr && principal.snapshot->HasGrant(*principal.user, *cluster)) return cluster;
  return MakeError(
      ErrorCode::kNotFound,
      "cluster " + kube::Quote(name) +
          " does not exist, or none of your roles reaches it; see: mk8s clusters list");
}

}  // namespace mk8s::central

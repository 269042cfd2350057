// See exec_admission.h.
#include "central/exec_admission.h"

#include "central/authenticator.h"
#include "central/origin.h"
#include "central/snapshot.h"
#include "central/tunnel_choice.h"
#include "gateway/headers.h"
#include "kube/status.h"

namespace mk8s::central {
namespace {

Result<Principal> Authenticate(Services& services, const http::RequestHead& head,
                               ExecCaller& caller) {
  if (ForeignOrigin(head)) {
    return MakeError(ErrorCode::kPermissionDenied, "requests from other sites are refused");
  }
  const std::optional<Secret> offered = gateway::WebSocketBearer(head.fields);
  const std::string_view token =
      offered ? std::string_view(offered->Reveal()) : BearerToken(head.fields.Get("authorization"));
  MK8S_ASSIGN_OR_RETURN(Principal principal, services.authenticator.Authenticate(token));
  caller.session_id = principal.session->id;
  caller.user_id = principal.user->id;
  caller.user = principal.user->email;
  if (!principal.password_change_required) return principal;
  caller.refusal = "password_change_required";
  return MakeError(ErrorCode::kPermissionDenied,
                   "the password must be changed first: run mk8s login, or POST /auth/password");
}

}  // namespace

Result<void> AdmitExec(Services& services, Result<std::string> cluster,
                       const http::RequestHead& head, const net::Loop& loop, ExecCaller& caller) {
  if (head.method != "POST" && head.protocol.empty()) {
    return MakeError(ErrorCode::kMethodNotAllowed,
                     "commands are sent by POST, or over a WebSocket");
  }
  MK8S_ASSIGN_OR_RETURN(const Principal principal, Authenticate(services, head, caller));
  MK8S_ASSIGN_OR_RETURN(caller.cluster, std::move(cluster));
  const Cluster* found = principal.snapshot->FindCluster(caller.cluster);
  if (found == nullptr || !principal.snapshot->HasGrant(*principal.user, *found)) {
    return MakeError(
        ErrorCode::kNotFound,
        "cluster " + kube::Quote(caller.cluster) +
            " does not exist, or none of your roles reaches it; see: mk8s clusters list");
  }
  caller.cluster_id = found->id;
  caller.cluster = found->name;
  const auto tunnel = ChooseTunnel(services.tunnels, *found, loop);
  return tunnel ? Result<void>() : tunnel.error();
}

}  // namespace mk8s::central

// See exec_admission.h.
#include "central/exec_admission.h"

#include "central/caller.h"
#include "central/tunnel_choice.h"

namespace mk8s::central {
namespace {

Result<Principal> Authenticate(Services& services, const http::RequestHead& head,
                               ExecCaller& caller) {
  MK8S_ASSIGN_OR_RETURN(Principal principal, AuthenticateCaller(services.authenticator, head));
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
  MK8S_ASSIGN_OR_RETURN(const Cluster* const found, FindGrantedCluster(principal, caller.cluster));
  caller.cluster_id = found->id;
  caller.cluster = found->name;
  const auto tunnel = ChooseTunnel(services.tunnels, *found, loop);
  return tunnel ? Result<void>() : tunnel.error();
}

}  // namespace mk8s::central

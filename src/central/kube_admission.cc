// See kube_admission.h.
#include "central/kube_admission.h"

#include <algorithm>

#include "auth/role_resources.h"
#include "central/caller.h"
#include "central/origin.h"
#include "kube/attributes.h"
#include "kube/status.h"

namespace mk8s::central {

Result<void> KubeAdmission::Admit(Result<KubeRoute> route, const http::RequestHead& head,
                                  std::string session_id) {
  MK8S_ASSIGN_OR_RETURN(route_, std::move(route));
  session_id_ = std::move(session_id);
  MK8S_RETURN_IF_ERROR(Authenticate(head));
  denied_ = true;
  MK8S_RETURN_IF_ERROR(FindCluster());
  MK8S_RETURN_IF_ERROR(ReadAttributes(head));
  MK8S_RETURN_IF_ERROR(Decide(*principal_->snapshot));
  denied_ = false;
  return {};
}

Result<void> KubeAdmission::Authenticate(const http::RequestHead& head) {
  if (session_id_.empty()) {
    MK8S_ASSIGN_OR_RETURN(principal_, AuthenticateCaller(services_.authenticator, head));
    session_id_ = principal_->session->id;
  } else {
    MK8S_RETURN_IF_ERROR(RefuseForeignOrigin(head));
    MK8S_ASSIGN_OR_RETURN(principal_, services_.authenticator.Again(services_.snapshots.Current(),
                                                                    session_id_, WallTime::max()));
  }
  user_id_ = principal_->user->id;
  user_ = principal_->user->email;
  if (principal_->password_change_required) {
    denied_ = true;
    return MakeError(ErrorCode::kPermissionDenied,
                     "the password must be changed first; run: mk8s login");
  }
  return {};
}

Result<void> KubeAdmission::FindCluster() {
  cluster_ = route_.cluster;
  MK8S_ASSIGN_OR_RETURN(granted_, FindGrantedCluster(*principal_, route_.cluster));
  cluster_id_ = granted_->id;
  cluster_ = granted_->name;
  return {};
}

Result<void> KubeAdmission::ReadAttributes(const http::RequestHead& head) {
  MK8S_ASSIGN_OR_RETURN(target_, kube::Target::Parse(route_.target));
  MK8S_ASSIGN_OR_RETURN(attributes_, kube::RequestAttributes(head.method, target_));
  kind_ = kube::Classify(attributes_, target_, head);
  upgrade_ = !head.protocol.empty();
  MK8S_ASSIGN_OR_RETURN(acts_as_, kube::ReadImpersonation(head.fields));
  return {};
}

// Whoever acts as somebody else needs the right to do so, and is still held to their own roles: the
// cluster decides once more, for the one they act as.
Result<void> KubeAdmission::Decide(const Snapshot& snapshot) {
  scopes_.clear();
  roles_.clear();
  if (acts_as_) {
    for (const Attributes& attributes : kube::DecisionsFor(*acts_as_)) {
      MK8S_RETURN_IF_ERROR(DecideOne(snapshot, attributes, false));
    }
  }
  if (kind_.kind == kube::RequestKind::kDiscovery || kind_.kind == kube::RequestKind::kSelfReview) {
    return {};  // open to everyone with a grant on the cluster, which FindCluster saw
  }
  const std::vector<Attributes> asked = kube::DecisionsFor(attributes_, kind_);
  for (const Attributes& attributes : asked) {
    // Shown is what one decision lets through, so there must be only one.
    MK8S_ASSIGN_OR_RETURN(auth::Decision decision,
                          DecideOne(snapshot, attributes, asked.size() == 1));
    roles_.insert(roles_.end(), decision.roles.begin(), decision.roles.end());
    scopes_ = std::move(decision.scopes);
    narrowed_because_ = std::move(decision.reason);
  }
  std::sort(roles_.begin(), roles_.end());
  roles_.erase(std::unique(roles_.begin(), roles_.end()), roles_.end());
  return {};
}

Result<auth::Decision> KubeAdmission::DecideOne(const Snapshot& snapshot,
                                                const Attributes& attributes,
                                                bool may_narrow) const {
  const User* user = snapshot.UserById(user_id_);
  const Cluster* cluster = snapshot.FindCluster(cluster_id_);
  if (user == nullptr || cluster == nullptr) {
    return MakeError(ErrorCode::kPermissionDenied, "the user or the cluster is gone");
  }
  auth::Decision decision = snapshot.Matcher(*user, *cluster)->Decide(attributes);
  if (!decision.allowed && !(decision.narrowed && may_narrow)) {
    return Forbidden(snapshot, attributes, decision.reason);
  }
  if (decision.narrowed && upgrade_) {
    return Forbidden(snapshot, attributes,
                     decision.reason +
                         ", and over a WebSocket it cannot be shown in part; watch over plain "
                         "HTTP, or one namespace at a time");
  }
  return decision;
}

Error KubeAdmission::Forbidden(const Snapshot& snapshot, const Attributes& attributes,
                               const std::string& reason) const {
  return kube::Forbidden(user_, attributes, reason,
                         snapshot.role_book().WhoMayAllow(attributes, cluster_));
}

bool KubeAdmission::NeedsResourceScope() const {
  return !scopes_.empty() && attributes_.namespace_.empty() &&
         auth::ScopeOf(attributes_.api_group, attributes_.resource) ==
             auth::ResourceScope::kUnknown &&
         std::none_of(scopes_.begin(), scopes_.end(),
                      [](const auth::ListScope& scope) { return scope.cluster_scoped; });
}

Error KubeAdmission::RefuseClusterScoped() {
  denied_ = true;
  return Forbidden(*principal_->snapshot, attributes_,
                   "it belongs to no namespace, and " + narrowed_because_);
}

Result<void> KubeAdmission::Again(const std::shared_ptr<const Snapshot>& snapshot) {
  // The token's own expiry does not end an open stream: its session lives on as long as it is
  // refreshed.
  MK8S_ASSIGN_OR_RETURN(const Principal principal,
                        services_.authenticator.Again(snapshot, session_id_, WallTime::max()));
  if (cluster_id_.empty()) return {};
  const Cluster* cluster = snapshot->FindCluster(cluster_id_);
  if (cluster == nullptr || !snapshot->HasGrant(*principal.user, *cluster)) {
    return MakeError(ErrorCode::kPermissionDenied, "the cluster is not granted any more");
  }
  const std::vector<auth::ListScope> before = scopes_;
  MK8S_RETURN_IF_ERROR(Decide(*snapshot));
  if (scopes_ != before) {
    return MakeError(ErrorCode::kPermissionDenied,
                     "what your roles show of this list has changed; ask again");
  }
  return {};
}

}  // namespace mk8s::central

// The steps of a Kubernetes request that can refuse it, in the order in which they are known: who
// asks, which cluster, what is asked for, may they.  No I/O; the tunnel, the audit log and the
// relay come after (central/kube_request.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "auth/role_matcher.h"
#include "base/result.h"
#include "central/authenticator.h"
#include "central/kube_route.h"
#include "central/services.h"
#include "http/message.h"
#include "kube/classify.h"
#include "kube/impersonation.h"
#include "kube/target.h"
#include "models/attributes.h"

namespace mk8s::central {

/// One request's admission.  What the steps found out stays readable after a refusal, as far as
/// they came.
class KubeAdmission {
 public:
  explicit KubeAdmission(Services& services) : services_(services) {}

  /// Takes the steps.  `session_id` names the caller where the request comes for somebody known
  /// already, such as a command that runs beside the agent; empty: the head's bearer token does.
  /// Errors: kUnauthenticated; kNotFound for a cluster without a grant; kInvalidArgument;
  /// kPermissionDenied.
  Result<void> Admit(Result<KubeRoute> route, const http::RequestHead& head,
                     std::string session_id = {});

  /// Decides again, as of `snapshot`, what was admitted before: the session, the cluster, the
  /// roles.  What may be shown of a narrowed list must be the same.
  Result<void> Again(const std::shared_ptr<const Snapshot>& snapshot);

  /// Of a refusal: it is a decision about this caller, and no accident.
  bool denied() const { return denied_; }

  const KubeRoute& route() const { return route_; }
  /// Empty until the caller is known.
  const std::optional<Principal>& principal() const { return principal_; }
  const std::string& user_id() const { return user_id_; }
  const std::string& user() const { return user_; }
  /// The UUID; empty until the cluster is known to be there for this caller.
  const std::string& cluster_id() const { return cluster_id_; }
  /// As of principal()'s snapshot; null where cluster_id() is empty.
  const Cluster* granted() const { return granted_; }
  /// By its name, or by what the caller called it.
  const std::string& cluster() const { return cluster_; }
  const kube::Target& target() const { return target_; }
  const Attributes& attributes() const { return attributes_; }
  const kube::Classification& kind() const { return kind_; }
  /// That allowed this very request, sorted.  Of a self review: none yet.
  const std::vector<std::string>& roles() const { return roles_; }
  /// Whom the caller may act as, and asked to.
  const std::optional<kube::Impersonation>& acts_as() const { return acts_as_; }
  /// Not empty: only what these let through of the list or watch may be shown.
  const std::vector<auth::ListScope>& scopes() const { return scopes_; }
  /// Only objects in namespaces may be shown, and whether the resource has any is not known: ask
  /// the cluster.
  bool NeedsResourceScope() const;
  /// The refusal, now that the cluster says that the resource belongs to no namespace.
  Error RefuseClusterScoped();

 private:
  Result<void> Authenticate(const http::RequestHead& head);
  Result<void> FindCluster();
  Result<void> ReadAttributes(const http::RequestHead& head);
  Result<void> Decide(const Snapshot& snapshot);
  Result<auth::Decision> DecideOne(const Snapshot& snapshot, const Attributes& attributes,
                                   bool may_narrow) const;
  Error Forbidden(const Snapshot& snapshot, const Attributes& attributes,
                  const std::string& reason) const;

  Services& services_;
  KubeRoute route_;
  std::optional<Principal> principal_;
  std::string session_id_;
  std::string user_id_;
  std::string user_;
  const Cluster* granted_ = nullptr;
  std::string cluster_id_;
  std::string cluster_;
  kube::Target target_;
  Attributes attributes_;
  kube::Classification kind_;
  std::optional<kube::Impersonation> acts_as_;
  std::vector<std::string> roles_;
  std::vector<auth::ListScope> scopes_;
  std::string narrowed_because_;
  bool upgrade_ = false;
  bool denied_ = false;
};

}  // namespace mk8s::central

// What kind of request this is: which verb decides it, whether it must be in the audit log before
// it leaves, whether it may run for ever.  Between kube/attributes and the decision on a request's
// way.
#pragma once

#include <string_view>
#include <vector>

#include "http/message.h"
#include "kube/target.h"
#include "models/attributes.h"

namespace mk8s::kube {

enum class RequestKind {
  kDiscovery,    // /api, /apis, /openapi, /version: open to everyone with any grant on the cluster
  kSelfReview,   // asks about oneself: open likewise; see kube/self_review.h
  kResource,     // decided by the roles
  kNonResource,  // any other path; decided by the roles, needs a grant of its own
};

enum class SelfReviewKind { kNone, kAccess, kRules, kSubject };

struct Classification {
  RequestKind kind = RequestKind::kResource;
  SelfReviewKind self_review = SelfReviewKind::kNone;
  bool connecting = false;    // exec, attach, portforward, proxy, any other upgraded subresource
  bool mutating = false;      // may change something (a dry run counts)
  bool long_running = false;  // no idle time-out, flush each chunk: watch, log follow, connecting
  bool apply = false;         // server-side apply
  bool dry_run = false;       // for the audit log only; a dry run is decided by its real verb

  /// Must be durable in the audit log before it leaves central.
  bool AuditFirst() const { return mutating || connecting; }
};

/// `head` gives the method, the upgrade protocol and Content-Type.
Classification Classify(const Attributes& attributes, const Target& target,
                        const http::RequestHead& head);

/// Discovery, OpenAPI, /version and self reviews: decided by no role, open to everyone with any
/// grant on the cluster.
bool IsOpenToEveryone(const Attributes& attributes);

/// exec, attach, portforward, proxy of any resource.
bool IsConnectingSubresource(std::string_view subresource);

/// The verb under which the request is decided and audited: `create` for connecting ones whatever
/// the method, upstream's verb for all others.
std::string_view DecisionVerb(const Attributes& attributes, const Classification& kind);

/// `attributes` once for each decision that must be allowed, in order; the first is the one to
/// audit.  Server-side apply: patch and create.  A PUT where kube-apiserver creates what is missing
/// (AllowCreateOnUpdate of k8s.io/kubernetes/pkg/registry/*/strategy.go): update and create.
std::vector<Attributes> DecisionsFor(const Attributes& attributes, const Classification& kind);

}  // namespace mk8s::kube

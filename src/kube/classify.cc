// See classify.h.
#include "kube/classify.h"

#include <algorithm>

#include "base/text.h"

namespace mk8s::kube {
namespace {

bool IsRead(std::string_view verb) { return verb == "get" || verb == "list" || verb == "watch"; }

bool IsDiscoveryPath(std::string_view path) {
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "/version" || path == "/api" || path == "/apis") return true;
  if (path.starts_with("/openapi/v2") || path.starts_with("/openapi/v3")) {
    return path.size() == 11 || path[11] == '/';
  }
  // Deeper paths under the two prefixes are groups and versions; resources never come here.
  return path.starts_with("/api/") || path.starts_with("/apis/");
}

SelfReviewKind SelfReviewOf(const Attributes& attributes) {
  if (attributes.verb != "create" || !attributes.name.empty() || !attributes.namespace_.empty()) {
    return SelfReviewKind::kNone;
  }
  if (attributes.api_group == "authorization.k8s.io") {
    if (attributes.resource == "selfsubjectaccessreviews") return SelfReviewKind::kAccess;
    if (attributes.resource == "selfsubjectrulesreviews") return SelfReviewKind::kRules;
  }
  if (attributes.api_group == "authentication.k8s.io" &&
      attributes.resource == "selfsubjectreviews") {
    return SelfReviewKind::kSubject;
  }
  return SelfReviewKind::kNone;
}

// The media type without its parameters.
std::string_view MediaType(std::string_view content_type) {
  return TrimSpace(content_type.substr(0, content_type.find(';')));
}

// Resources whose PUT creates what is missing: AllowCreateOnUpdate of Kubernetes 1.36.
bool PutCreates(std::string_view group, std::string_view resource) {
  constexpr std::string_view kResources[][2] = {
      {"", "endpoints"},
      {"", "events"},
      {"", "limitranges"},
      {"", "services"},
      {"coordination.k8s.io", "leasecandidates"},
      {"coordination.k8s.io", "leases"},
      {"events.k8s.io", "events"},
      {"node.k8s.io", "runtimeclasses"},
      {"rbac.authorization.k8s.io", "clusterrolebindings"},
      {"rbac.authorization.k8s.io", "clusterroles"},
      {"rbac.authorization.k8s.io", "rolebindings"},
      {"rbac.authorization.k8s.io", "roles"},
  };
  return std::any_of(std::begin(kResources), std::end(kResources),
                     [&](const auto& row) { return row[0] == group && row[1] == resource; });
}

}  // namespace

bool IsOpenToEveryone(const Attributes& attributes) {
  if (attributes.is_resource) return SelfReviewOf(attributes) != SelfReviewKind::kNone;
  const bool read = attributes.verb == "get" || attributes.verb == "head";
  return read && IsDiscoveryPath(attributes.path);
}

bool IsConnectingSubresource(std::string_view subresource) {
  return subresource == "exec" || subresource == "attach" || subresource == "portforward" ||
         subresource == "proxy";
}

Classification Classify(const Attributes& attributes, const Target& target,
                        const http::RequestHead& head) {
  Classification kind;
  if (!attributes.is_resource) {
    kind.kind = IsOpenToEveryone(attributes) ? RequestKind::kDiscovery : RequestKind::kNonResource;
    kind.mutating = attributes.verb != "get" && attributes.verb != "head";
    kind.connecting = !head.protocol.empty();
    kind.long_running = kind.connecting;
    return kind;
  }
  // An upgrade of any subresource but a log reaches into the cluster like exec does (KubeVirt's
  // console and vnc); an upgraded watch or log is still a watch or a log.
  const bool upgraded =
      !head.protocol.empty() && !attributes.subresource.empty() && attributes.subresource != "log";
  kind.connecting = IsConnectingSubresource(attributes.subresource) || upgraded;
  kind.self_review = SelfReviewOf(attributes);
  if (kind.self_review != SelfReviewKind::kNone) {
    kind.kind = RequestKind::kSelfReview;
    return kind;
  }
  kind.mutating = !IsRead(attributes.verb);
  kind.long_running = attributes.verb == "watch" || kind.connecting ||
                      (attributes.subresource == "log" && target.QueryFlag("follow"));
  kind.apply =
      attributes.verb == "patch" &&
      EqualsIgnoreCase(MediaType(head.fields.Get("content-type")), "application/apply-patch+yaml");
  kind.dry_run = !target.Query("dryRun").value_or("").empty();
  return kind;
}

std::string_view DecisionVerb(const Attributes& attributes, const Classification& kind) {
  return kind.connecting && attributes.is_resource ? std::string_view("create") : attributes.verb;
}

std::vector<Attributes> DecisionsFor(const Attributes& attributes, const Classification& kind) {
  std::vector<Attributes> decisions{attributes};
  decisions[0].verb = DecisionVerb(attributes, kind);
  const bool put_creates = decisions[0].verb == "update" && attributes.subresource.empty() &&
                           PutCreates(attributes.api_group, attributes.resource);
  if ((kind.apply && !kind.connecting) || put_creates) {
    decisions.push_back(attributes);
    decisions[1].verb = "create";
  }
  return decisions;
}

}  // namespace mk8s::kube

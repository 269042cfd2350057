// `kubectl auth can-i` and `auth whoami` through the gateway: the answer must be the truth about
// what mk8s and the cluster together would do.  Part of a KubeRequest's way, between its admission
// and its dispatch.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/role_resources.h"
#include "base/result.h"
#include "central/snapshot.h"
#include "http/stream.h"
#include "kube/self_review.h"

namespace mk8s::central {

class KubeRequest;

struct ReviewOutcome {
  bool forward = false;  // mk8s allows: the cluster has the last word
  // That allow what is asked about: the cluster is asked as it would be for the request itself.
  std::vector<std::string> roles;
  kube::ReviewAnswer answer;  // else this is it
  // Set: all depends on whether this resource belongs to namespaces.  Ask the cluster, then again.
  std::optional<Attributes> needs_scope;
};

/// Access: denied by mk8s, or forwarded; of a list or watch that is shown in part the answer is
/// yes, as it succeeds and scripts ask in order to decide whether to try.  A namespace in the
/// question means nothing for a resource that belongs to none, as in the request itself; `scope`:
/// what the cluster says of that, once asked.  Rules: from the roles, marked incomplete.  Subject:
/// the mk8s identity, or forwarded where the user acts as somebody else.
Result<ReviewOutcome> AnswerSelfReview(kube::SelfReviewKind kind, const http::Fields& fields,
                                       std::string_view body, const Snapshot& snapshot,
                                       const User& user, std::string_view cluster_id,
                                       bool acts_as_other,
                                       std::optional<auth::ResourceScope> scope = std::nullopt);

/// Events that gather the body, at most limits::kSelfReviewBytesMax, and give it to `request`; all
/// that was gathered, and all that comes later, is handed on to `relay_events` too, for the case
/// that the review is forwarded.
std::shared_ptr<http::StreamEvents> CollectReviewBody(
    std::shared_ptr<KubeRequest> request, std::shared_ptr<http::StreamEvents> relay_events);

}  // namespace mk8s::central

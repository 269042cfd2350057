// Questions that users ask about themselves: `kubectl auth can-i`, `can-i --list`, `auth whoami`.
// Recognised by kube/classify, decoded here from JSON or protobuf, answered by central.
//
// Protobuf is Kubernetes' own envelope, "k8s\0" and a runtime.Unknown (apimachinery
// pkg/runtime/serializer/protobuf), decoded by hand: four messages of strings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/classify.h"
#include "models/attributes.h"

namespace mk8s::kube {

/// A review's body as sent; for kAccess `asked` is what the user wants to know about, for kRules
/// only asked.namespace_ counts.
struct SelfReview {
  SelfReviewKind kind = SelfReviewKind::kNone;
  std::string api_version;  // "authorization.k8s.io/v1"
  Attributes asked;
};

/// `content_type` is the request's.  Error: kInvalidArgument for anything malformed, of another
/// kind than `kind`, or deeper than limits::kJsonDepthMax.
Result<SelfReview> ParseSelfReview(SelfReviewKind kind, std::string_view content_type,
                                   std::string_view body);

/// One granted rule in Kubernetes' terms, resource or non-resource.
struct ReviewRule {
  std::vector<std::string> verbs;
  std::vector<std::string> api_groups;
  std::vector<std::string> resources;
  std::vector<std::string> names;
  std::vector<std::string> paths;
};

struct ReviewAnswer {
  std::string content_type;
  std::string body;
};

/// True if the client takes protobuf and no JSON (kubectl and client-go take either).
bool WantsProtobuf(std::string_view accept);

/// Status 201 each.
ReviewAnswer AccessAnswer(const SelfReview& review, bool allowed, std::string_view reason,
                          bool protobuf);
/// `incomplete` is always true in the answer: the cluster may deny more.
ReviewAnswer RulesAnswer(const SelfReview& review, const std::vector<ReviewRule>& rules,
                         bool protobuf);
ReviewAnswer SubjectAnswer(const SelfReview& review, std::string_view user,
                           const std::vector<std::string>& groups, bool protobuf);

}  // namespace mk8s::kube

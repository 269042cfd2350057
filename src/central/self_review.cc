// See self_review.h.
#include "central/self_review.h"

#include <algorithm>

#include "auth/role_matcher.h"
#include "base/limits.h"
#include "central/kube_request.h"
#include "kube/resource_list.h"
#include "kube/status.h"

namespace mk8s::central {
namespace {

ReviewOutcome Answered(kube::ReviewAnswer answer) { return {.answer = std::move(answer)}; }

std::vector<kube::ReviewRule> RulesOf(const auth::RoleMatcher& matcher,
                                      std::string_view namespace_) {
  std::vector<kube::ReviewRule> rules;
  for (auth::RoleMatcher::Rule& rule : matcher.RulesIn(namespace_)) {
    rules.push_back({.verbs = std::move(rule.verbs),
                     .api_groups = std::move(rule.api_groups),
                     .resources = std::move(rule.resources),
                     .names = std::move(rule.names),
                     .paths = std::move(rule.paths)});
  }
  return rules;
}

bool LetsThrough(const auth::Decision& decision) { return decision.allowed || decision.narrowed; }

// A narrowed list of objects without a namespace is refused unless a scope takes such objects.
bool LetsClusterScopedThrough(const auth::Decision& decision) {
  return decision.allowed ||
         (decision.narrowed && std::any_of(decision.scopes.begin(), decision.scopes.end(),
                                           [](const auto& scope) { return scope.cluster_scoped; }));
}

// As KubeAdmission decides the request itself, whose namespace, if any, is the resource's own.
ReviewOutcome AccessOutcome(const kube::SelfReview& review, const auth::RoleMatcher& matcher,
                            std::optional<auth::ResourceScope> scope, bool protobuf) {
  const Attributes& asked = review.asked;
  auth::Decision namespaced = matcher.Decide(asked);
  Attributes without_namespace = asked;
  without_namespace.namespace_.clear();
  auth::Decision cluster_scoped = matcher.Decide(without_namespace);
  // A Namespace's own namespace is its name.
  const bool own =
      !asked.is_resource || (asked.api_group.empty() && asked.resource == "namespaces");
  const bool same = LetsThrough(namespaced) == LetsClusterScopedThrough(cluster_scoped);
  bool by_cluster = false;
  if (!own && !same) {
    const auth::ResourceScope known = auth::ScopeOf(asked.api_group, asked.resource);
    const bool can_ask = !scope && kube::DiscoveryPath(asked).has_value();
    if (known == auth::ResourceScope::kUnknown && can_ask) return {.needs_scope = asked};
    by_cluster = scope.value_or(known) == auth::ResourceScope::kCluster;
  }
  auth::Decision& decision = by_cluster ? cluster_scoped : namespaced;
  if (by_cluster ? LetsClusterScopedThrough(decision) : LetsThrough(decision)) {
    return {.forward = true, .roles = std::move(decision.roles)};
  }
  const std::string why = (by_cluster ? "it belongs to no namespace, and " : "") + decision.reason;
  return Answered(kube::AccessAnswer(review, false, why, protobuf));
}

class BodyCollector : public http::StreamEvents {
 public:
  BodyCollector(std::shared_ptr<KubeRequest> request, std::shared_ptr<http::StreamEvents> relay)
      : request_(std::move(request)), relay_(std::move(relay)) {}

  void OnBody(std::string_view bytes) override {
    relay_->OnBody(bytes);  // waits there, unsent, until the request is dispatched
    if (request_ == nullptr) return;
    if (body_.size() + bytes.size() > limits::kSelfReviewBytesMax) {
      return std::exchange(request_, nullptr)
          ->OnReviewBody(MakeError(ErrorCode::kTooLarge, "the review is larger than any review"));
    }
    body_.append(bytes);
  }

  void OnEnd(const http::Fields& trailers) override {
    relay_->OnEnd(trailers);
    if (request_ != nullptr) std::exchange(request_, nullptr)->OnReviewBody(std::move(body_));
  }

  void OnReset(http::ResetReason reason) override {
    request_.reset();
    relay_->OnReset(reason);
  }

  void OnSent(std::size_t bytes) override { relay_->OnSent(bytes); }

 private:
  std::shared_ptr<KubeRequest> request_;  // null once it was told
  std::shared_ptr<http::StreamEvents> relay_;
  std::string body_;
};

}  // namespace

Result<ReviewOutcome> AnswerSelfReview(kube::SelfReviewKind kind, const http::Fields& fields,
                                       std::string_view body, const Snapshot& snapshot,
                                       const User& user, std::string_view cluster_id,
                                       bool acts_as_other,
                                       std::optional<auth::ResourceScope> scope) {
  MK8S_ASSIGN_OR_RETURN(const kube::SelfReview review,
                        kube::ParseSelfReview(kind, fields.Get("content-type"), body));
  const bool protobuf = kube::WantsProtobuf(fields.Get("accept"));
  const Cluster* cluster = snapshot.FindCluster(cluster_id);
  if (cluster == nullptr) return MakeError(ErrorCode::kNotFound, "the cluster was removed");
  const auto matcher = snapshot.Matcher(user, *cluster);
  switch (kind) {
    case kube::SelfReviewKind::kAccess:
      if (kube::IsOpenToEveryone(review.asked)) return ReviewOutcome{.forward = true};
      return AccessOutcome(review, *matcher, scope, protobuf);
    case kube::SelfReviewKind::kRules:
      return Answered(
          kube::RulesAnswer(review, RulesOf(*matcher, review.asked.namespace_), protobuf));
    case kube::SelfReviewKind::kSubject: {
      if (acts_as_other) return ReviewOutcome{.forward = true};
      std::vector<std::string> groups{"mk8s:users"};
      for (const std::string& role : user.roles) groups.push_back("mk8s:role:" + role);
      return Answered(kube::SubjectAnswer(review, user.email, groups, protobuf));
    }
    case kube::SelfReviewKind::kNone:
      break;
  }
  return MakeError(ErrorCode::kInternal, "not a self review");
}

std::shared_ptr<http::StreamEvents> CollectReviewBody(
    std::shared_ptr<KubeRequest> request, std::shared_ptr<http::StreamEvents> relay_events) {
  return std::make_shared<BodyCollector>(std::move(request), std::move(relay_events));
}

}  // namespace mk8s::central

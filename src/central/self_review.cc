// See self_review.h.
#include "central/self_review.h"

#include "auth/role_matcher.h"
#include "base/limits.h"
#include "central/kube_request.h"
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
                                       bool acts_as_other) {
  MK8S_ASSIGN_OR_RETURN(const kube::SelfReview review,
                        kube::ParseSelfReview(kind, fields.Get("content-type"), body));
  const bool protobuf = kube::WantsProtobuf(fields.Get("accept"));
  const Cluster* cluster = snapshot.FindCluster(cluster_id);
  if (cluster == nullptr) return MakeError(ErrorCode::kNotFound, "the cluster was removed");
  const auto matcher = snapshot.Matcher(user, *cluster);
  switch (kind) {
    case kube::SelfReviewKind::kAccess: {
      if (kube::IsOpenToEveryone(review.asked)) return ReviewOutcome{.forward = true};
      auth::Decision decision = matcher->Decide(review.asked);
      if (decision.allowed || decision.narrowed) {
        return ReviewOutcome{.forward = true, .roles = std::move(decision.roles)};
      }
      return Answered(kube::AccessAnswer(review, false, decision.reason, protobuf));
    }
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

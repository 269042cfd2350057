// See kube_request.h.
#include "central/kube_request.h"

#include "base/error_mapping.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "central/audit_log.h"
#include "central/cross_loop_session.h"
#include "central/kube_gateway.h"
#include "central/self_review.h"
#include "central/tunnel_choice.h"
#include "gateway/headers.h"
#include "gateway/tunnel_message.h"
#include "kube/status.h"
#include "net/connection.h"
#include "net/loop.h"

namespace mk8s::central {
namespace {

// kubectl's own words about its command; they only describe, so a short printable form is enough.
constexpr std::size_t kKubectlFieldBytesMax = 256;
constexpr std::string_view kUsersGroup = "mk8s:users";
constexpr std::string_view kRoleGroupPrefix = "mk8s:role:";

// client-go drops the message of a Status that answers discovery ("the server is currently unable
// to handle the request"), but prints a Warning (client-go rest/request.go, rest/warnings.go).
bool IsDiscoveryTarget(std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  return path == "/api" || path == "/apis" || path == "/version" || path.starts_with("/openapi/");
}

}  // namespace

KubeRequest::KubeRequest(KubeGateway& gateway, net::Loop& loop, std::string peer_ip,
                         std::string request_id, std::shared_ptr<const ExecCommand> command)
    : gateway_(gateway),
      loop_(loop),
      command_(std::move(command)),
      admission_(gateway.services()),
      started_(gateway.services().clock.Monotonic()) {
  event_.id = std::move(request_id);
  event_.time = gateway.services().clock.Now();
  event_.source_ip = std::move(peer_ip);
}

std::shared_ptr<http::StreamEvents> KubeRequest::Start(
    Result<KubeRoute> route, http::RequestHead head, bool end,
    std::shared_ptr<http::ResponseStream> stream) {
  protocol_ = head.protocol;
  wants_body_ = head.method != "HEAD";
  head_ = std::move(head);
  end_ = end;
  stream_ = stream;
  relay_ = gateway::Relay::Make(std::move(stream), end, Hooks(), shared_from_this());
  std::shared_ptr<http::StreamEvents> events = relay_->downstream_events();
  gateway_.Opened(*this, loop_);
  const Result<void> admitted = Admit(std::move(route));
  DescribeForAudit();
  if (!admitted) {
    Refuse(admitted.error());
  } else if (admission_.kind().kind == kube::RequestKind::kSelfReview && !end_) {
    events = CollectReviewBody(shared_from_this(), std::move(events));
    stream_->SendContinue();
  } else if (!admission_.scopes().empty()) {
    Narrow();
  } else {
    AuditAndDispatch();
  }
  return events;
}

// Everything that can refuse a request, in the order in which it is known.
Result<void> KubeRequest::Admit(Result<KubeRoute> route) {
  MK8S_RETURN_IF_ERROR(
      admission_.Admit(std::move(route), head_, command_ ? command_->session_id : std::string()));
  roles_ = admission_.roles();
  MK8S_ASSIGN_OR_RETURN(tunnel_,
                        ChooseTunnel(gateway_.services().tunnels, *admission_.granted(), loop_));
  if (admission_.scopes().empty()) {
    MK8S_RETURN_IF_ERROR(NarrowList::RefuseSealed(gateway_.services().continue_tokens,
                                                  admission_.user_id(), admission_.cluster_id(),
                                                  admission_.target()));
  }
  MK8S_RETURN_IF_ERROR(gateway_.in_flight().Enter(admission_.user_id(), admission_.cluster_id()));
  counted_ = true;
  return {};
}

// Only a part is granted: objects of some namespaces or names.
void KubeRequest::Narrow() {
  if (!admission_.NeedsResourceScope()) return FilterAnswer();
  AskScope(admission_.attributes(), [this](std::optional<bool> namespaced) {
    // Of what the cluster does not know the filter lets only objects in namespaces pass.
    if (namespaced.value_or(true)) return FilterAnswer();
    Refuse(admission_.RefuseClusterScoped());
  });
}

// Goes on with `then` unless the client leaves or is refused first; nothing: the cluster does not
// know such a resource.
void KubeRequest::AskScope(const Attributes& about, std::function<void(std::optional<bool>)> then) {
  ResourceScopes& scopes = gateway_.resource_scopes();
  if (const auto known = scopes.IsNamespaced(admission_.cluster_id(), about)) return then(known);
  std::shared_ptr<void> place = scopes.Enter();
  if (!place) {
    return Refuse(MakeError(ErrorCode::kResourceExhausted,
                            "too many clusters are being asked for what they have; try again"));
  }
  gateway::TunnelRequest identity = Identity();
  identity.head.authority = head_.authority;  // a request without one is malformed
  question_ = std::make_shared<ScopeQuestion>(
      loop_, gateway_.services().clock,
      ScopeQuestion::Way{
          .session = [this] { return TunnelGone() ? nullptr : &TunnelSession(); },
          .record =
              [this](AuditEvent event) { gateway_.services().audit.Record(std::move(event)); }},
      std::move(identity), event_);
  question_->Ask(
      about,
      [self = shared_from_this(), about, then = std::move(then),
       place = std::move(place)](const ScopeQuestion::Answer& namespaced) {
        const auto question = std::exchange(self->question_, nullptr);
        if (self->relay_ == nullptr || self->relay_->done()) return;
        if (!namespaced) return self->Refuse(namespaced.error());
        if (*namespaced) {
          self->gateway_.resource_scopes().Learn(self->admission_.cluster_id(), about,
                                                 **namespaced);
        }
        then(*namespaced);
      },
      limits::kResourceScopeDeadline);
}

void KubeRequest::FilterAnswer() {
  Result<NarrowList> narrow = NarrowList::Make(
      gateway_.services().continue_tokens, admission_.user_id(), admission_.cluster_id(),
      admission_.attributes(), admission_.target(), admission_.scopes());
  if (!narrow) return Refuse(narrow.error());
  narrow_ = *std::move(narrow);
  AuditAndDispatch();
}

void KubeRequest::AuditAndDispatch() {
  AuditLog& audit = gateway_.services().audit;
  const bool discovery = admission_.kind().kind == kube::RequestKind::kDiscovery;
  if (!audit.Writable() && !discovery) {
    return Refuse(MakeError(ErrorCode::kUnavailable,
                            "the audit log cannot be written, so nothing is let through"));
  }
  if (admission_.kind().AuditFirst()) {
    begun_ = true;
    audit.Begin(event_, loop_, [self = shared_from_this()](const Result<void>& written) {
      if (written) return self->Dispatch();
      self->begun_ = false;
      self->Refuse(written.error());
    });
    return;
  }
  if (admission_.kind().long_running) {  // its end may be hours away: show that it runs
    begun_ = true;
    audit.Record(event_);
  }
  Dispatch();
}

void KubeRequest::Dispatch() {
  if (relay_ == nullptr || relay_->done()) return;  // the client left while the audit was written
  gateway::TunnelRequest request = Identity();
  request.head = std::move(head_);
  request.head.target = (narrow_ ? narrow_->target() : admission_.target()).Serialize();
  request.head.fields = gateway::RequestFieldsForCluster(request.head.fields);
  if (narrow_) NarrowList::AskForJson(request.head.fields);
  stream_->SendContinue();
  if (TunnelGone()) {
    return Refuse(MakeError(ErrorCode::kUnavailable, "the agent of cluster " +
                                                         kube::Quote(event_.cluster) +
                                                         " has just disconnected; try again"));
  }
  relay_->Start(TunnelSession(), gateway::EncodeForTunnel(request));
}

bool KubeRequest::TunnelGone() const {
  return tunnel_->loop == &loop_ && tunnel_->connection->closed();
}

http::ClientSession& KubeRequest::TunnelSession() {
  if (tunnel_->loop == &loop_) return *tunnel_->session;
  if (!across_) across_ = std::make_unique<CrossLoopSession>(loop_, tunnel_);
  return *across_;
}

// As whom the cluster sees the request: the user with the roles that allowed it, or exactly whom
// the user was allowed to act as.
gateway::TunnelRequest KubeRequest::Identity() const {
  gateway::TunnelRequest request{
      .user = event_.user, .groups = {std::string(kUsersGroup)}, .request_id = event_.id};
  if (const std::optional<kube::Impersonation>& other = admission_.acts_as()) {
    request.user = other->user;
    request.groups = other->groups;
    request.uid = other->uid;
    request.extra = other->extra;
    return request;
  }
  for (const std::string& role : roles_) {
    request.groups.push_back(std::string(kRoleGroupPrefix) + role);
  }
  return request;
}

void KubeRequest::Refuse(const Error& why) {
  if (!refused_as_) {
    refused_as_ = admission_.denied() ? AuditStatus::kDenied : AuditStatus::kFailed;
  }
  Note(why.message);
  if (!why.detail.empty()) {
    log::Debug("request refused", {{"request_id", event_.id}, {"error", why}});
  }
  if (relay_ != nullptr) relay_->Cut(why);
}

// For the audit log, behind whom the user acts as.
void KubeRequest::Note(const std::string& reason) {
  noted_ = true;
  event_.reason += (event_.reason.empty() || reason.empty() ? "" : ": ") + reason;
}

void KubeRequest::Recheck(const std::shared_ptr<const Snapshot>& snapshot) {
  if (relay_ == nullptr || relay_->done() || !admission_.principal()) return;
  Result<void> allowed = admission_.Again(snapshot);
  if (!allowed && command_) command_->cut(allowed.error());
  if (command_ && command_->ended) {
    allowed = MakeError(ErrorCode::kCancelled, "the command that asked has ended");
  }
  if (allowed) return CutIfStill();
  gateway_.metrics().streams_cut.fetch_add(1, std::memory_order_relaxed);
  refused_as_ = AuditStatus::kInterrupted;
  Note(allowed.error().message);
  relay_->Cut(allowed.error());
}

void KubeRequest::CutIfStill() {
  const gateway::RelayWait wait = relay_->waits_for();
  // What an application behind .../proxy takes its time over is its own affair.
  if (wait == gateway::RelayWait::kBody && admission_.kind().connecting) return;
  const std::optional<Error> why =
      still_watch_.Look(wait, relay_->moved_bytes(), gateway_.services().clock.Monotonic());
  if (!why) return;
  // The silent half has done what it was for.
  if (wait == gateway::RelayWait::kOtherEnd) refused_as_ = AuditStatus::kAllowed;
  Refuse(*why);
}

void KubeRequest::OnReviewBody(Result<std::string> body) {
  if (!body) return Refuse(body.error());
  AnswerReview(*body, std::nullopt);
}

void KubeRequest::AnswerReview(const std::string& body, std::optional<auth::ResourceScope> scope) {
  Result<ReviewOutcome> outcome =
      AnswerSelfReview(admission_.kind().self_review, head_.fields, body,
                       *admission_.principal()->snapshot, *admission_.principal()->user,
                       admission_.cluster_id(), admission_.acts_as().has_value(), scope);
  if (!outcome) return Refuse(outcome.error());
  if (outcome->needs_scope) {
    return AskScope(*outcome->needs_scope, [this, body](std::optional<bool> namespaced) {
      AnswerReview(body, !namespaced   ? auth::ResourceScope::kUnknown
                         : *namespaced ? auth::ResourceScope::kNamespaced
                                       : auth::ResourceScope::kCluster);
    });
  }
  if (!outcome->forward) {
    own_answer_ = gateway::Answer{
        .head = {.status = 201, .fields = {{"content-type", outcome->answer.content_type}}},
        .body = std::move(outcome->answer.body)};
    refused_as_ = AuditStatus::kAllowed;
    return relay_->Cut(Error{});
  }
  roles_ = std::move(outcome->roles);
  AuditAndDispatch();
}

void KubeRequest::OnDone(const gateway::RelayOutcome& outcome) {
  Metrics& metrics = gateway_.metrics();
  metrics.kube_bytes_in.fetch_add(outcome.bytes_in, std::memory_order_relaxed);
  metrics.kube_bytes_out.fetch_add(outcome.bytes_out, std::memory_order_relaxed);
  gateway_.Closed(*this, loop_);
  if (const auto question = std::exchange(question_, nullptr)) question->Cancel();
  if (counted_) gateway_.in_flight().Leave(event_.user_id, admission_.cluster_id());
  event_.http_status = outcome.status;
  event_.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                           gateway_.services().clock.Monotonic() - started_)
                           .count();
  const bool whole = outcome.end == gateway::RelayEnd::kComplete;
  if (refused_as_) {
    event_.status = *refused_as_;
  } else if (whole || (outcome.end == gateway::RelayEnd::kClientGone && outcome.status != 0)) {
    event_.status = AuditStatus::kAllowed;  // a watch or a log follow ends by its client leaving
  } else {
    event_.status = outcome.end == gateway::RelayEnd::kAnswered ? AuditStatus::kFailed
                                                                : AuditStatus::kInterrupted;
  }
  if (!whole && !noted_) Note(outcome.reason);
  auto& counter = event_.status == AuditStatus::kAllowed  ? metrics.kube_requests_allowed
                  : event_.status == AuditStatus::kDenied ? metrics.kube_requests_denied
                                                          : metrics.kube_requests_failed;
  counter.fetch_add(1, std::memory_order_relaxed);
  // Without a user there is nobody to hold to account, and recording would let anyone fill the
  // disk.
  AuditLog& audit = gateway_.services().audit;
  if (begun_) {
    audit.Finish(std::move(event_));
  } else if (!event_.user_id.empty()) {
    audit.Record(std::move(event_));
  }
  // The relay is still on the stack, and holds this object in turn.
  loop_.AtEndOfTurn([relay = std::move(relay_), self = shared_from_this()] {});
}

gateway::Answer KubeRequest::AnswerFor(const Error& why) const {
  if (own_answer_) return *own_answer_;
  kube::StatusDetails details = kube::DetailsOf(admission_.attributes());
  if (why.code == ErrorCode::kResourceExhausted) details.retry_after = limits::kRetryAfter;
  gateway::Answer answer{
      .head = {.status = HttpStatus(why.code), .fields = kube::StatusFields(why, details)},
      .body = kube::StatusJson(why, details)};
  answer.head.fields.Set("x-request-id", event_.id);
  if (IsDiscoveryTarget(admission_.route().target)) {
    answer.head.fields.Add("warning", "299 mk8s " + kube::Quote(Printable(why.message)));
  }
  return answer;
}

gateway::RelayHooks KubeRequest::Hooks() {
  // The relay holds this object as its observer for as long as it calls these.
  return {.answer_error = [this](const Error& why) { return AnswerFor(why); },
          .map_head = [this](http::ResponseHead head) -> Result<http::ResponseHead> {
            const bool upgrade = !protocol_.empty();
            MK8S_ASSIGN_OR_RETURN(http::ResponseHead mapped,
                                  gateway::ResponseForClient(
                                      gateway::DecodeFromTunnel(std::move(head), upgrade),
                                      {.location_prefix = admission_.route().prefix,
                                       .upgrade = upgrade,
                                       .proxied = admission_.attributes().subresource == "proxy"}));
            mapped.fields.Set("x-request-id", event_.id);
            if (narrow_) return narrow_->MapHead(std::move(mapped));
            return mapped;
          },
          .filter_body =
              [this](const http::ResponseHead& head) -> std::unique_ptr<gateway::BodyFilter> {
            return narrow_ ? narrow_->Filter(head) : nullptr;
          },
          .map_trailers = gateway::ResponseFieldsForClient};
}

void KubeRequest::DescribeForAudit() {
  event_.user_id = admission_.user_id();
  event_.user = admission_.user();
  event_.cluster_id = admission_.cluster_id();
  event_.cluster = admission_.cluster();
  const Attributes& attributes = admission_.attributes();
  event_.verb = attributes.verb.empty()
                    ? ToLower(head_.method)
                    : std::string(kube::DecisionVerb(attributes, admission_.kind()));
  event_.api_group = attributes.api_group;
  event_.resource = Printable(attributes.resource);
  event_.subresource = Printable(attributes.subresource);
  event_.namespace_ = Printable(attributes.namespace_);
  event_.name = Printable(attributes.name);
  event_.kubectl_session = Printable(head_.fields.Get("kubectl-session"), kKubectlFieldBytesMax);
  if (admission_.acts_as()) event_.reason = kube::Describe(*admission_.acts_as());
  event_.command = admission_.route().command;
  if (event_.command.empty()) {
    event_.command = Printable(head_.fields.Get("kubectl-command"), kKubectlFieldBytesMax);
  }
  if (event_.command.empty()) {
    // What was refused before it was understood is named as it came.
    const std::string_view raw = admission_.route().target;
    const std::string_view path =
        attributes.verb.empty() ? raw.substr(0, raw.find('?')) : admission_.target().path();
    event_.command = event_.verb + " " + Printable(path, limits::kCommandWordsBytesMax);
  }
}

}  // namespace mk8s::central

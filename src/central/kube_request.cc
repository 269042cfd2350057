// See kube_request.h.
#include "central/kube_request.h"

#include <algorithm>

#include "auth/role_matcher.h"
#include "base/error_mapping.h"
#include "base/log.h"
#include "base/text.h"
#include "central/audit_log.h"
#include "central/cross_loop_session.h"
#include "central/kube_gateway.h"
#include "central/origin.h"
#include "central/self_review.h"
#include "gateway/headers.h"
#include "gateway/tunnel_message.h"
#include "kube/attributes.h"
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
                         std::string request_id)
    : gateway_(gateway), loop_(loop), started_(gateway.services().clock.Monotonic()) {
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
  } else if (kind_.kind == kube::RequestKind::kSelfReview && !end_) {
    events = CollectReviewBody(shared_from_this(), std::move(events));
    stream_->SendContinue();
  } else {
    AuditAndDispatch();
  }
  return events;
}

// Everything that can refuse a request, in the order in which it is known.
Result<void> KubeRequest::Admit(Result<KubeRoute> route) {
  MK8S_ASSIGN_OR_RETURN(route_, std::move(route));
  MK8S_RETURN_IF_ERROR(Authenticate());
  MK8S_RETURN_IF_ERROR(FindCluster());
  MK8S_RETURN_IF_ERROR(ReadAttributes());
  MK8S_RETURN_IF_ERROR(Decide(*principal_->snapshot));
  MK8S_RETURN_IF_ERROR(FindTunnel());
  MK8S_RETURN_IF_ERROR(gateway_.in_flight().Enter(event_.user_id, cluster_id_));
  counted_ = true;
  return {};
}

Result<void> KubeRequest::Authenticate() {
  if (ForeignOrigin(head_)) {
    return MakeError(ErrorCode::kPermissionDenied, "requests from other sites are refused");
  }
  std::optional<Secret> offered = gateway::WebSocketBearer(head_.fields);
  const std::string_view token = offered ? std::string_view(offered->Reveal())
                                         : BearerToken(head_.fields.Get("authorization"));
  MK8S_ASSIGN_OR_RETURN(principal_, gateway_.services().authenticator.Authenticate(token));
  session_id_ = principal_->session->id;
  event_.user_id = principal_->user->id;
  event_.user = principal_->user->email;
  if (principal_->password_change_required) {
    refused_as_ = AuditStatus::kDenied;
    return MakeError(ErrorCode::kPermissionDenied,
                     "the password must be changed first; run: mk8s login");
  }
  return {};
}

// A cluster that none of the user's roles reaches is answered as one that does not exist, so that
// names do not leak.
Result<void> KubeRequest::FindCluster() {
  const Cluster* cluster = principal_->snapshot->FindCluster(route_.cluster);
  if (cluster == nullptr || !principal_->snapshot->HasGrant(*principal_->user, *cluster)) {
    event_.cluster = route_.cluster;
    refused_as_ = AuditStatus::kDenied;
    return MakeError(
        ErrorCode::kNotFound,
        "cluster " + kube::Quote(route_.cluster) +
            " does not exist, or none of your roles reaches it; see: mk8s clusters list");
  }
  cluster_id_ = event_.cluster_id = cluster->id;
  event_.cluster = cluster->name;
  return {};
}

Result<void> KubeRequest::ReadAttributes() {
  refused_as_ = AuditStatus::kDenied;
  if (gateway::AsksToImpersonate(head_.fields)) {
    return MakeError(ErrorCode::kPermissionDenied,
                     "impersonation (kubectl --as) does not pass through mk8s");
  }
  MK8S_ASSIGN_OR_RETURN(target_, kube::Target::Parse(route_.target));
  MK8S_ASSIGN_OR_RETURN(attributes_, kube::RequestAttributes(head_.method, target_));
  kind_ = kube::Classify(attributes_, target_, head_);
  return {};
}

Result<void> KubeRequest::Decide(const Snapshot& snapshot) {
  allowing_roles_.clear();
  if (kind_.kind == kube::RequestKind::kDiscovery || kind_.kind == kube::RequestKind::kSelfReview) {
    refused_as_.reset();
    return {};  // open to everyone with a grant on the cluster, which FindCluster saw
  }
  for (const Attributes& attributes : kube::DecisionsFor(attributes_, kind_)) {
    MK8S_RETURN_IF_ERROR(DecideOne(snapshot, attributes));
  }
  std::sort(allowing_roles_.begin(), allowing_roles_.end());
  allowing_roles_.erase(std::unique(allowing_roles_.begin(), allowing_roles_.end()),
                        allowing_roles_.end());
  refused_as_.reset();
  return {};
}

Result<void> KubeRequest::DecideOne(const Snapshot& snapshot, const Attributes& attributes) {
  const User* user = snapshot.UserById(event_.user_id);
  const Cluster* cluster = snapshot.FindCluster(cluster_id_);
  if (user == nullptr || cluster == nullptr) {
    return MakeError(ErrorCode::kPermissionDenied, "the user or the cluster is gone");
  }
  const auth::Decision decision = snapshot.Matcher(*user, *cluster)->Decide(attributes);
  if (!decision.allowed) {
    return kube::Forbidden(user->email, attributes, decision.reason,
                           snapshot.role_book().WhoMayAllow(attributes, cluster->name));
  }
  allowing_roles_.insert(allowing_roles_.end(), decision.roles.begin(), decision.roles.end());
  return {};
}

Result<void> KubeRequest::FindTunnel() {
  Tunnels& tunnels = gateway_.services().tunnels;
  const Tunnels::State state = tunnels.StateOf(cluster_id_);
  tunnel_ = state.connected ? tunnels.Pick(cluster_id_, loop_) : nullptr;
  if (tunnel_ != nullptr) return {};
  const Cluster* cluster = principal_->snapshot->FindCluster(cluster_id_);
  const std::optional<WallTime> since =
      state.disconnected_since ? state.disconnected_since : cluster->last_seen;
  return MakeError(ErrorCode::kUnavailable,
                   "cluster " + kube::Quote(event_.cluster) + " is offline" +
                       (since ? " since " + FormatTime(*since) : ": it never connected") +
                       "; its mk8s-agent has no connection to central");
}

void KubeRequest::AuditAndDispatch() {
  AuditLog& audit = gateway_.services().audit;
  const bool discovery = kind_.kind == kube::RequestKind::kDiscovery;
  if (!audit.Writable() && !discovery) {
    return Refuse(MakeError(ErrorCode::kUnavailable,
                            "the audit log cannot be written, so nothing is let through"));
  }
  if (kind_.AuditFirst()) {
    begun_ = true;
    audit.Begin(event_, loop_, [self = shared_from_this()](const Result<void>& written) {
      if (written) return self->Dispatch();
      self->begun_ = false;
      self->Refuse(written.error());
    });
    return;
  }
  if (kind_.long_running) {  // its end may be hours away: show that it runs
    begun_ = true;
    audit.Record(event_);
  }
  Dispatch();
}

void KubeRequest::Dispatch() {
  if (relay_ == nullptr || relay_->done()) return;  // the client left while the audit was written
  gateway::TunnelRequest request{.head = std::move(head_),
                                 .user = event_.user,
                                 .groups = {std::string(kUsersGroup)},
                                 .request_id = event_.id};
  request.head.target = target_.Serialize();
  request.head.fields = gateway::RequestFieldsForCluster(request.head.fields);
  for (const std::string& role : allowing_roles_) {
    request.groups.push_back(std::string(kRoleGroupPrefix) + role);
  }
  stream_->SendContinue();
  http::ClientSession* session = tunnel_->session;
  if (tunnel_->loop != &loop_) {
    across_ = std::make_unique<CrossLoopSession>(loop_, tunnel_);
    session = across_.get();
  } else if (tunnel_->connection->closed()) {
    return Refuse(MakeError(ErrorCode::kUnavailable, "the agent of cluster " +
                                                         kube::Quote(event_.cluster) +
                                                         " has just disconnected; try again"));
  }
  relay_->Start(*session, gateway::EncodeForTunnel(request));
}

void KubeRequest::Refuse(const Error& why) {
  if (!refused_as_) refused_as_ = AuditStatus::kFailed;
  event_.reason = why.message;
  if (!why.detail.empty()) {
    log::Debug("request refused", {{"request_id", event_.id}, {"error", why}});
  }
  if (relay_ != nullptr) relay_->Cut(why);
}

void KubeRequest::Recheck(const std::shared_ptr<const Snapshot>& snapshot) {
  if (relay_ == nullptr || relay_->done() || !principal_) return;
  const Authenticator& authenticator = gateway_.services().authenticator;
  // The token's own expiry does not end an open stream: its session lives on as long as it is
  // refreshed.
  const Result<Principal> principal = authenticator.Again(snapshot, session_id_, WallTime::max());
  Result<void> allowed = principal ? Result<void>() : Result<void>(principal.error());
  if (allowed && !cluster_id_.empty()) {
    const Cluster* cluster = snapshot->FindCluster(cluster_id_);
    if (cluster == nullptr || !snapshot->HasGrant(*principal->user, *cluster)) {
      allowed = MakeError(ErrorCode::kPermissionDenied, "the cluster is not granted any more");
    } else {
      allowed = Decide(*snapshot);
    }
  }
  if (allowed) return;
  gateway_.metrics().streams_cut.fetch_add(1, std::memory_order_relaxed);
  refused_as_ = AuditStatus::kInterrupted;
  event_.reason = allowed.error().message;
  relay_->Cut(allowed.error());
}

void KubeRequest::OnReviewBody(Result<std::string> body) {
  if (!body) return Refuse(body.error());
  Result<ReviewOutcome> outcome =
      AnswerSelfReview(kind_.self_review, head_.fields, *body, *principal_->snapshot,
                       *principal_->user, cluster_id_);
  if (!outcome) return Refuse(outcome.error());
  if (!outcome->forward) {
    own_answer_ = gateway::Answer{
        .head = {.status = 201, .fields = {{"content-type", outcome->answer.content_type}}},
        .body = std::move(outcome->answer.body)};
    refused_as_ = AuditStatus::kAllowed;
    return relay_->Cut(Error{});
  }
  allowing_roles_ = std::move(outcome->roles);
  AuditAndDispatch();
}

void KubeRequest::OnDone(const gateway::RelayOutcome& outcome) {
  Metrics& metrics = gateway_.metrics();
  metrics.kube_bytes_in.fetch_add(outcome.bytes_in, std::memory_order_relaxed);
  metrics.kube_bytes_out.fetch_add(outcome.bytes_out, std::memory_order_relaxed);
  gateway_.Closed(*this, loop_);
  if (counted_) gateway_.in_flight().Leave(event_.user_id, cluster_id_);
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
  if (event_.reason.empty() && !whole) event_.reason = outcome.reason;
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
  const kube::StatusDetails details = kube::DetailsOf(attributes_);
  gateway::Answer answer{
      .head = {.status = HttpStatus(why.code), .fields = kube::StatusFields(why, details)},
      .body = kube::StatusJson(why, details)};
  answer.head.fields.Set("x-request-id", event_.id);
  if (IsDiscoveryTarget(route_.target)) {
    answer.head.fields.Add("warning", "299 mk8s " + kube::Quote(Printable(why.message)));
  }
  return answer;
}

gateway::RelayHooks KubeRequest::Hooks() {
  // The relay holds this object as its observer for as long as it calls these.
  return {.answer_error = [this](const Error& why) { return AnswerFor(why); },
          .map_head = [this](http::ResponseHead head) -> Result<http::ResponseHead> {
            const bool upgrade = !protocol_.empty();
            MK8S_ASSIGN_OR_RETURN(
                http::ResponseHead mapped,
                gateway::ResponseForClient(gateway::DecodeFromTunnel(std::move(head), upgrade),
                                           {.location_prefix = route_.prefix,
                                            .upgrade = upgrade,
                                            .proxied = attributes_.subresource == "proxy"}));
            mapped.fields.Set("x-request-id", event_.id);
            return mapped;
          },
          .map_trailers = gateway::ResponseFieldsForClient};
}

void KubeRequest::DescribeForAudit() {
  event_.verb = attributes_.verb.empty() ? ToLower(head_.method)
                                         : std::string(kube::DecisionVerb(attributes_, kind_));
  event_.api_group = attributes_.api_group;
  event_.resource = Printable(attributes_.resource);
  event_.subresource = Printable(attributes_.subresource);
  event_.namespace_ = Printable(attributes_.namespace_);
  event_.name = Printable(attributes_.name);
  event_.kubectl_session = Printable(head_.fields.Get("kubectl-session"), kKubectlFieldBytesMax);
  event_.command = route_.command;
  if (event_.command.empty()) {
    event_.command = Printable(head_.fields.Get("kubectl-command"), kKubectlFieldBytesMax);
  }
  if (event_.command.empty()) {
    event_.command = event_.verb + " " + Printable(target_.path());
  }
}

}  // namespace mk8s::central

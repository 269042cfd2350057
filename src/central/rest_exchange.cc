// See rest_exchange.h.
#include "central/rest_exchange.h"

#include "base/error_mapping.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "central/audit_log.h"
#include "central/origin.h"
#include "central/rest_json.h"
#include "central/services.h"
#include "central/snapshot.h"
#include "net/work_pool.h"

namespace mk8s::central {
namespace {

constexpr std::string_view kPasswordChangeRequired = "password_change_required";

bool ReadsOnly(std::string_view method) { return method == "GET" || method == "HEAD"; }

AuditStatus StatusOf(const Result<RestAnswer>& result) {
  if (result) return AuditStatus::kAllowed;
  switch (result.error().code) {
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kResourceExhausted:
      return AuditStatus::kDenied;
    default:
      return AuditStatus::kFailed;
  }
}

AuditEvent Outcome(const RestCall& call, const Result<RestAnswer>& result) {
  AuditEvent event = call.audit;
  event.status = StatusOf(result);
  event.http_status = result ? result->status : HttpStatus(result.error().code);
  event.duration_ms = (call.services.clock.Now() - call.now).count();
  if (!result) event.reason = result.error().message;
  return event;
}

// Whom an administrator's call is about: as the snapshot knows them, else as the call named them.
void DescribeTarget(const Route& route, RestCall& call) {
  AuditEvent& event = call.audit;
  event.name = call.parameters.empty() ? NameInBody(call.body) : call.parameters[0];
  const Snapshot& snapshot = *call.principal->snapshot;
  if (route.Resource() == "users") {
    if (const User* user = snapshot.FindUser(event.name)) event.name = user->email;
  } else if (route.Resource() == "clusters") {
    if (const Cluster* cluster = snapshot.FindCluster(event.name)) {
      event.name = cluster->name;
      event.cluster_id = cluster->id;
    }
    event.cluster = event.name;
  }
}

// Runs the handler between its audit event and the snapshot's reload.  On a pool's thread.
Result<RestAnswer> Run(const Route& route, RestCall& call) {
  Services& services = call.services;
  if (route.audited == Audited::kBefore) {
    DescribeTarget(route, call);
    MK8S_RETURN_IF_ERROR(services.audit.RecordAndWait(call.audit));
  }
  Result<RestAnswer> result = route.handler(call);
  if (result && route.Writes()) {
    // The change is stored; should loading fail now, the running server's tick brings it in force.
    if (const auto loaded = services.snapshots.Reload(); !loaded) {
      log::Warn("a change is stored but not yet in force", {{"error", loaded.error()}});
    }
  }
  if (route.audited == Audited::kBefore) services.audit.Finish(Outcome(call, result));
  if (route.audited == Audited::kAfter) services.audit.Record(Outcome(call, result));
  return result;
}

}  // namespace

RestExchange::RestExchange(Services& services, net::WorkPool& password_pool, net::Loop& loop,
                           std::shared_ptr<http::ResponseStream> stream, std::string peer_ip,
                           std::string request_id)
    : services_(services),
      password_pool_(password_pool),
      loop_(loop),
      stream_(std::move(stream)),
      call_(std::make_shared<RestCall>(RestCall{.services = services,
                                                .peer_ip = std::move(peer_ip),
                                                .request_id = std::move(request_id),
                                                .now = services.clock.Now()})) {}

void RestExchange::Start(http::RequestHead head, bool end) {
  call_->method = head.method;
  call_->fields = std::move(head.fields);
  head.fields = call_->fields;
  head_only_ = head.method == "HEAD";
  if (const auto admitted = Admit(head); !admitted) {
    if (!answered_) Refuse(admitted.error());
    return;
  }
  if (end) return Dispatch();
  stream_->SendContinue();
  body_deadline_ = loop_.After(limits::kRestBodyDeadline, [this] {
    Refuse(MakeError(ErrorCode::kDeadlineExceeded, "the request's body did not come in time"));
    if (stream_) stream_->Reset(http::ResetReason::kNoError);
  });
}

Result<void> RestExchange::Admit(const http::RequestHead& head) {
  auto matched = MatchRoute(head.method, head.target);
  if (const auto* none = std::get_if<NoRoute>(&matched)) {
    allow_ = none->allow;
    return none->error;
  }
  auto& match = std::get<RouteMatch>(matched);
  route_ = match.route;
  call_->path = std::move(match.path);
  call_->parameters = std::move(match.parameters);
  call_->query = std::move(match.query);
  call_->audit = {.id = call_->request_id,
                  .time = call_->now,
                  .command = call_->method + " " + call_->path,
                  .verb = std::string(route_->verb),
                  .resource = std::string(route_->Resource()),
                  .source_ip = call_->peer_ip};
  if (!call_->parameters.empty()) call_->audit.name = call_->parameters[0];
  if (!ReadsOnly(head.method)) MK8S_RETURN_IF_ERROR(RefuseForeignOrigin(head));
  if (route_->right == Right::kNobody) return {};

  MK8S_ASSIGN_OR_RETURN(call_->principal, services_.authenticator.Authenticate(
                                              BearerToken(head.fields.Get("authorization"))));
  const Principal& principal = *call_->principal;
  call_->audit.user_id = principal.user->id;
  call_->audit.user = principal.user->email;
  if (principal.password_change_required && route_->right != Right::kAnySession) {
    const Error error =
        MakeError(ErrorCode::kPermissionDenied,
                  "the password must be changed first: run mk8s login, or POST /auth/password");
    Refuse(error, kPasswordChangeRequired);
    return error;
  }
  if (route_->right == Right::kAdmin && !principal.snapshot->IsAdmin(*principal.user)) {
    Error error = MakeError(ErrorCode::kPermissionDenied,
                            "only an administrator of mk8s may do this; you are " +
                                principal.user->email + " without a role that has admin: true");
    if (route_->audited != Audited::kNo) services_.audit.Record(Outcome(*call_, error));
    return error;
  }
  return {};
}

void RestExchange::OnBody(std::string_view bytes) {
  if (!stream_) return;
  stream_->Consume(bytes.size());
  if (answered_) {
    ignored_bytes_ += bytes.size();
    if (ignored_bytes_ > limits::kDiscardedBodyBytesMax) {
      stream_->Reset(http::ResetReason::kNoError);
    }
    return;
  }
  if (call_->body.size() + bytes.size() > limits::kRestBodyBytesMax) {
    Refuse(MakeError(
        ErrorCode::kTooLarge,
        "the request's body is over " + std::to_string(limits::kRestBodyBytesMax / 1024) + " KiB"));
    return;
  }
  call_->body += bytes;
}

void RestExchange::OnEnd(const http::Fields&) {
  if (!answered_) Dispatch();
}

void RestExchange::OnReset(http::ResetReason) {
  body_deadline_.Cancel();
  if (body_) body_->Drop();
  stream_ = nullptr;
}

void RestExchange::Dispatch() {
  body_deadline_.Cancel();
  const auto answer = [](RestExchange& self, Result<RestAnswer> result) {
    if (result) {
      self.Send(result->status, std::move(result->body));
    } else {
      self.Refuse(result.error());
    }
  };
  if (route_->place == Place::kLoop) return answer(*this, route_->handler(*call_));
  net::WorkPool& pool = route_->place == Place::kPool ? services_.pool : password_pool_;
  const bool taken =
      // The job hands its reference on, so that the stream never dies on a pool's thread.
      pool.Submit([self = shared_from_this(), call = call_, route = route_, answer]() mutable {
        auto result = std::make_shared<Result<RestAnswer>>(Run(*route, *call));
        net::Loop& loop = self->loop_;
        loop.Post([self = std::move(self), result, answer] { answer(*self, std::move(*result)); });
      });
  if (!taken) {
    call_->retry_after = std::chrono::seconds(1);
    Refuse(MakeError(ErrorCode::kUnavailable, "central is busy; try again in a moment"));
  }
}

void RestExchange::Refuse(const Error& error, std::string_view code) {
  const int status = HttpStatus(error.code);
  if (status >= 500) {
    log::Err("request failed", {{"request_id", call_->request_id},
                                {"method", call_->method},
                                {"path", call_->path},
                                {"error", error}});
  }
  Send(status,
       RenderError(code.empty() ? Name(error.code) : code, error.message, call_->request_id));
}

void RestExchange::Send(int status, std::string body) {
  body_deadline_.Cancel();
  if (answered_) return;
  answered_ = true;
  if (!stream_) return;
  http::ResponseHead head{.status = status,
                          .fields = {{"x-request-id", call_->request_id},
                                     {"cache-control", "no-store"},
                                     {"x-content-type-options", "nosniff"}}};
  if (status != 204) {
    head.fields.Add("content-type", "application/json");
    head.fields.Add("content-length", std::to_string(body.size()));
  }
  if (status == 401) head.fields.Add("www-authenticate", "Bearer");
  if (!allow_.empty()) head.fields.Add("allow", allow_);
  if (call_->retry_after) {
    head.fields.Add("retry-after", std::to_string(call_->retry_after->count()));
  }
  const bool end = head_only_ || body.empty();
  stream_->SendHead(head, end);
  if (end) return;
  body_.emplace(stream_);
  body_->Send(body);
  body_->End();
}

void RestExchange::OnSent(std::size_t bytes) {
  if (body_) body_->OnSent(bytes);
}

}  // namespace mk8s::central

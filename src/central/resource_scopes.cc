// See resource_scopes.h.
#include "central/resource_scopes.h"

#include <utility>

#include "base/ids.h"
#include "base/limits.h"
#include "kube/resource_list.h"

namespace mk8s::central {
namespace {

constexpr int kStatusOk = 200;
constexpr int kStatusNotFound = 404;

std::string KeyOf(const std::string& cluster_id, const Attributes& attributes) {
  return cluster_id + "\n" + attributes.api_group + "\n" + attributes.api_version + "\n" +
         attributes.resource;
}

}  // namespace

std::optional<bool> ResourceScopes::IsNamespaced(const std::string& cluster_id,
                                                 const Attributes& attributes) {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(KeyOf(cluster_id, attributes));
  if (found == known_.end() || found->second.until < clock_.Monotonic()) return std::nullopt;
  return found->second.namespaced;
}

void ResourceScopes::Learn(const std::string& cluster_id, const Attributes& attributes,
                           bool namespaced) {
  const std::lock_guard lock(mutex_);
  if (known_.size() >= limits::kResourceScopesMax) known_.clear();
  known_[KeyOf(cluster_id, attributes)] = {namespaced,
                                           clock_.Monotonic() + limits::kResourceScopeLife};
}

std::shared_ptr<void> ResourceScopes::Enter() {
  if (asking_.fetch_add(1) >= limits::kResourceScopeQuestionsMax) {
    asking_.fetch_sub(1);
    return nullptr;
  }
  return {this, [this](void*) { asking_.fetch_sub(1); }};
}

ScopeQuestion::ScopeQuestion(net::Loop& loop, const Clock& clock, Way way,
                             gateway::TunnelRequest identity, AuditEvent event)
    : loop_(loop),
      clock_(clock),
      way_(std::move(way)),
      identity_(std::move(identity)),
      of_(std::move(event)) {}

void ScopeQuestion::Ask(const Attributes& about, std::function<void(const Answer&)> done,
                        std::chrono::milliseconds deadline) {
  about_ = about;
  done_ = std::move(done);
  std::optional<std::string> path = kube::DiscoveryPath(about);
  asks_group_ = !about.api_group.empty() && (about.api_version.empty() || about.api_version == "*");
  if (path) paths_.push_back(*std::move(path));
  deadline_ = loop_.After(deadline, [self = shared_from_this()] {
    self->Fail(MakeError(ErrorCode::kDeadlineExceeded,
                         "the cluster did not say in time whether " + self->about_.resource +
                             " belong to namespaces, which decides what your roles show"));
  });
  loop_.AtEndOfTurn([self = shared_from_this()] { self->SendNext(); });
}

void ScopeQuestion::Cancel() {
  done_ = nullptr;
  deadline_.Cancel();
  if (const auto stream = std::exchange(stream_, nullptr)) {
    stream->Reset(http::ResetReason::kCancel);
    Record(AuditStatus::kInterrupted, "no longer needed");
  }
}

void ScopeQuestion::SendNext() {
  if (!done_) return;
  if (paths_.empty() || sent_ == limits::kResourceScopeRequestsMax)
    return Tell(std::optional<bool>());
  http::ClientSession* session = way_.session();
  if (session == nullptr) {
    return Fail(MakeError(ErrorCode::kUnavailable, "the agent has just disconnected; try again"));
  }
  ++sent_;
  body_.clear();
  event_ = of_;
  event_.id = NewRequestId(clock_.Now());
  event_.time = clock_.Now();
  began_ = clock_.Monotonic();
  gateway::TunnelRequest request = identity_;
  request.request_id = event_.id;
  request.head = {.method = "GET",
                  .authority = identity_.head.authority,
                  .target = std::move(paths_.back()),
                  .fields = {{"accept", "application/json"}}};
  paths_.pop_back();
  event_.command = "get " + request.head.target;
  stream_ = session->Send(gateway::EncodeForTunnel(request), true, shared_from_this());
}

void ScopeQuestion::OnHead(http::ResponseHead head, bool end) {
  if (!stream_) return;
  event_.http_status = head.status;
  if (end) TakeAnswer();
}

void ScopeQuestion::OnBody(std::string_view bytes) {
  if (!stream_) return;
  if (body_.size() + bytes.size() > limits::kResourceListBytesMax) {
    return Fail(MakeError(ErrorCode::kBadGateway, "the cluster's discovery is too large"));
  }
  body_ += bytes;
  stream_->Consume(bytes.size());
}

void ScopeQuestion::OnEnd(const http::Fields&) {
  if (stream_) TakeAnswer();
}

void ScopeQuestion::OnReset(http::ResetReason reason) {
  if (!stream_) return;
  stream_.reset();
  Record(AuditStatus::kFailed, "reset: " + std::string(Name(reason)));
  Fail(MakeError(ErrorCode::kUnavailable, "the cluster's discovery was not answered; try again"));
}

// A group or version that is not there has no such resource.
void ScopeQuestion::TakeAnswer() {
  stream_.reset();
  Record(AuditStatus::kAllowed, "");
  const bool group = std::exchange(asks_group_, false);
  if (event_.http_status == kStatusNotFound) return SendNext();
  if (event_.http_status != kStatusOk) {
    return Fail(
        MakeError(ErrorCode::kUnavailable, "the cluster answered its discovery with status " +
                                               std::to_string(event_.http_status) + "; try again"));
  }
  if (group) {
    const Result<std::vector<std::string>> versions = kube::VersionsOf(body_);
    if (!versions) return Fail(versions.error());
    for (auto version = versions->rbegin(); version != versions->rend(); ++version) {
      Attributes versioned = about_;
      versioned.api_version = *version;
      if (auto path = kube::DiscoveryPath(versioned)) paths_.push_back(*std::move(path));
    }
    return SendNext();
  }
  const Answer namespaced = kube::IsNamespaced(body_, about_.resource);
  if (namespaced && !namespaced->has_value()) return SendNext();
  Tell(namespaced);
}

void ScopeQuestion::Record(AuditStatus status, const std::string& reason) {
  AuditEvent event = event_;
  event.status = status;
  event.verb = "get";
  event.api_group = event.resource = event.subresource = event.namespace_ = event.name = "";
  event.duration_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Monotonic() - began_).count();
  event.reason = "asked for request " + of_.id + (reason.empty() ? "" : ": " + reason);
  way_.record(std::move(event));
}

void ScopeQuestion::Fail(const Error& why) {
  if (const auto stream = std::exchange(stream_, nullptr)) {
    stream->Reset(http::ResetReason::kCancel);
    Record(AuditStatus::kFailed, why.message);
  }
  Tell(why);
}

void ScopeQuestion::Tell(const Answer& answer) {
  deadline_.Cancel();
  if (const auto done = std::exchange(done_, nullptr)) done(answer);
}

}  // namespace mk8s::central

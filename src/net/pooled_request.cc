// A request's way through the pool: waiting, dispatched, perhaps refused and dispatched again.
#include <utility>

#include "net/loop.h"
#include "net/pooled_request_internal.h"

namespace mk8s::net {

using http::ResetReason;

namespace {

class PooledStream final : public http::Stream {
 public:
  explicit PooledStream(std::weak_ptr<PooledRequest> request) : request_(std::move(request)) {}
  void SendBody(std::string_view bytes) override {
    if (auto request = request_.lock()) request->SendBody(bytes);
  }
  void SendEnd(const http::Fields& trailers) override {
    if (auto request = request_.lock()) request->SendEnd(trailers);
  }
  void Reset(ResetReason reason) override {
    if (auto request = request_.lock()) request->Reset(reason);
  }
  void Consume(std::size_t bytes) override {
    if (auto request = request_.lock()) request->Consume(bytes);
  }

 private:
  const std::weak_ptr<PooledRequest> request_;
};

}  // namespace

std::shared_ptr<http::Stream> PooledRequest::MakeStream() {
  return std::make_shared<PooledStream>(weak_from_this());
}

PooledRequest::PooledRequest(std::weak_ptr<Owner> owner, const http::RequestHead& head, bool end,
                             std::shared_ptr<http::ResponseEvents> events)
    : owner_(std::move(owner)), head_(head), end_with_head_(end), events_(std::move(events)) {}

void PooledRequest::Dispatch(http::ClientSession& session) {
  inner_ = session.Send(head_, end_with_head_, shared_from_this());
  if (!body_.empty()) {
    body_given_ = true;
    inner_->SendBody(std::exchange(body_, {}));
  }
  if (trailers_) inner_->SendEnd(*trailers_);
}

void PooledRequest::Fail(ResetReason reason) {
  if (std::exchange(over_, true)) return;
  inner_.reset();
  std::string().swap(body_);
  if (auto events = std::exchange(events_, nullptr)) events->OnReset(reason);
}

// --- what the asker does ---

void PooledRequest::SendBody(std::string_view bytes) {
  if (over()) return;
  if (!inner_) {
    body_ += bytes;  // at most kSendQueueBytes: no OnSent comes for these yet
    return;
  }
  body_given_ = body_given_ || !bytes.empty();
  inner_->SendBody(bytes);
}

void PooledRequest::SendEnd(const http::Fields& trailers) {
  if (over()) return;
  if (inner_) return inner_->SendEnd(trailers);
  trailers_ = trailers;
}

void PooledRequest::Reset(ResetReason reason) {
  if (over()) return;
  tried_again_ = true;
  if (inner_) return inner_->Reset(reason);
  reset_ = true;  // a connection may come up before the asker is told
  // Nobody else will tell: from a later turn, as a session would.
  if (Loop* loop = Loop::Current()) {
    loop->Post([self = shared_from_this(), reason] { self->Fail(reason); });
  }
}

void PooledRequest::Consume(std::size_t bytes) {
  if (inner_) inner_->Consume(bytes);
}

// --- what the session tells ---

void PooledRequest::OnHead(http::ResponseHead head, bool end) {
  answered_ = true;
  if (!events_) return;
  const auto events = events_;
  if (end) Ended();
  events->OnHead(std::move(head), end);
}

void PooledRequest::OnBody(std::string_view bytes) {
  if (events_) events_->OnBody(bytes);
}

void PooledRequest::OnEnd(const http::Fields& trailers) {
  if (!events_) return;
  const auto events = events_;
  Ended();
  events->OnEnd(trailers);
}

void PooledRequest::OnReset(ResetReason reason) {
  if (over_) return;
  const bool untouched = reason == ResetReason::kRefused && !answered_ && !body_given_;
  if (untouched && !std::exchange(tried_again_, true)) {
    if (auto owner = owner_.lock()) {
      inner_.reset();
      return owner->Refused(shared_from_this());
    }
  }
  Ended();
  Fail(reason);
}

void PooledRequest::OnSent(std::size_t bytes) {
  if (events_) events_->OnSent(bytes);
}

void PooledRequest::Ended() {
  if (auto owner = owner_.lock()) owner->Ended();
}

}  // namespace mk8s::net

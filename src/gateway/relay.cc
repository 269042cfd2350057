// See relay.h.
#include "gateway/relay.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/limits.h"

namespace mk8s::gateway {
namespace {

using http::ResetReason;

Error UpstreamError(ResetReason reason) {
  const std::string detail = "upstream reset: " + std::string(Name(reason));
  switch (reason) {
    case ResetReason::kRefused:
      return MakeError(ErrorCode::kUnavailable,
                       "The cluster's connection did not take the request. Try again.", detail);
    case ResetReason::kConnectionLost:
      return MakeError(ErrorCode::kUnavailable,
                       "The connection to the cluster was lost before it answered. Whether the "
                       "request took effect is not known.",
                       detail);
    case ResetReason::kEnhanceYourCalm:
      return MakeError(ErrorCode::kResourceExhausted,
                       "The cluster's connection is at its limit. Try again later.", detail);
    default:
      return MakeError(ErrorCode::kBadGateway, "The cluster broke off before it answered.", detail);
  }
}

class RelayExchange;

// The two events objects keep the relay alive.  Each call holds it on the stack too: what it does
// may make the session let go of the events.
class DownstreamEvents : public http::StreamEvents {
 public:
  explicit DownstreamEvents(std::shared_ptr<RelayExchange> relay) : relay_(std::move(relay)) {}
  void OnBody(std::string_view bytes) override;
  void OnEnd(const http::Fields& trailers) override;
  void OnReset(ResetReason reason) override;
  void OnSent(std::size_t bytes) override;

 private:
  std::shared_ptr<RelayExchange> relay_;
};

class UpstreamEvents : public http::ResponseEvents {
 public:
  explicit UpstreamEvents(std::shared_ptr<RelayExchange> relay) : relay_(std::move(relay)) {}
  void OnHead(http::ResponseHead head, bool end) override;
  void OnBody(std::string_view bytes) override;
  void OnEnd(const http::Fields& trailers) override;
  void OnReset(ResetReason reason) override;
  void OnSent(std::size_t bytes) override;

 private:
  std::shared_ptr<RelayExchange> relay_;
};

// Its own states: waiting (before Start), relaying, done.  Done, it only drops what the client
// still sends.
class RelayExchange : public Relay, public std::enable_shared_from_this<RelayExchange> {
 public:
  RelayExchange(std::shared_ptr<http::ResponseStream> downstream, bool request_end,
                RelayHooks hooks, std::shared_ptr<RelayObserver> observer)
      : hooks_(std::move(hooks)),
        observer_(std::move(observer)),
        downstream_(std::move(downstream)),
        request_ended_(request_end) {}
  ~RelayExchange() override {
    if (!done_) Finish(RelayEnd::kClientGone, "the exchange was dropped");
  }

  std::shared_ptr<http::StreamEvents> downstream_events() override {
    return std::make_shared<DownstreamEvents>(shared_from_this());
  }
  void Start(http::ClientSession& upstream, const http::RequestHead& head) override;
  void Cut(const Error& why) override;
  bool done() const override { return done_; }
  RelayWait waits_for() const override;
  std::uint64_t moved_bytes() const override { return outcome_.bytes_in + outcome_.bytes_out; }

  void ClientBody(std::string_view bytes);
  void ClientEnd();
  void ClientReset(ResetReason reason);
  void ClientTook(std::size_t bytes);

  void ClusterHead(http::ResponseHead head, bool end);
  void ClusterBody(std::string_view bytes);
  void ClusterEnd(const http::Fields& trailers);
  void ClusterReset(ResetReason reason);
  void ClusterTook(std::size_t bytes);

 private:
  void SendHead(bool end);
  void SendFiltered(const Result<void>& filtered, std::string bytes);
  void TakeFromCluster();
  void AnswerError(const Error& error);
  void DropFromClient(std::size_t bytes);
  void FinishIfWhole();
  void Finish(RelayEnd end, std::string reason);

  RelayHooks hooks_;
  std::shared_ptr<RelayObserver> observer_;
  std::shared_ptr<http::ResponseStream> downstream_;
  std::shared_ptr<http::Stream> upstream_;
  std::string waiting_;               // of the request's body, before Start
  std::size_t to_cluster_bytes_ = 0;  // given to upstream, not yet sent: not consumed downstream
  std::size_t to_client_bytes_ = 0;   // the other way
  std::unique_ptr<BodyFilter> filter_;
  std::optional<http::ResponseHead> held_head_;  // until the filter gives its first byte
  std::size_t filtered_bytes_ = 0;               // given to the filter, not yet consumed upstream
  std::size_t dropped_bytes_ = 0;  // came from the client when nobody wanted it any more
  RelayOutcome outcome_;
  bool started_ = false;
  bool request_ended_ = false;
  bool response_begun_ = false;
  bool response_ended_ = false;
  bool upgraded_ = false;
  bool done_ = false;
};

void RelayExchange::Start(http::ClientSession& upstream, const http::RequestHead& head) {
  if (done_ || started_) return;
  started_ = true;
  const bool bodiless = request_ended_ && waiting_.empty();
  upstream_ = upstream.Send(head, bodiless, std::make_shared<UpstreamEvents>(shared_from_this()));
  if (bodiless) return;
  if (!waiting_.empty()) {
    to_cluster_bytes_ = waiting_.size();
    upstream_->SendBody(std::exchange(waiting_, {}));
  }
  if (request_ended_) upstream_->SendEnd();
}

void RelayExchange::Cut(const Error& why) {
  if (done_) return;
  const auto self = shared_from_this();
  if (upstream_) upstream_->Reset(ResetReason::kCancel);
  if (!response_begun_) {
    AnswerError(why);
    return;
  }
  downstream_->Reset(ResetReason::kCancel);
  Finish(RelayEnd::kCut, why.message);
}

RelayWait RelayExchange::waits_for() const {
  if (done_ || to_cluster_bytes_ + to_client_bytes_ > 0) return RelayWait::kNone;
  if (upgraded_) {
    return request_ended_ != response_ended_ ? RelayWait::kOtherEnd : RelayWait::kNone;
  }
  return request_ended_ ? RelayWait::kNone : RelayWait::kBody;
}

void RelayExchange::ClientBody(std::string_view bytes) {
  if (done_) return DropFromClient(bytes.size());
  outcome_.bytes_in += bytes.size();
  if (!started_) {
    waiting_ += bytes;
  } else if (!upstream_) {
    DropFromClient(bytes.size());
  } else {
    to_cluster_bytes_ += bytes.size();
    upstream_->SendBody(bytes);
  }
}

void RelayExchange::ClientEnd() {
  request_ended_ = true;
  if (done_) {
    downstream_.reset();
    return;
  }
  if (upstream_) upstream_->SendEnd();
  FinishIfWhole();
}

void RelayExchange::ClientReset(ResetReason reason) {
  downstream_.reset();
  if (done_) return;
  if (upstream_) upstream_->Reset(ResetReason::kCancel);
  Finish(RelayEnd::kClientGone, "the client left: " + std::string(Name(reason)));
}

void RelayExchange::ClientTook(std::size_t bytes) {
  if (done_) return;
  outcome_.bytes_out += bytes;
  to_client_bytes_ -= std::min(bytes, to_client_bytes_);
  if (filter_) {
    TakeFromCluster();
  } else if (upstream_) {
    upstream_->Consume(bytes);
  }
  FinishIfWhole();
}

void RelayExchange::ClusterHead(http::ResponseHead head, bool end) {
  if (done_) return;
  const bool switched = head.status == 101;
  if (hooks_.map_head) {
    auto mapped = hooks_.map_head(std::move(head));
    if (!mapped) {
      upstream_->Reset(ResetReason::kCancel);
      AnswerError(mapped.error());
      return;
    }
    head = std::move(*mapped);
  }
  upgraded_ = switched || head.status == 101;
  if (hooks_.filter_body && !end && !upgraded_) filter_ = hooks_.filter_body(head);
  held_head_ = std::move(head);
  if (filter_ && !filter_->SendsHeadAtOnce()) return;
  SendHead(end);
  if (!end) return;
  response_ended_ = true;
  FinishIfWhole();
}

void RelayExchange::SendHead(bool end) {
  const http::ResponseHead head = *std::exchange(held_head_, std::nullopt);
  response_begun_ = true;
  outcome_.status = head.status;
  downstream_->SendHead(head, end);
  if (observer_) observer_->OnResponseHead(head.status);
}

void RelayExchange::ClusterBody(std::string_view bytes) {
  if (done_) {
    if (upstream_) upstream_->Consume(bytes.size());
    return;
  }
  if (filter_) {
    filtered_bytes_ += bytes.size();
    std::string out;
    const Result<void> filtered = filter_->Write(bytes, out);
    return SendFiltered(filtered, std::move(out));
  }
  to_client_bytes_ += bytes.size();
  downstream_->SendBody(bytes);
}

void RelayExchange::SendFiltered(const Result<void>& filtered, std::string bytes) {
  if (!filtered) return Cut(filtered.error());
  if (!bytes.empty()) {
    if (held_head_) SendHead(false);
    to_client_bytes_ += bytes.size();
    downstream_->SendBody(bytes);
  }
  TakeFromCluster();
}

// The filter's output has another length than its input, so the cluster is asked for more when
// little of the output waits: what waits is at most that, one window and what the filter held back.
void RelayExchange::TakeFromCluster() {
  if (to_client_bytes_ > limits::kFilteredBytesLow) return;
  const std::size_t bytes = std::exchange(filtered_bytes_, 0);
  if (upstream_ && bytes > 0) upstream_->Consume(bytes);
}

void RelayExchange::ClusterEnd(const http::Fields& trailers) {
  if (done_) return;
  if (filter_) {
    std::string rest;
    const Result<void> finished = filter_->Finish(rest);
    SendFiltered(finished, std::move(rest));
    if (done_) return;
    if (held_head_) SendHead(false);
  }
  response_ended_ = true;
  downstream_->SendEnd(hooks_.map_trailers ? hooks_.map_trailers(trailers) : http::Fields());
  FinishIfWhole();
}

void RelayExchange::ClusterReset(ResetReason reason) {
  upstream_.reset();
  if (done_) return;
  if (!response_begun_) {
    AnswerError(UpstreamError(reason));
    return;
  }
  if (!response_ended_) {
    downstream_->Reset(ResetReason::kInternal);
    Finish(RelayEnd::kUpstreamBroken, "the cluster broke off: " + std::string(Name(reason)));
    return;
  }
  // The response is whole; only what the client still sends has nowhere to go.
  upgraded_ = false;
  DropFromClient(std::exchange(to_cluster_bytes_, 0));
  FinishIfWhole();
}

void RelayExchange::ClusterTook(std::size_t bytes) {
  if (done_) return;
  to_cluster_bytes_ -= std::min(bytes, to_cluster_bytes_);
  downstream_->Consume(bytes);
}

// Instead of a response.
void RelayExchange::AnswerError(const Error& error) {
  Answer answer = hooks_.answer_error(error);
  answer.head.fields.Set("content-length", std::to_string(answer.body.size()));
  response_begun_ = true;
  outcome_.status = answer.head.status;
  outcome_.bytes_out = answer.body.size();
  downstream_->SendHead(answer.head, answer.body.empty());
  if (!answer.body.empty()) {
    downstream_->SendBody(answer.body);
    downstream_->SendEnd();
  }
  if (observer_) observer_->OnResponseHead(answer.head.status);
  Finish(RelayEnd::kAnswered,
         error.detail.empty() ? error.message : error.message + " (" + error.detail + ")");
}

// A client that goes on sending behind its answer is read for a while, so that it gets to reading
// the answer.
void RelayExchange::DropFromClient(std::size_t bytes) {
  if (!downstream_) return;
  dropped_bytes_ += bytes;
  downstream_->Consume(bytes);
  if (dropped_bytes_ <= limits::kDiscardedBodyBytesMax) return;
  std::exchange(downstream_, nullptr)->Reset(ResetReason::kNoError);
}

// A plain exchange is over with its response, an upgraded one with both directions.
void RelayExchange::FinishIfWhole() {
  if (done_ || !response_ended_ || to_client_bytes_ > 0) return;
  if (upgraded_ && !request_ended_) return;
  if (upstream_ && !request_ended_) upstream_->Reset(ResetReason::kNoError);
  Finish(RelayEnd::kComplete, {});
}

void RelayExchange::Finish(RelayEnd end, std::string reason) {
  done_ = true;
  upstream_.reset();
  outcome_.end = end;
  outcome_.reason = std::move(reason);
  const std::size_t unwanted = std::exchange(waiting_, {}).size() + to_cluster_bytes_;
  if (unwanted > 0) DropFromClient(unwanted);
  if (request_ended_ || end == RelayEnd::kCut || end == RelayEnd::kUpstreamBroken) {
    downstream_.reset();
  }
  if (const auto observer = std::exchange(observer_, nullptr)) observer->OnDone(outcome_);
}

void DownstreamEvents::OnBody(std::string_view bytes) {
  const auto relay = relay_;
  relay->ClientBody(bytes);
}
void DownstreamEvents::OnEnd(const http::Fields&) {
  const auto relay = relay_;
  relay->ClientEnd();
}
void DownstreamEvents::OnReset(ResetReason reason) {
  const auto relay = relay_;
  relay->ClientReset(reason);
}
void DownstreamEvents::OnSent(std::size_t bytes) {
  const auto relay = relay_;
  relay->ClientTook(bytes);
}

void UpstreamEvents::OnHead(http::ResponseHead head, bool end) {
  const auto relay = relay_;
  relay->ClusterHead(std::move(head), end);
}
void UpstreamEvents::OnBody(std::string_view bytes) {
  const auto relay = relay_;
  relay->ClusterBody(bytes);
}
void UpstreamEvents::OnEnd(const http::Fields& trailers) {
  const auto relay = relay_;
  relay->ClusterEnd(trailers);
}
void UpstreamEvents::OnReset(ResetReason reason) {
  const auto relay = relay_;
  relay->ClusterReset(reason);
}
void UpstreamEvents::OnSent(std::size_t bytes) {
  const auto relay = relay_;
  relay->ClusterTook(bytes);
}

}  // namespace

std::string_view Name(RelayEnd end) {
  switch (end) {
    case RelayEnd::kComplete:
      return "complete";
    case RelayEnd::kClientGone:
      return "client_gone";
    case RelayEnd::kAnswered:
      return "answered";
    case RelayEnd::kUpstreamBroken:
      return "upstream_broken";
    case RelayEnd::kCut:
      return "cut";
  }
  return "complete";
}

std::shared_ptr<Relay> Relay::Make(std::shared_ptr<http::ResponseStream> downstream,
                                   bool request_end, RelayHooks hooks,
                                   std::shared_ptr<RelayObserver> observer) {
  return std::make_shared<RelayExchange>(std::move(downstream), request_end, std::move(hooks),
                                         std::move(observer));
}

}  // namespace mk8s::gateway

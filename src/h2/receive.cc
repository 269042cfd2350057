// What arrives on streams, from nghttp2's callbacks to the handlers' events.  See engine.h.
#include <nghttp2/nghttp2.h>

#include <utility>

#include "h2/engine.h"
#include "h2/reset_codes.h"

namespace mk8s::h2 {

Exchange* Engine::Find(std::int32_t stream_id) const {
  return static_cast<Exchange*>(nghttp2_session_get_stream_user_data(session_, stream_id));
}

void Engine::Open(std::shared_ptr<Exchange> exchange) {
  exchange->slot_ = open_.size();
  open_.push_back(std::move(exchange));
}

std::shared_ptr<Exchange> Engine::Detach(Exchange& exchange) {
  Forfeit(exchange);
  if (unheaded_ == &exchange) unheaded_ = nullptr;
  exchange.engine_ = nullptr;
  std::swap(open_[exchange.slot_], open_.back());
  open_[exchange.slot_]->slot_ = exchange.slot_;
  auto detached = std::move(open_.back());
  open_.pop_back();
  return detached;
}

void Engine::OpenIncoming(std::int32_t stream_id) {
  auto exchange = std::make_shared<Exchange>(*this, stream_id);
  nghttp2_session_set_stream_user_data(session_, stream_id, exchange.get());
  // Streams of one urgency take turns (RFC 9218 section 4.2) unless the client says otherwise.
  const nghttp2_extpri turns{.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1};
  nghttp2_session_change_extpri_stream_priority(session_, stream_id, &turns, 0);
  unheaded_ = exchange.get();
  Open(std::move(exchange));
}

void Engine::OnHead(Exchange& exchange, bool end) {
  if (!exchange.head_received_) {
    handler_ != nullptr ? OnRequestHead(exchange, end) : OnResponseHead(exchange, end);
    return;
  }
  if (incoming_block_.too_large()) {
    return Abort(exchange, http::ResetReason::kEnhanceYourCalm);
  }
  OnRemoteEnd(exchange, incoming_block_.TakeTrailers());
}

void Engine::OnRequestHead(Exchange& exchange, bool end) {
  unheaded_ = nullptr;
  exchange.head_received_ = true;
  exchange.remote_ended_ = end;
  if (incoming_block_.target_too_long()) return Answer(exchange, 414, end);
  if (incoming_block_.too_large()) return Answer(exchange, 431, end);
  if (incoming_block_.authority_conflicts()) {
    return Abort(exchange, http::ResetReason::kProtocolError);
  }
  exchange.expects_continue_ = incoming_block_.expects_continue();
  http::RequestHead head = incoming_block_.TakeRequest();
  exchange.upgrade_ = !head.protocol.empty();
  // A plain CONNECT asks for a way through to anywhere; there is none here.
  if (head.target.empty()) return Answer(exchange, 405, end);
  exchange.events_ = handler_->OnRequest(std::move(head), end, open_[exchange.slot_]);
}

void Engine::Answer(Exchange& exchange, int status, bool end) {
  http::ResponseHead head{.status = status};
  head.fields.Add("content-length", "0");
  exchange.SendHead(head, true);
  if (!end) exchange.Reset(http::ResetReason::kNoError);
}

void Engine::OnResponseHead(Exchange& exchange, bool end) {
  const int status = incoming_block_.status();
  if (status / 100 == 1) return;  // 100, 103: another head follows
  exchange.head_received_ = true;
  exchange.remote_ended_ = end;
  if (incoming_block_.too_large()) return Abort(exchange, http::ResetReason::kEnhanceYourCalm);
  if (status < 100) return Abort(exchange, http::ResetReason::kProtocolError);
  if (!exchange.muted()) exchange.response_events_->OnHead(incoming_block_.TakeResponse(), end);
}

// The peer's fault; the handler hears of it by OnReset.
void Engine::Abort(Exchange& exchange, http::ResetReason reason) {
  exchange.Reset(reason);
  SpendHousekeeping();
}

void Engine::OnData(Exchange* exchange, std::string_view bytes) {
  if (exchange == nullptr || exchange->muted()) return GiveConnectionCredit(bytes.size());
  exchange->unconsumed_bytes_ += bytes.size();
  GiveConnectionCredit(credit_.Received(bytes.size()));
  exchange->events_->OnBody(bytes);
}

void Engine::OnRemoteEnd(Exchange& exchange, const http::Fields& trailers) {
  exchange.remote_ended_ = true;
  if (!exchange.muted()) exchange.events_->OnEnd(trailers);
}

void Engine::OnClosed(Exchange& exchange, std::uint32_t error_code) {
  const auto detached = Detach(exchange);
  detached->queue_.Clear();
  const auto events = std::move(detached->events_);
  if (events == nullptr) return;
  const bool complete = detached->remote_ended_ && detached->end_sent_ && !detached->reset_;
  if (!complete) events->OnReset(detached->reset_.value_or(FromErrorCode(error_code)));
}

void Engine::GiveConnectionCredit(std::size_t bytes) {
  if (bytes > 0) nghttp2_session_consume_connection(session_, bytes);
}

void Engine::Consumed(Exchange& exchange, std::size_t bytes) {
  exchange.consumed_lately_ = true;
  GiveConnectionCredit(credit_.Consumed(bytes));
  if (!exchange.remote_ended_) nghttp2_session_consume_stream(session_, exchange.id_, bytes);
  if (!woken_ && nghttp2_session_want_write(session_) != 0) Wake();
}

// While the connection holds all that it may, its credit waits for its readers; one that stands
// still would make everyone wait.
void Engine::ResetStalledReaders() {
  if (credit_.unconsumed() <= options_.connection_unconsumed_bytes_max) {
    full_since_.reset();
    return;
  }
  const MonotonicTime now = options_.clock->Monotonic();
  const bool due = full_since_ && now - *full_since_ >= limits::kStalledReader;
  if (full_since_ && !due) return;
  full_since_ = now;
  for (const auto& exchange : open_) {
    const bool stalled = exchange->unconsumed_bytes_ > 0 && !exchange->consumed_lately_;
    if (due && stalled) exchange->Reset(http::ResetReason::kEnhanceYourCalm);
    exchange->consumed_lately_ = false;
  }
}

void Engine::Forfeit(Exchange& exchange) {
  GiveConnectionCredit(credit_.Consumed(std::exchange(exchange.unconsumed_bytes_, 0)));
}

}  // namespace mk8s::h2

// See exchange.h.  Each call hands its effect to nghttp2, which queues it until the next Produce;
// no call runs a callback.
#include "h2/exchange.h"

#include <algorithm>

#include "h2/engine.h"

namespace mk8s::h2 {

void Exchange::SendHead(const http::ResponseHead& head, bool end) {
  if (engine_ == nullptr || reset_ || head_submitted_) return;
  head_submitted_ = true;
  if (end) ending_ = true;
  engine_->SubmitResponse(*this, head, end);
}

void Exchange::SendContinue() {
  if (engine_ == nullptr || reset_ || head_submitted_ || !expects_continue_) return;
  expects_continue_ = false;
  engine_->SubmitContinue(*this);
}

void Exchange::SendBody(std::string_view bytes) {
  if (engine_ == nullptr || reset_ || ending_ || bytes.empty()) return;
  queue_.Append(bytes);
  ResumeSending();
}

void Exchange::SendEnd(const http::Fields& trailers) {
  if (engine_ == nullptr || reset_ || ending_) return;
  ending_ = true;
  if (!trailers.empty()) trailers_ = trailers;
  ResumeSending();
}

void Exchange::ResumeSending() {
  if (!sending_deferred_) return;
  sending_deferred_ = false;
  engine_->ResumeData(*this);
}

void Exchange::Reset(http::ResetReason reason) {
  if (engine_ == nullptr || reset_ || (end_sent_ && remote_ended_)) return;
  reset_ = reason;
  engine_->Forfeit(*this);
  // What was ended in order leaves first; the engine resets when END_STREAM left.
  if (reason == http::ResetReason::kNoError && ending_ && !end_sent_) return;
  queue_.Clear();
  engine_->SubmitReset(*this, reason);
}

void Exchange::Consume(std::size_t bytes) {
  if (engine_ == nullptr || reset_) return;
  bytes = std::min(bytes, unconsumed_bytes_);
  if (bytes == 0) return;
  unconsumed_bytes_ -= bytes;
  engine_->Consumed(*this, bytes);
}

}  // namespace mk8s::h2

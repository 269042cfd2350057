// See body_sender.h.
#include "central/body_sender.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace mk8s::central {

void BodySender::Send(std::string_view bytes) {
  if (waiting_from_ > waiting_.size() / 2) {  // each byte moves once at most
    waiting_.erase(0, std::exchange(waiting_from_, 0));
  }
  waiting_ += bytes;
  SendMore();
}

void BodySender::End() {
  ending_ = true;
  SendMore();
}

void BodySender::OnSent(std::size_t bytes) {
  in_flight_bytes_ -= std::min(bytes, in_flight_bytes_);
  SendMore();
}

void BodySender::SendMore() {
  if (!stream_) return;
  const std::size_t room =
      limits::kSendQueueBytes - std::min(in_flight_bytes_, limits::kSendQueueBytes);
  const std::string_view next = std::string_view(waiting_).substr(waiting_from_, room);
  if (!next.empty()) {
    in_flight_bytes_ += next.size();
    waiting_from_ += next.size();
    stream_->SendBody(next);
  }
  if (waiting_from_ < waiting_.size()) return;
  waiting_.clear();
  waiting_from_ = 0;
  if (ending_) std::exchange(stream_, nullptr)->SendEnd();
}

}  // namespace mk8s::central

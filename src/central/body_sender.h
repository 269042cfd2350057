// Gives a response's body to its stream in pieces, so that no more than limits::kSendQueueBytes
// wait in the stream however large the body is.  The stream's loop.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/stream.h"

namespace mk8s::central {

class BodySender {
 public:
  /// The head must have been sent before the first Send.
  explicit BodySender(std::shared_ptr<http::ResponseStream> stream) : stream_(std::move(stream)) {}

  void Send(std::string_view bytes);
  /// Once all that was given is sent, our direction ends.
  void End();
  /// As the stream says.
  void OnSent(std::size_t bytes);
  /// The stream broke: nothing is sent any more.
  void Drop() { stream_ = nullptr; }

  /// Given to Send and not yet left for the transport.
  std::size_t unsent_bytes() const { return waiting_.size() - waiting_from_ + in_flight_bytes_; }

 private:
  void SendMore();

  std::shared_ptr<http::ResponseStream> stream_;
  std::string waiting_;
  std::size_t waiting_from_ = 0;
  std::size_t in_flight_bytes_ = 0;  // given to the stream, not yet sent
  bool ending_ = false;
};

}  // namespace mk8s::central

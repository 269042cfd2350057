// What a handler or an asker holds of an exchange.  It outlives the exchange and the session, and
// then does nothing.
#pragma once

#include <string_view>

#include "http/stream.h"

namespace mk8s::h1 {

/// `Session` has the calls of http::Stream.
template <typename Session, typename Interface>
class BoundStream : public Interface {
 public:
  explicit BoundStream(Session* session) : session_(session) {}
  /// The exchange is over.
  void Detach() { session_ = nullptr; }

  void SendBody(std::string_view bytes) override {
    if (session_) session_->SendBody(bytes);
  }
  void SendEnd(const http::Fields& trailers) override {
    if (session_) session_->SendEnd(trailers);
  }
  void Reset(http::ResetReason reason) override {
    if (session_) session_->Reset(reason);
  }
  void Consume(std::size_t bytes) override {
    if (session_) session_->Consume(bytes);
  }

 protected:
  Session* session_;
};

}  // namespace mk8s::h1

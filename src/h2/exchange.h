// One HTTP/2 stream as handlers see it (http::Stream), of either role, with what the engine keeps
// for it.  Found through nghttp2's stream user data.  The engine owns it while the stream is open;
// afterwards it is detached, and calls on it do nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "h2/send_queue.h"
#include "http/stream.h"

namespace mk8s::h2 {

class Engine;

class Exchange final : public http::ResponseStream {
 public:
  Exchange(Engine& engine, std::int32_t id) : engine_(&engine), id_(id) {}

  void SendHead(const http::ResponseHead& head, bool end) override;
  void SendContinue() override;
  void SendBody(std::string_view bytes) override;
  void SendEnd(const http::Fields& trailers) override;
  void Reset(http::ResetReason reason) override;
  void Consume(std::size_t bytes) override;

 private:
  friend class Engine;

  /// Nothing that happens to it is told to the handler any more, its end apart.
  bool muted() const { return reset_.has_value() || events_ == nullptr; }
  void ResumeSending();

  Engine* engine_;  // null once detached
  std::int32_t id_;
  std::size_t slot_ = 0;  // in the engine's list of open streams
  std::shared_ptr<http::StreamEvents> events_;
  http::ResponseEvents* response_events_ = nullptr;  // the same object, where we asked

  SendQueue queue_;
  std::optional<http::Fields> trailers_;
  std::size_t unconsumed_bytes_ = 0;  // given to OnBody, not yet to Consume
  bool consumed_lately_ = false;      // since the engine last looked for stalled readers

  std::optional<http::ResetReason> reset_;  // our own
  bool head_submitted_ = false;             // ours, to nghttp2
  bool head_sent_ = false;                  // ours, to the transport
  bool head_received_ = false;              // the peer's final one
  bool expects_continue_ = false;
  bool upgrade_ = false;           // an extended CONNECT: its directions end one by one
  bool sending_deferred_ = false;  // nghttp2 asked for a body and was told to wait
  bool ending_ = false;            // nothing is added to the queue any more
  bool end_sent_ = false;          // END_STREAM left
  bool remote_ended_ = false;      // END_STREAM came
};

}  // namespace mk8s::h2

// What the two HTTP/2 fuzzers share: handlers that do something different with every stream, and
// the rules that must hold whatever the peer sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "h2/session.h"

namespace mk8s::h2 {

inline void Require(bool condition) {
  if (!condition) std::abort();
}

/// Checks the order of events (http/stream.h) and acts on some of them, as `plan` says.
class FuzzedEvents : public http::ResponseEvents {
 public:
  FuzzedEvents(std::uint8_t plan, bool head_due) : plan_(plan), head_due_(head_due) {}

  void OnHead(http::ResponseHead head, bool end) override {
    Require(head_due_ && !over_ && head.status >= 200 && head.status <= 999);
    head_due_ = false;
    ended_ = end;
  }
  void OnBody(std::string_view bytes) override {
    Require(!head_due_ && !ended_ && !over_ && !bytes.empty());
    if (plan_ & 1) stream->Consume(bytes.size());
    if (plan_ & 2) stream->SendBody(bytes);
    if ((plan_ & 12) == 12) Reset(http::ResetReason::kCancel);
  }
  void OnEnd(const http::Fields& trailers) override {
    Require(!head_due_ && !ended_ && !over_);
    ended_ = true;
    if (plan_ & 16) stream->SendEnd(trailers);
  }
  void OnReset(http::ResetReason) override {
    Require(!reset_heard_);
    reset_heard_ = over_ = true;
    stream->SendBody("nothing happens");
  }
  void OnSent(std::size_t bytes) override { Require(!over_ && bytes > 0); }

  void Reset(http::ResetReason reason) {
    over_ = true;
    stream->Reset(reason);
  }
  void set_ended(bool ended) { ended_ = ended; }

  std::shared_ptr<http::Stream> stream;

 private:
  const std::uint8_t plan_;
  bool head_due_;
  bool ended_ = false;
  bool over_ = false;  // nothing but OnReset may come
  bool reset_heard_ = false;
};

/// Feeds `input` in pieces, taking output in between; then ends the connection.
inline void Drive(Session& session, std::string_view input, std::size_t piece_bytes) {
  log::SetLevel(log::Level::kError);
  std::string out;
  while (!input.empty() && !session.Finished()) {
    const std::string piece(input.substr(0, piece_bytes));
    input.remove_prefix(piece.size());
    const bool alive = session.Receive(piece).has_value();
    out.clear();
    session.Produce(out, limits::kFlushBytes);
    Require(out.size() <= limits::kFlushBytes + limits::kFrameBytesMax + 1024);
    if (!alive) break;
  }
  session.ConnectionLost();
  Require(session.OpenStreams() == 0);
}

}  // namespace mk8s::h2

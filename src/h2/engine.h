// The session itself: owns nghttp2's session object and the open streams.  engine.cc holds the
// connection (bytes in and out, PING, GOAWAY), submit.cc what is sent, receive.cc what arrives,
// callbacks.cc the way from nghttp2's C callbacks into those.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "h2/connection_credit.h"
#include "h2/exchange.h"
#include "h2/frame_budget.h"
#include "h2/header_block.h"
#include "h2/session.h"

struct nghttp2_session;

namespace mk8s::h2 {

class Engine final : public Session {
 public:
  /// `handler` null: the client role.
  Engine(http::Handler* handler, const Options& options);
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // http::Session
  Result<void> Receive(std::string_view bytes) override;
  void ReceiveEof() override;
  void Produce(std::string& out, std::size_t out_max) override;
  void ConnectionLost() override;
  bool WantsRead() const override { return true; }
  bool Finished() const override;
  bool WantsHalfClose() const override { return false; }
  void Drain() override;
  // A header section without its end is no request yet: the connection's deadlines count.
  std::size_t OpenStreams() const override { return open_.size() - (unheaded_ != nullptr ? 1 : 0); }
  bool Ping(std::function<void()> on_answer) override;

  // http::ClientSession
  std::shared_ptr<http::Stream> Send(const http::RequestHead& head, bool end,
                                     std::shared_ptr<http::ResponseEvents> events) override;
  bool CanSend() const override;

  // Session
  bool PeerSettingsSeen() const override { return peer_settings_seen_; }
  bool PeerAllowsConnectProtocol() const override;

  // For Exchange.
  void SubmitResponse(Exchange& exchange, const http::ResponseHead& head, bool end);
  void SubmitContinue(Exchange& exchange);
  void SubmitReset(Exchange& exchange, http::ResetReason reason);
  void ResumeData(Exchange& exchange);
  void Consumed(Exchange& exchange, std::size_t bytes);
  /// Takes the stream's unconsumed bytes for consumed, as far as the connection goes.
  void Forfeit(Exchange& exchange);

  // For the callbacks; what happened on the wire, in the order of a stream's life.
  Exchange* Find(std::int32_t stream_id) const;
  void OpenIncoming(std::int32_t stream_id);
  HeaderBlock& incoming_block() { return incoming_block_; }
  void OnHead(Exchange& exchange, bool end);
  void OnData(Exchange* exchange, std::string_view bytes);
  void OnRemoteEnd(Exchange& exchange, const http::Fields& trailers);
  void OnPingAnswer(const std::uint8_t* opaque);
  /// `by` "us" or "peer".
  void OnGoaway(std::string_view by, std::uint32_t error_code, std::string_view debug_data) const;
  void OnPeerSettings() { peer_settings_seen_ = true; }
  void OnSentBody(Exchange& exchange, std::size_t bytes);
  void OnSentHead(Exchange& exchange) { exchange.head_sent_ = true; }
  void OnSentEnd(Exchange& exchange);
  void OnSentReset(const Exchange* exchange);
  void OnHeadNotSent(Exchange& exchange) { exchange.Reset(http::ResetReason::kInternal); }
  void OnClosed(Exchange& exchange, std::uint32_t error_code);
  /// False when the peer has sent too many frames of that sort.
  bool SpendHousekeeping();
  void RememberError(std::string_view what) { last_error_ = what; }

  struct BodyPiece {
    std::size_t bytes = 0;
    bool last = false;      // nothing follows
    bool trailers = false;  // but trailers, which were submitted
    bool wait = false;      // nothing now; ResumeData will follow
  };
  /// What the next DATA frame of up to `bytes_max` can take from the stream's queue.
  BodyPiece NextBody(Exchange& exchange, std::size_t bytes_max);
  /// Appends a DATA frame to the output; false once the output is full.
  bool WriteData(Exchange& exchange, const std::uint8_t* frame_header, std::size_t bytes);

 private:
  void SubmitSettings();
  void OnRequestHead(Exchange& exchange, bool end);
  void OnResponseHead(Exchange& exchange, bool end);
  void Answer(Exchange& exchange, int status, bool end);
  void Abort(Exchange& exchange, http::ResetReason reason);
  void Open(std::shared_ptr<Exchange> exchange);
  std::shared_ptr<Exchange> Detach(Exchange& exchange);
  void DeliverRefused();
  void GiveConnectionCredit(std::size_t bytes);
  void ResetStalledReaders();
  Error Break(int nghttp2_error);
  void Wake();

  const Options options_;
  http::Handler* const handler_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::shared_ptr<Exchange>> open_;
  std::vector<std::shared_ptr<Exchange>> refused_;  // their OnReset is due
  HeaderBlock incoming_block_;
  const Exchange* unheaded_ = nullptr;  // whose request's header section is still coming
  ConnectionCredit credit_;
  FrameBudget budget_;
  std::optional<MonotonicTime> full_since_;  // too much is unconsumed since
  std::function<void()> ping_answer_;
  std::string last_error_;

  std::string* out_ = nullptr;  // of the Produce under way
  std::size_t out_max_ = 0;
  bool woken_ = false;  // a Wakeup is on its way to Produce, or Produce is running
  bool peer_settings_seen_ = false;
  bool draining_ = false;
  bool flooded_ = false;
  bool broken_ = false;  // nothing is received any more
  bool lost_ = false;
};

}  // namespace mk8s::h2

// The serving end of an HTTP/1.1 connection: reads a request, lets the handler answer it, then
// turns to the next.  See session.h for what it promises.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "h1/bound_stream.h"
#include "h1/framing.h"
#include "h1/message_reader.h"
#include "h1/message_writer.h"
#include "h1/refusal.h"
#include "h1/session.h"

namespace mk8s::h1 {
namespace {

using http::ResetReason;

class Server;

class ServerStream : public BoundStream<Server, http::ResponseStream> {
 public:
  using BoundStream::BoundStream;
  void SendHead(const http::ResponseHead& head, bool end) override;
  void SendContinue() override;
};

// An exchange in progress.
struct Exchange {
  std::shared_ptr<ServerStream> stream;
  std::shared_ptr<http::StreamEvents> events;  // null while OnRequest runs
  bool head_request = false;
  bool http10 = false;
  bool keep_alive = false;
  bool upgrade = false;  // was asked for
  std::string protocol;
  bool raw = false;               // and accepted
  bool expects_continue = false;  // and neither got it nor sent its body
  bool received = false;          // all of the request; raw: the client's end
  std::size_t unconsumed = 0;
  std::size_t after_response = 0;  // body bytes received since the response was sent
};

class Server : public ServerSession {
 public:
  Server(http::Handler& handler, const Options& options)
      : handler_(handler), options_(options), reader_(MessageReader::Kind::kRequest, options) {}
  ~Server() override {
    if (exchange_) exchange_->stream->Detach();
  }

  Result<void> Receive(std::string_view bytes) override;
  void ReceiveEof() override;
  void Produce(std::string& out, std::size_t out_max) override;
  void ConnectionLost() override;
  bool WantsRead() const override;
  bool Finished() const override { return closing_ && writer_.empty() && !reset_; }
  bool WantsHalfClose() const override {
    return exchange_ && exchange_->raw && writer_.end_produced() && !exchange_->received;
  }
  void Drain() override;
  // A whole answer whose request still comes keeps nobody waiting: the connection's deadlines
  // count.
  std::size_t OpenStreams() const override {
    return exchange_ && (exchange_->raw || !writer_.end_produced()) ? 1 : 0;
  }
  bool Ping(std::function<void()>) override { return false; }

  // ServerStream's calls.
  void SendHead(http::ResponseHead head, bool end);
  void SendContinue();
  void SendBody(std::string_view bytes);
  void SendEnd(const http::Fields& trailers);
  void Reset(ResetReason reason);
  void Consume(std::size_t bytes);

 private:
  // Takes what it can off the front of `in`.
  Result<void> Pump(std::string_view& in);
  // One piece; false: nothing can be taken now.
  Result<bool> PumpOnce(std::string_view& in);
  Result<bool> PumpRequest(std::string_view& in);
  bool PumpRaw(std::string_view& in);
  void Begin(Request request, bool has_body);
  void TakeBody(std::string_view bytes);
  void PumpWaiting();
  void ResponseSent();
  void EndExchange();
  Error Refuse(Error error);
  void Abort(ResetReason reason);
  void TellReset();
  // What is queued from within Produce leaves with it.
  void WakeToSend() {
    if (!producing_) Wakeup();
  }
  std::size_t Window() const {
    const std::size_t unconsumed = exchange_->unconsumed;
    return unconsumed < options_.window_bytes ? options_.window_bytes - unconsumed : 0;
  }

  http::Handler& handler_;
  const Options options_;
  MessageReader reader_;
  MessageWriter writer_;
  std::optional<Exchange> exchange_;
  // An exchange that the handler reset, to be told so in a later turn.
  std::optional<std::pair<std::shared_ptr<http::StreamEvents>, ResetReason>> reset_;
  std::string waiting_;   // received, not yet parsed
  bool closing_ = false;  // parse no more; flush, then close
  bool draining_ = false;
  bool eof_ = false;
  bool producing_ = false;
};

Result<void> Server::Receive(std::string_view bytes) {
  if (closing_) return {};
  if (waiting_.empty()) {
    auto result = Pump(bytes);
    if (!closing_) waiting_.assign(bytes);
    return result;
  }
  waiting_ += bytes;
  std::string_view in = waiting_;
  auto result = Pump(in);
  waiting_.erase(0, waiting_.size() - in.size());
  return result;
}

Result<void> Server::Pump(std::string_view& in) {
  for (;;) {
    MK8S_ASSIGN_OR_RETURN(const bool more, PumpOnce(in));
    if (!more) return {};
  }
}

Result<bool> Server::PumpOnce(std::string_view& in) {
  if (closing_) {
    in = {};
    return false;
  }
  if (!exchange_ && draining_) return false;
  if (exchange_ && exchange_->raw) return PumpRaw(in);
  if (exchange_ && (exchange_->upgrade || exchange_->received)) return false;
  return PumpRequest(in);
}

Result<bool> Server::PumpRequest(std::string_view& in) {
  const std::size_t room =
      !exchange_ || writer_.end_produced() ? limits::kDiscardedBodyBytesMax : Window();
  if (room == 0) return false;
  auto step = reader_.Next(in, room);
  if (!step) return Refuse(std::move(step).error());
  switch (step->piece) {
    case MessageReader::Piece::kNone:
      return false;
    case MessageReader::Piece::kHead: {
      auto request = InterpretRequest(std::move(reader_.head()), options_);
      if (!request) return Refuse(std::move(request).error());
      Begin(std::move(*request), reader_.has_body());
      return true;
    }
    case MessageReader::Piece::kBody:
      TakeBody(step->body);
      return true;
    case MessageReader::Piece::kEnd: {
      exchange_->received = true;
      const auto events = exchange_->events;  // a handler may let go of itself
      events->OnEnd(reader_.trailers());
      if (exchange_ && writer_.end_produced()) EndExchange();
      return true;
    }
  }
  return false;
}

void Server::Begin(Request request, bool has_body) {
  exchange_.emplace();
  exchange_->stream = std::make_shared<ServerStream>(this);
  exchange_->head_request = request.head.method == "HEAD";
  exchange_->http10 = request.http10;
  exchange_->keep_alive = request.keep_alive;
  exchange_->protocol = request.head.protocol;
  exchange_->upgrade = !exchange_->protocol.empty();
  exchange_->expects_continue = request.expects_continue && has_body;
  exchange_->received = !has_body && !exchange_->upgrade;
  auto events = handler_.OnRequest(std::move(request.head), exchange_->received, exchange_->stream);
  if (exchange_) {
    exchange_->events = std::move(events);
  } else if (reset_) {
    reset_->first = std::move(events);
  }
}

void Server::TakeBody(std::string_view bytes) {
  exchange_->expects_continue = false;
  if (!writer_.end_produced()) {
    exchange_->unconsumed += bytes.size();
    const auto events = exchange_->events;
    events->OnBody(bytes);
    return;
  }
  exchange_->after_response += bytes.size();
  if (exchange_->after_response > limits::kDiscardedBodyBytesMax) Abort(ResetReason::kNoError);
}

bool Server::PumpRaw(std::string_view& in) {
  if (exchange_->received) return false;
  if (in.empty()) {
    if (!eof_) return false;
    exchange_->received = true;
    const auto events = exchange_->events;
    if (writer_.end_produced()) EndExchange();
    events->OnEnd({});
    return false;
  }
  const std::size_t size = std::min(in.size(), Window());
  if (size == 0) return false;
  exchange_->unconsumed += size;
  const std::string_view bytes = in.substr(0, size);
  in.remove_prefix(size);
  const auto events = exchange_->events;
  events->OnBody(bytes);
  return true;
}

void Server::ReceiveEof() {
  eof_ = true;
  if (closing_) return;
  if (exchange_ && exchange_->raw) {
    PumpWaiting();
    return;
  }
  // A half-close cannot be told from a client that has gone, and a watch must end when it goes.
  if (exchange_ && !(exchange_->received && writer_.ended())) {
    Abort(ResetReason::kCancel);
  }
  closing_ = true;
  waiting_.clear();
}

void Server::PumpWaiting() {
  const bool wanted = WantsRead();
  std::string_view in = waiting_;
  if (auto result = Pump(in); !result) in = {};  // answered and closing; nothing more to report
  waiting_.erase(0, waiting_.size() - in.size());
  if (!wanted && WantsRead()) Wakeup();  // the transport looks before it flushes
}

void Server::Produce(std::string& out, std::size_t out_max) {
  producing_ = true;
  TellReset();
  for (;;) {
    PumpWaiting();
    const std::size_t before = out.size();
    const std::size_t sent = writer_.Produce(out, out_max);
    if (sent > 0 && exchange_) {
      const auto events = exchange_->events;
      events->OnSent(sent);
    }
    const bool whole = exchange_ && writer_.end_produced();
    if (whole) ResponseSent();
    const bool next = whole && !exchange_;  // what waits may be the next request
    if ((out.size() == before && sent == 0 && !next) || out.size() >= out_max) break;
  }
  producing_ = false;
  if (!writer_.empty()) Wakeup();
}

void Server::ResponseSent() {
  if (writer_.broke_framing()) {
    Abort(ResetReason::kInternal);
  } else if (exchange_->raw) {
    if (exchange_->received) EndExchange();
  } else if (exchange_->received) {
    EndExchange();
  } else if (!exchange_->keep_alive || exchange_->upgrade || exchange_->expects_continue) {
    Abort(ResetReason::kNoError);
  }  // else the rest of the body is read and dropped
}

void Server::EndExchange() {
  const bool reusable = exchange_->keep_alive && !exchange_->upgrade && !draining_ && !eof_;
  exchange_->stream->Detach();
  exchange_.reset();
  writer_ = MessageWriter();
  reader_.StartNext();
  if (!reusable) closing_ = true;
}

// Ends the exchange from our side or the client's; what is queued of a whole response still goes.
void Server::Abort(ResetReason reason) {
  const auto events = exchange_->events;
  exchange_->stream->Detach();
  exchange_.reset();
  closing_ = true;
  if (!writer_.ended() || writer_.broke_framing()) writer_.Clear();
  if (events) events->OnReset(reason);
}

Error Server::Refuse(Error error) {
  const bool answerable = !writer_.begun();
  if (exchange_) Abort(ResetReason::kProtocolError);
  closing_ = true;
  if (answerable) {
    writer_.Control(WriteRefusal(error));
    Wakeup();
  }
  return error;
}

void Server::ConnectionLost() {
  closing_ = true;
  waiting_.clear();
  writer_.Clear();
  if (exchange_) Abort(ResetReason::kConnectionLost);
  TellReset();
}

void Server::TellReset() {
  if (!reset_) return;
  const auto [events, reason] = *std::exchange(reset_, std::nullopt);
  if (events) events->OnReset(reason);
}

bool Server::WantsRead() const {
  if (closing_ || eof_) return false;
  // What waits is an unfinished head, and the reader bounds that.
  if (!exchange_) return true;
  if (exchange_->received || (exchange_->upgrade && !exchange_->raw)) {
    return waiting_.size() < limits::kPipelinedBytesMax;
  }
  if (Window() > 0) return true;
  return writer_.end_produced() && !exchange_->raw;  // what still comes is dropped
}

void Server::Drain() {
  draining_ = true;
  if (!exchange_) closing_ = true;
  Wakeup();
}

void Server::SendHead(http::ResponseHead head, bool end) {
  Exchange& exchange = *exchange_;
  const bool switches = head.status == 101;
  if (writer_.begun() || (head.status < 200 && !switches)) return;
  if (switches && !exchange.upgrade) return Reset(ResetReason::kInternal);
  if (exchange.upgrade && !switches) exchange.keep_alive = false;
  if (exchange.http10 || draining_ || exchange.expects_continue) exchange.keep_alive = false;
  exchange.raw = switches;
  if (switches && head.protocol.empty()) head.protocol = exchange.protocol;

  writer_.Begin(std::move(head), end,
                {.head_request = exchange.head_request,
                 .http10 = exchange.http10,
                 .keep_alive = exchange.keep_alive});
  WakeToSend();
}

void Server::SendContinue() {
  if (!exchange_->expects_continue || writer_.begun()) return;
  exchange_->expects_continue = false;
  writer_.Control("HTTP/1.1 100 Continue\r\n\r\n");
  WakeToSend();
}

void Server::SendBody(std::string_view bytes) {
  writer_.Body(bytes);
  WakeToSend();
}

void Server::SendEnd(const http::Fields& trailers) {
  writer_.End(trailers);
  WakeToSend();
}

void Server::Reset(ResetReason reason) {
  exchange_->stream->Detach();
  reset_.emplace(exchange_->events, reason);
  exchange_.reset();
  closing_ = true;
  if (!writer_.ended() || writer_.broke_framing()) writer_.Clear();
  Wakeup();
}

void Server::Consume(std::size_t bytes) {
  const bool stalled = Window() == 0;
  exchange_->unconsumed -= std::min(bytes, exchange_->unconsumed);
  if (stalled && Window() > 0) Wakeup();
}

void ServerStream::SendHead(const http::ResponseHead& head, bool end) {
  if (session_) session_->SendHead(head, end);
}
void ServerStream::SendContinue() {
  if (session_) session_->SendContinue();
}

}  // namespace

std::unique_ptr<ServerSession> ServerSession::Make(http::Handler& handler, const Options& options) {
  return std::make_unique<Server>(handler, options);
}

}  // namespace mk8s::h1

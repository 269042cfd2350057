// The asking end of an HTTP/1.1 connection.  See session.h for what it promises.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "h1/bound_stream.h"
#include "h1/framing.h"
#include "h1/message_reader.h"
#include "h1/message_writer.h"
#include "h1/session.h"

namespace mk8s::h1 {
namespace {

using http::ResetReason;

class Client;

using ClientStream = BoundStream<Client, http::Stream>;

// An exchange in progress.
struct Exchange {
  std::shared_ptr<ClientStream> stream;
  std::shared_ptr<http::ResponseEvents> events;
  bool head_request = false;
  bool upgrade = false;   // was asked for
  bool raw = false;       // and accepted
  bool answered = false;  // the final head came
  bool keep_alive = false;
  bool received = false;  // all of the response; raw: the server's end
  int interim = 0;
  std::size_t unconsumed = 0;
};

class Client : public ClientSession {
 public:
  explicit Client(const Options& options)
      : options_(options), reader_(MessageReader::Kind::kResponse, options) {}
  ~Client() override {
    if (exchange_) exchange_->stream->Detach();
  }

  Result<void> Receive(std::string_view bytes) override;
  void ReceiveEof() override;
  void Produce(std::string& out, std::size_t out_max) override;
  void ConnectionLost() override;
  bool WantsRead() const override;
  bool Finished() const override { return closing_ && writer_.empty() && resets_.empty(); }
  bool WantsHalfClose() const override {
    return exchange_ && exchange_->raw && writer_.end_produced() && !exchange_->received;
  }
  void Drain() override;
  std::size_t OpenStreams() const override { return exchange_ ? 1 : 0; }
  bool Ping(std::function<void()>) override { return false; }

  std::shared_ptr<http::Stream> Send(const http::RequestHead& head, bool end,
                                     std::shared_ptr<http::ResponseEvents> events) override;
  bool CanSend() const override { return !closing_ && !draining_ && !eof_ && !exchange_; }

  // ClientStream's calls.
  void SendBody(std::string_view bytes);
  void SendEnd(const http::Fields& trailers);
  void Reset(ResetReason reason);
  void Consume(std::size_t bytes);

 private:
  Result<void> Pump(std::string_view& in);
  // One piece; false: nothing can be taken now.
  Result<bool> PumpOnce(std::string_view& in);
  Result<bool> PumpResponse(std::string_view& in);
  Result<bool> PumpRaw(std::string_view& in);
  Result<bool> TakeHead();
  void PumpWaiting();
  void ResponseEnded();
  void EndExchange();
  Error Broken(std::string what);
  void Abort(ResetReason reason);
  void TellResets();
  // What is queued from within Produce leaves with it.
  void WakeToSend() {
    if (!producing_) Wakeup();
  }
  std::size_t Window() const {
    const std::size_t unconsumed = exchange_->unconsumed;
    return unconsumed < options_.window_bytes ? options_.window_bytes - unconsumed : 0;
  }

  const Options options_;
  MessageReader reader_;
  MessageWriter writer_;
  std::optional<Exchange> exchange_;
  // Refused requests and those that the asker reset, to be told so in a later turn.
  std::vector<std::pair<std::shared_ptr<http::ResponseEvents>, ResetReason>> resets_;
  std::string waiting_;  // received, not yet parsed
  bool closing_ = false;
  bool draining_ = false;
  bool eof_ = false;
  bool producing_ = false;
};

bool IsSendable(const http::RequestHead& head) {
  return IsToken(head.method) && head.method != "CONNECT" && IsOriginForm(head.target) &&
         IsFieldValue(head.authority) && IsFieldValue(head.protocol);
}

std::shared_ptr<http::Stream> Client::Send(const http::RequestHead& head, bool end,
                                           std::shared_ptr<http::ResponseEvents> events) {
  auto stream = std::make_shared<ClientStream>(this);
  if (!CanSend() || !IsSendable(head)) {
    stream->Detach();
    resets_.emplace_back(std::move(events), ResetReason::kRefused);
    Wakeup();
    return stream;
  }
  exchange_.emplace();
  exchange_->stream = stream;
  exchange_->events = std::move(events);
  exchange_->head_request = head.method == "HEAD";
  exchange_->upgrade = !head.protocol.empty();
  reader_.StartNext(exchange_->head_request);

  writer_.Begin(head, end);
  writer_.Hold(exchange_->upgrade);
  Wakeup();
  return stream;
}

Result<void> Client::Receive(std::string_view bytes) {
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

Result<void> Client::Pump(std::string_view& in) {
  for (;;) {
    MK8S_ASSIGN_OR_RETURN(const bool more, PumpOnce(in));
    if (!more) return {};
  }
}

Result<bool> Client::PumpOnce(std::string_view& in) {
  if (closing_) {
    in = {};
    return false;
  }
  if (!exchange_) {
    // A response nobody asked for would be taken for the next request's.
    if (!in.empty()) return Broken("it sent bytes that answer no request");
    if (eof_) closing_ = true;
    return false;
  }
  if (exchange_->raw) return PumpRaw(in);
  if (exchange_->received) return false;
  return PumpResponse(in);
}

Result<bool> Client::PumpResponse(std::string_view& in) {
  const std::size_t room = Window();
  if (room == 0) return false;
  auto step = reader_.Next(in, room);
  if (!step) return Broken(step.error().message);
  switch (step->piece) {
    case MessageReader::Piece::kNone: {
      if (!eof_) return false;
      if (auto whole = reader_.Eof(); !whole) {
        Abort(ResetReason::kConnectionLost);
        return false;
      }
      exchange_->keep_alive = false;
      ResponseEnded();
      return false;
    }
    case MessageReader::Piece::kHead:
      return TakeHead();
    case MessageReader::Piece::kBody: {
      exchange_->unconsumed += step->body.size();
      const auto events = exchange_->events;  // it may let go of itself
      events->OnBody(step->body);
      return true;
    }
    case MessageReader::Piece::kEnd:
      ResponseEnded();
      return true;
  }
  return false;
}

Result<bool> Client::TakeHead() {
  const bool end = !reader_.has_body();
  auto response = InterpretResponse(std::move(reader_.head()));
  if (!response) return Broken(response.error().message);
  const auto events = exchange_->events;
  const int status = response->head.status;
  if (status == 101) {
    if (!exchange_->upgrade) return Broken("it switches protocols unasked");
    exchange_->raw = exchange_->answered = true;
    writer_.Hold(false);
    Wakeup();
    events->OnHead(std::move(response->head), false);
    return true;
  }
  if (status < 200) {
    if (++exchange_->interim > limits::kInterimResponsesMax) {
      return Broken("it sends interim responses without end");
    }
    reader_.StartNext(exchange_->head_request);
    return true;
  }
  exchange_->answered = true;
  exchange_->keep_alive = response->keep_alive && !exchange_->upgrade;
  if (exchange_->upgrade) {
    writer_.DropBody();
    Wakeup();
  }
  events->OnHead(std::move(response->head), end);
  if (!end || !exchange_) return true;
  exchange_->received = true;
  EndExchange();
  return true;
}

// The body has ended; the head did not say so by itself.
void Client::ResponseEnded() {
  exchange_->received = true;
  const auto events = exchange_->events;
  events->OnEnd(reader_.trailers());
  if (exchange_) EndExchange();
}

Result<bool> Client::PumpRaw(std::string_view& in) {
  if (exchange_->received) {
    if (in.empty()) return false;
    return Broken("it sent bytes after its end");
  }
  const auto events = exchange_->events;
  if (in.empty()) {
    if (!eof_) return false;
    exchange_->received = true;
    if (writer_.end_produced()) EndExchange();
    events->OnEnd({});
    return false;
  }
  const std::size_t size = std::min(in.size(), Window());
  if (size == 0) return false;
  exchange_->unconsumed += size;
  const std::string_view bytes = in.substr(0, size);
  in.remove_prefix(size);
  events->OnBody(bytes);
  return true;
}

void Client::ReceiveEof() {
  eof_ = true;
  PumpWaiting();
}

void Client::PumpWaiting() {
  std::string_view in = waiting_;
  if (auto result = Pump(in); !result) in = {};  // told the asker; closing
  waiting_.erase(0, waiting_.size() - in.size());
}

void Client::Produce(std::string& out, std::size_t out_max) {
  producing_ = true;
  TellResets();
  PumpWaiting();
  while (out.size() < out_max) {
    const std::size_t before = out.size();
    const std::size_t sent = writer_.Produce(out, out_max);
    if (sent > 0 && exchange_) {
      const auto events = exchange_->events;
      events->OnSent(sent);
    }
    if (exchange_ && writer_.end_produced()) {
      if (writer_.broke_framing()) {
        Abort(ResetReason::kInternal);
      } else if (exchange_->received) {
        EndExchange();
      }
    }
    if (out.size() == before && sent == 0) break;
  }
  producing_ = false;
  if (!writer_.empty()) Wakeup();
}

// The response is whole, or of an upgraded exchange both directions have ended.
void Client::EndExchange() {
  const auto events = exchange_->events;
  const bool whole = writer_.end_produced();
  const bool reusable = whole && exchange_->keep_alive && !exchange_->raw;
  exchange_->stream->Detach();
  exchange_.reset();
  writer_ = MessageWriter();
  if (!reusable || draining_) closing_ = true;
  if (!whole) events->OnReset(ResetReason::kNoError);
  Wakeup();
}

void Client::Abort(ResetReason reason) {
  const auto events = exchange_->events;
  exchange_->stream->Detach();
  exchange_.reset();
  writer_.Clear();
  closing_ = true;
  Wakeup();
  events->OnReset(reason);
}

Error Client::Broken(std::string what) {
  closing_ = true;
  if (exchange_) Abort(ResetReason::kProtocolError);
  return MakeError(ErrorCode::kBadGateway, "The server broke HTTP/1.1.", std::move(what));
}

void Client::ConnectionLost() {
  closing_ = true;
  waiting_.clear();
  if (exchange_) Abort(ResetReason::kConnectionLost);
  TellResets();
}

void Client::TellResets() {
  for (const auto& [events, reason] : std::exchange(resets_, {})) events->OnReset(reason);
}

bool Client::WantsRead() const {
  if (closing_ || eof_) return false;
  // What waits otherwise is an unfinished head or trailer, and the reader bounds those.
  return !exchange_ || exchange_->received || Window() > 0;
}

void Client::Drain() {
  draining_ = true;
  if (!exchange_) closing_ = true;
  Wakeup();
}

void Client::SendBody(std::string_view bytes) {
  writer_.Body(bytes);
  WakeToSend();
}

void Client::SendEnd(const http::Fields& trailers) {
  writer_.End(trailers);
  WakeToSend();
}

void Client::Reset(ResetReason reason) {
  exchange_->stream->Detach();
  resets_.emplace_back(exchange_->events, reason);
  exchange_.reset();
  writer_.Clear();
  closing_ = true;
  Wakeup();
}

void Client::Consume(std::size_t bytes) {
  const bool stalled = Window() == 0;
  exchange_->unconsumed -= std::min(bytes, exchange_->unconsumed);
  if (stalled && Window() > 0) Wakeup();
}

}  // namespace

std::unique_ptr<ClientSession> ClientSession::Make(const Options& options) {
  return std::make_unique<Client>(options);
}

}  // namespace mk8s::h1

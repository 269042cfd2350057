// What is sent on streams: heads, bodies, trailers, resets, into nghttp2's queues and out of them.
// See engine.h.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "h2/engine.h"
#include "h2/reset_codes.h"

namespace mk8s::h2 {
namespace {

// RFC 9113 section 8.2.2.  Host goes as :authority.
bool MayBeSent(const http::Field& field) {
  const std::string_view name = field.name;
  if (name.empty() || name.front() == ':') return false;
  switch (name.size()) {
    case 2:
      return name != "te" || field.value == "trailers";
    case 4:
      return name != "host";
    case 7:
      return name != "upgrade";
    case 10:
      return name != "connection" && name != "keep-alive";
    case 16:
      return name != "proxy-connection";
    case 17:
      return name != "transfer-encoding";
    default:
      return true;
  }
}

// A header list for nghttp2, which copies the bytes when it is submitted.  The list itself is kept
// from one message to the next.
class HeaderList {
 public:
  HeaderList() { Entries().clear(); }

  void Add(std::string_view name, std::string_view value) {
    Entries().push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                         reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
                         name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  void Add(const http::Fields& fields) {
    for (const http::Field& field : fields) {
      if (MayBeSent(field)) Add(field.name, field.value);
    }
  }
  const nghttp2_nv* data() const { return Entries().data(); }
  std::size_t size() const { return Entries().size(); }

 private:
  static std::vector<nghttp2_nv>& Entries() {
    thread_local std::vector<nghttp2_nv> entries;
    return entries;
  }
};

ssize_t ReadBody(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t bytes_max,
                 std::uint32_t* flags, nghttp2_data_source* source, void* user_data) {
  auto& exchange = *static_cast<Exchange*>(source->ptr);
  const auto piece = static_cast<Engine*>(user_data)->NextBody(exchange, bytes_max);
  if (piece.wait) return NGHTTP2_ERR_DEFERRED;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (piece.last) *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (piece.trailers) *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  return static_cast<ssize_t>(piece.bytes);
}

nghttp2_data_provider BodyOf(Exchange& exchange) {
  nghttp2_data_provider provider;
  provider.source.ptr = &exchange;
  provider.read_callback = ReadBody;
  return provider;
}

}  // namespace

bool Engine::PeerAllowsConnectProtocol() const {
  return peer_settings_seen_ && nghttp2_session_get_remote_settings(
                                    session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

bool Engine::CanSend() const {
  if (handler_ != nullptr || draining_ || broken_ || lost_) return false;
  if (nghttp2_session_check_request_allowed(session_) == 0) return false;
  const std::size_t peer_max =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return open_.size() < std::min<std::size_t>(peer_max, limits::kStreamsPerTunnelConnection);
}

std::shared_ptr<http::Stream> Engine::Send(const http::RequestHead& head, bool end,
                                           std::shared_ptr<http::ResponseEvents> events) {
  auto exchange = std::make_shared<Exchange>(*this, 0);
  exchange->response_events_ = events.get();
  exchange->events_ = std::move(events);
  exchange->head_submitted_ = true;
  exchange->ending_ = end;
  std::int32_t id = -1;
  const bool upgrade = !head.protocol.empty();
  if (CanSend() && (!upgrade || PeerAllowsConnectProtocol())) {
    HeaderList list;
    list.Add(":method", upgrade ? "CONNECT" : std::string_view(head.method));
    list.Add(":scheme", "https");
    if (!head.authority.empty()) list.Add(":authority", head.authority);
    list.Add(":path", head.target);
    if (upgrade) list.Add(":protocol", head.protocol);
    list.Add(head.fields);
    const nghttp2_data_provider body = BodyOf(*exchange);
    id = nghttp2_submit_request(session_, nullptr, list.data(), list.size(), end ? nullptr : &body,
                                exchange.get());
  }
  if (id > 0) {
    exchange->id_ = id;
    Open(exchange);
  } else {
    exchange->reset_ = http::ResetReason::kRefused;
    refused_.push_back(exchange);
  }
  Wake();
  return exchange;
}

void Engine::DeliverRefused() {
  if (refused_.empty()) return;
  for (const auto& exchange : std::exchange(refused_, {})) {
    exchange->engine_ = nullptr;
    std::exchange(exchange->events_, nullptr)->OnReset(http::ResetReason::kRefused);
  }
}

void Engine::SubmitResponse(Exchange& exchange, const http::ResponseHead& head, bool end) {
  if (head.status < 200 || head.status > 999) {
    return exchange.Reset(http::ResetReason::kInternal);  // 101 has no meaning in HTTP/2
  }
  std::array<char, 3> status;
  for (int i = 2, rest = head.status; i >= 0; --i, rest /= 10) {
    status[static_cast<std::size_t>(i)] = static_cast<char>('0' + rest % 10);
  }
  HeaderList list;
  list.Add(":status", {status.data(), status.size()});
  list.Add(head.fields);
  const nghttp2_data_provider body = BodyOf(exchange);
  const int result = nghttp2_submit_response(session_, exchange.id_, list.data(), list.size(),
                                             end ? nullptr : &body);
  if (result != 0) return exchange.Reset(http::ResetReason::kInternal);
  Wake();
}

void Engine::SubmitContinue(Exchange& exchange) {
  HeaderList list;
  list.Add(":status", "100");
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, exchange.id_, nullptr, list.data(),
                         list.size(), nullptr);
  Wake();
}

void Engine::SubmitReset(Exchange& exchange, http::ResetReason reason) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, exchange.id_, ToErrorCode(reason));
  Wake();
}

void Engine::ResumeData(Exchange& exchange) {
  nghttp2_session_resume_data(session_, exchange.id_);
  Wake();
}

Engine::BodyPiece Engine::NextBody(Exchange& exchange, std::size_t bytes_max) {
  BodyPiece piece;
  piece.bytes = std::min(bytes_max, exchange.queue_.size());
  piece.last = exchange.ending_ && piece.bytes == exchange.queue_.size();
  piece.wait = piece.bytes == 0 && !piece.last;
  exchange.sending_deferred_ = piece.wait;
  if (piece.last && exchange.trailers_) {
    HeaderList list;
    list.Add(*exchange.trailers_);
    piece.trailers = list.size() > 0 &&
                     nghttp2_submit_trailer(session_, exchange.id_, list.data(), list.size()) == 0;
  }
  return piece;
}

bool Engine::WriteData(Exchange& exchange, const std::uint8_t* frame_header, std::size_t bytes) {
  constexpr std::size_t kFrameHeaderBytes = 9;
  out_->append(reinterpret_cast<const char*>(frame_header), kFrameHeaderBytes);
  out_->append(exchange.queue_.Front(bytes));
  exchange.queue_.Pop(bytes);
  return out_->size() < out_max_;
}

void Engine::OnSentBody(Exchange& exchange, std::size_t bytes) {
  if (!exchange.muted()) exchange.events_->OnSent(bytes);
}

void Engine::OnSentEnd(Exchange& exchange) {
  exchange.end_sent_ = true;
  if (exchange.remote_ended_) return;
  // Nobody wants the rest of a request that has its whole answer (RFC 9113 section 8.1), and a
  // client that never ends it would keep its stream.
  const bool answered = handler_ != nullptr && !exchange.upgrade_;
  if (exchange.reset_ == http::ResetReason::kNoError || answered) {
    SubmitReset(exchange, http::ResetReason::kNoError);
  }
}

void Engine::OnSentReset(const Exchange* exchange) {
  // Not asked for by a handler: the peer provoked it.
  if (exchange == nullptr || !exchange->reset_) SpendHousekeeping();
}

}  // namespace mk8s::h2

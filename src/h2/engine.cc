// The connection: bytes in and out, PING, GOAWAY, its end.  See engine.h.
#include "h2/engine.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "h2/callbacks.h"
#include "h2/page_allocator.h"

namespace mk8s::h2 {
namespace {

constexpr char kKeepalivePing[] = "mk8slive";
constexpr char kDrainPing[] = "mk8sdone";
constexpr std::size_t kPingBytes = 8;
constexpr std::size_t kDebugDataBytesMax = 200;

const std::uint8_t* Opaque(const char* text) { return reinterpret_cast<const std::uint8_t*>(text); }

using OptionPtr = std::unique_ptr<nghttp2_option, decltype(&nghttp2_option_del)>;

OptionPtr MakeOption(const Options& options) {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) std::abort();  // out of memory
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  // It counts what HPACK could need at most, which is more than the fields themselves.
  nghttp2_option_set_max_send_header_block_length(option, 4 * options.header_bytes_max);
  // FrameBudget is the rule, on a clock that tests can turn; this is nghttp2's own, set no tighter.
  nghttp2_option_set_stream_reset_rate_limit(option, 2 * options.housekeeping_frames_max,
                                             options.housekeeping_frames_max);
  return {option, &nghttp2_option_del};
}

}  // namespace

std::unique_ptr<Session> Session::Server(http::Handler& handler, const Options& options) {
  return std::make_unique<Engine>(&handler, options);
}

std::unique_ptr<Session> Session::Client(const Options& options) {
  return std::make_unique<Engine>(nullptr, options);
}

Engine::Engine(http::Handler* handler, const Options& options)
    : options_(options),
      handler_(handler),
      incoming_block_(options_),
      credit_(options.connection_unconsumed_bytes_max),
      budget_(options.housekeeping_frames_max, *options.clock) {
  const OptionPtr option = MakeOption(options_);
  const int made = handler_ != nullptr
                       ? nghttp2_session_server_new3(&session_, SharedCallbacks(), this,
                                                     option.get(), PageMemory())
                       : nghttp2_session_client_new3(&session_, SharedCallbacks(), this,
                                                     option.get(), PageMemory());
  if (made != 0) std::abort();  // out of memory
  SubmitSettings();
}

Engine::~Engine() {
  for (const auto* exchanges : {&open_, &refused_}) {
    for (const auto& exchange : *exchanges) {
      exchange->engine_ = nullptr;
      exchange->events_.reset();
    }
  }
  nghttp2_session_del(session_);
}

void Engine::SubmitSettings() {
  std::array<nghttp2_settings_entry, 6> entries;
  std::size_t count = 0;
  const auto set = [&](std::int32_t id, std::size_t value) {
    entries[count++] = {id, static_cast<std::uint32_t>(value)};
  };
  set(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options_.stream_window_bytes);
  set(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, limits::kFrameBytesMax);
  set(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options_.header_bytes_max);
  if (handler_ != nullptr) {
    set(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.peer_streams_max);
    set(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, options_.enable_connect_protocol ? 1 : 0);
    // A client keeps nghttp2's tree, where streams of one weight take turns; without it nghttp2
    // would finish one upload before the next, and only servers can ask for turns.
    set(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1);
  } else {
    set(NGHTTP2_SETTINGS_ENABLE_PUSH, 0);
  }
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), count);
  nghttp2_session_set_local_window_size(
      session_, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(options_.connection_window_bytes));
}

Result<void> Engine::Receive(std::string_view bytes) {
  if (lost_ || broken_) {
    return MakeError(ErrorCode::kBadGateway, "The HTTP/2 connection has ended.", last_error_);
  }
  const auto taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  DeliverRefused();
  ResetStalledReaders();
  if (taken < 0) {
    Wake();
    return Break(static_cast<int>(taken));
  }
  if (nghttp2_session_want_write(session_) != 0) Wake();
  return {};
}

Error Engine::Break(int nghttp2_error) {
  broken_ = true;
  if (last_error_.empty()) last_error_ = nghttp2_strerror(nghttp2_error);
  if (flooded_ || nghttp2_error == NGHTTP2_ERR_FLOODED ||
      nghttp2_error == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS) {
    nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
    return MakeError(ErrorCode::kResourceExhausted,
                     "The HTTP/2 peer sends too many frames that move nothing.", last_error_);
  }
  if (nghttp2_error == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
    return MakeError(ErrorCode::kBadGateway, "The peer does not speak HTTP/2.", last_error_);
  }
  nghttp2_session_terminate_session(session_, NGHTTP2_INTERNAL_ERROR);
  return MakeError(ErrorCode::kInternal, "The HTTP/2 connection failed.", last_error_);
}

void Engine::ReceiveEof() { broken_ = true; }

void Engine::Produce(std::string& out, std::size_t out_max) {
  if (lost_) return;
  // What handlers send from in here is seen by the loop below and needs no wakeup.
  woken_ = true;
  out_ = &out;
  out_max_ = out_max;
  DeliverRefused();
  while (out.size() < out_max) {
    const std::uint8_t* bytes = nullptr;
    const auto count = nghttp2_session_mem_send(session_, &bytes);
    if (count < 0) Break(static_cast<int>(count));
    if (count <= 0) break;
    out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
  }
  out_ = nullptr;
  woken_ = false;
  if (flooded_ && !broken_) {
    Break(NGHTTP2_ERR_FLOODED);
    Wake();
  } else if (!refused_.empty() ||
             (out.size() >= out_max && nghttp2_session_want_write(session_) != 0)) {
    Wake();
  }
}

void Engine::ConnectionLost() {
  if (lost_) return;
  lost_ = true;
  ping_answer_ = nullptr;
  DeliverRefused();
  unheaded_ = nullptr;
  const auto open = std::move(open_);
  open_.clear();
  for (const auto& exchange : open) exchange->engine_ = nullptr;
  for (const auto& exchange : open) {
    const auto events = std::move(exchange->events_);
    if (events == nullptr) continue;
    const bool unsent = handler_ == nullptr && !exchange->head_sent_;
    events->OnReset(exchange->reset_.value_or(unsent ? http::ResetReason::kRefused
                                                     : http::ResetReason::kConnectionLost));
  }
}

bool Engine::Finished() const {
  return lost_ || broken_ ||
         (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0);
}

// A server first says that it will go away, and which streams it still took only once the client
// has heard of that (RFC 9113 section 6.8); the answer to a PING tells.
void Engine::Drain() {
  if (draining_ || lost_ || broken_) return;
  draining_ = true;
  if (handler_ != nullptr) {
    nghttp2_submit_shutdown_notice(session_);
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, Opaque(kDrainPing));
  } else {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
  }
  Wake();
}

bool Engine::Ping(std::function<void()> on_answer) {
  if (lost_ || broken_ || ping_answer_) return false;
  if (nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, Opaque(kKeepalivePing)) != 0) return false;
  ping_answer_ = on_answer ? std::move(on_answer) : [] {};
  Wake();
  return true;
}

void Engine::OnPingAnswer(const std::uint8_t* opaque) {
  if (std::memcmp(opaque, kKeepalivePing, kPingBytes) == 0 && ping_answer_) {
    const auto answer = std::exchange(ping_answer_, nullptr);
    answer();
  } else if (std::memcmp(opaque, kDrainPing, kPingBytes) == 0 && draining_) {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                          nullptr, 0);
  }
}

void Engine::OnGoaway(std::string_view by, std::uint32_t error_code,
                      std::string_view debug_data) const {
  if (error_code == NGHTTP2_NO_ERROR) return;
  log::Info("HTTP/2 connection ended by an error",
            {{"by", by},
             {"code", nghttp2_http2_strerror(error_code)},
             {"reason", Printable(debug_data, kDebugDataBytesMax)},
             {"detail", last_error_},
             {"streams", open_.size()}});
}

bool Engine::SpendHousekeeping() {
  if (!flooded_ && !budget_.Spend()) {
    flooded_ = true;
    last_error_ = "too many frames that move nothing";
  }
  return !flooded_;
}

void Engine::Wake() {
  if (woken_ || lost_) return;
  woken_ = true;
  Wakeup();
}

}  // namespace mk8s::h2

// See callbacks.h.  Each only translates: nghttp2's structures in, Engine's words out.
#include "h2/callbacks.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "h2/engine.h"

namespace mk8s::h2 {
namespace {

Engine& EngineOf(void* user_data) { return *static_cast<Engine*>(user_data); }

std::string_view View(const std::uint8_t* bytes, std::size_t count) {
  return {reinterpret_cast<const char*>(bytes), count};
}

bool EndsStream(const nghttp2_frame_hd& header) {
  return (header.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

std::string_view DebugData(const nghttp2_frame& goaway) {
  return View(goaway.goaway.opaque_data, goaway.goaway.opaque_data_len);
}

// Frames that oblige us to work and move no byte.  WINDOW_UPDATE is not among them: some clients
// send one for every few KiB that they read.
bool IsHousekeeping(const nghttp2_frame_hd& header) {
  switch (header.type) {
    case NGHTTP2_DATA:
      return header.length == 0 && !EndsStream(header);
    case NGHTTP2_HEADERS:
    case NGHTTP2_WINDOW_UPDATE:
      return false;
    default:
      return true;
  }
}

int OnBeginFrame(nghttp2_session*, const nghttp2_frame_hd* header, void* user_data) {
  if (!IsHousekeeping(*header) || EngineOf(user_data).SpendHousekeeping()) return 0;
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

int OnBeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
  Engine& engine = EngineOf(user_data);
  engine.incoming_block().Begin();
  if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) engine.OpenIncoming(frame->hd.stream_id);
  return 0;
}

int OnHeader(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
             std::size_t name_bytes, const std::uint8_t* value, std::size_t value_bytes,
             std::uint8_t, void* user_data) {
  EngineOf(user_data).incoming_block().Add(View(name, name_bytes), View(value, value_bytes));
  return 0;
}

int OnFrameReceived(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
  Engine& engine = EngineOf(user_data);
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      if (Exchange* exchange = engine.Find(frame->hd.stream_id)) {
        engine.OnHead(*exchange, EndsStream(frame->hd));
      }
      break;
    case NGHTTP2_DATA:
      if (!EndsStream(frame->hd)) break;
      if (Exchange* exchange = engine.Find(frame->hd.stream_id)) engine.OnRemoteEnd(*exchange, {});
      break;
    case NGHTTP2_PING:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) engine.OnPingAnswer(frame->ping.opaque_data);
      break;
    case NGHTTP2_SETTINGS:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) engine.OnPeerSettings();
      break;
    case NGHTTP2_GOAWAY:
      engine.OnGoaway("peer", frame->goaway.error_code, DebugData(*frame));
      break;
    default:
      break;
  }
  return 0;
}

int OnDataChunk(nghttp2_session*, std::uint8_t, std::int32_t stream_id, const std::uint8_t* bytes,
                std::size_t count, void* user_data) {
  Engine& engine = EngineOf(user_data);
  engine.OnData(engine.Find(stream_id), View(bytes, count));
  return 0;
}

int OnFrameSent(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
  Engine& engine = EngineOf(user_data);
  const std::uint8_t type = frame->hd.type;
  if (type == NGHTTP2_GOAWAY) {
    engine.OnGoaway("us", frame->goaway.error_code, DebugData(*frame));
  }
  if (type != NGHTTP2_DATA && type != NGHTTP2_HEADERS && type != NGHTTP2_RST_STREAM) return 0;
  Exchange* exchange = engine.Find(frame->hd.stream_id);
  if (type == NGHTTP2_RST_STREAM) {
    engine.OnSentReset(exchange);
    return 0;
  }
  if (exchange == nullptr) return 0;
  if (type == NGHTTP2_HEADERS) engine.OnSentHead(*exchange);
  if (type == NGHTTP2_DATA && frame->hd.length > 0) {
    engine.OnSentBody(*exchange, frame->hd.length);
  }
  if (EndsStream(frame->hd)) engine.OnSentEnd(*exchange);
  return 0;
}

int OnFrameNotSent(nghttp2_session*, const nghttp2_frame* frame, int error, void* user_data) {
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat == NGHTTP2_HCAT_REQUEST) return 0;
  if (error == NGHTTP2_ERR_STREAM_CLOSED || error == NGHTTP2_ERR_STREAM_CLOSING ||
      error == NGHTTP2_ERR_SESSION_CLOSING) {
    return 0;
  }
  Engine& engine = EngineOf(user_data);
  if (Exchange* exchange = engine.Find(frame->hd.stream_id)) engine.OnHeadNotSent(*exchange);
  return 0;
}

int OnStreamClose(nghttp2_session*, std::int32_t stream_id, std::uint32_t error_code,
                  void* user_data) {
  Engine& engine = EngineOf(user_data);
  if (Exchange* exchange = engine.Find(stream_id)) engine.OnClosed(*exchange, error_code);
  return 0;
}

// nghttp2 clips the answer to both windows but not to the peer's frame size.
ssize_t OnReadLength(nghttp2_session*, std::uint8_t, std::int32_t, std::int32_t, std::int32_t,
                     std::uint32_t peer_frame_bytes_max, void*) {
  return static_cast<ssize_t>(std::min<std::size_t>(peer_frame_bytes_max, limits::kFrameBytesMax));
}

int OnSendData(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* frame_header,
               std::size_t bytes, nghttp2_data_source* source, void* user_data) {
  (void)frame;  // never padded: no padding callback is set
  auto& exchange = *static_cast<Exchange*>(source->ptr);
  return EngineOf(user_data).WriteData(exchange, frame_header, bytes) ? 0 : NGHTTP2_ERR_PAUSE;
}

int OnError(nghttp2_session*, int error, const char* message, std::size_t bytes, void* user_data) {
  // That one quotes the field, which may hold a secret.
  if (error != NGHTTP2_ERR_HTTP_HEADER) EngineOf(user_data).RememberError({message, bytes});
  return 0;
}

nghttp2_session_callbacks* MakeCallbacks() {
  nghttp2_session_callbacks* table = nullptr;
  if (nghttp2_session_callbacks_new(&table) != 0) std::abort();  // out of memory
  nghttp2_session_callbacks_set_on_begin_frame_callback(table, OnBeginFrame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(table, OnBeginHeaders);
  nghttp2_session_callbacks_set_on_header_callback(table, OnHeader);
  // None for invalid fields: without one, nghttp2 resets the stream (RFC 9113 section 8.2.1).
  nghttp2_session_callbacks_set_on_frame_recv_callback(table, OnFrameReceived);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, OnDataChunk);
  nghttp2_session_callbacks_set_on_frame_send_callback(table, OnFrameSent);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(table, OnFrameNotSent);
  nghttp2_session_callbacks_set_on_stream_close_callback(table, OnStreamClose);
  nghttp2_session_callbacks_set_data_source_read_length_callback(table, OnReadLength);
  nghttp2_session_callbacks_set_send_data_callback(table, OnSendData);
  nghttp2_session_callbacks_set_error_callback2(table, OnError);
  return table;
}

}  // namespace

const nghttp2_session_callbacks* SharedCallbacks() {
  static const nghttp2_session_callbacks* const table = MakeCallbacks();
  return table;
}

}  // namespace mk8s::h2

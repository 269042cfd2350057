// The sending half of an HTTP/1.1 exchange: keeps what was given until the transport takes it, and
// frames the body then, so that all that gathered in one turn of the loop is one chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"

namespace mk8s::h1 {

/// What of a request decides how its response is written.
struct ResponseTerms {
  bool head_request = false;
  bool http10 = false;
  bool keep_alive = true;
};

enum class Framing {
  kNone,     // no body can follow: answers to HEAD, 204, 304
  kLength,   // as Content-Length says
  kChunked,  //
  kRaw,      // until the end of this direction: upgraded, or towards HTTP/1.0
};

class MessageWriter {
 public:
  /// Bytes outside of any body: an interim response.
  void Control(std::string_view bytes) { control_ += bytes; }

  /// Begins a message; `end` = no body follows.  The body has the length that Content-Length says;
  /// else it is chunked, or raw after a switch of protocols and towards HTTP/1.0.
  void Begin(http::ResponseHead head, bool end, const ResponseTerms& terms);
  /// The same; the body of a request for an upgrade is raw.
  void Begin(http::RequestHead head, bool end);
  /// With kNone and after the end the bytes are dropped, and count as sent.
  void Body(std::string_view bytes);
  void End(const http::Fields& trailers);

  /// Nothing of the body or its end leaves while this is set (an upgrade that is not yet accepted).
  void Hold(bool held) { held_ = held; }
  /// From now on the body is dropped; the end comes when it comes.
  void DropBody();
  /// Forgets what is queued.
  void Clear();

  /// Appends to `out` until it has `out_max` bytes or nothing is left.  Returns how many bytes of
  /// the body that were.
  std::size_t Produce(std::string& out, std::size_t out_max);

  bool begun() const { return begun_; }
  bool ended() const { return ended_; }            // End was called
  bool end_produced() const { return finished_; }  // and has left
  bool empty() const { return control_.empty() && (held_ || (!BodyWaits() && !EndWaits())); }
  /// The body did not have the length that its head announced: the connection must close.
  bool broke_framing() const { return broke_framing_; }

 private:
  void Begin(std::string head, Framing framing, std::uint64_t length);
  bool BodyWaits() const { return body_sent_ < body_.size() || dropped_ > 0; }
  bool EndWaits() const { return ended_ && !finished_; }
  std::size_t ProduceBody(std::string& out, std::size_t out_max);

  std::string control_;  // heads, and what else precedes the body
  std::string body_;
  std::size_t body_sent_ = 0;  // offset into body_
  std::size_t dropped_ = 0;    // not yet reported as sent
  std::string end_;            // last chunk and trailers
  Framing framing_ = Framing::kNone;
  std::uint64_t remaining_ = 0;  // kLength: not yet given to Body
  bool begun_ = false;
  bool held_ = false;
  bool ended_ = false;
  bool finished_ = false;
  bool broke_framing_ = false;
};

struct ResponseFrame {
  bool keep_alive = true;
  bool chunked = false;
};

/// The head's bytes.  Fields that belong to the connection, and such as could split the message,
/// are left out.
std::string WriteHead(const http::ResponseHead& head, const ResponseFrame& frame);
/// `chunked` says how the body is framed; precondition: method, target and authority are
/// well-formed.
std::string WriteHead(const http::RequestHead& head, bool chunked);

}  // namespace mk8s::h1

// See message_writer.h.
#include "h1/message_writer.h"

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <charconv>

#include "h1/framing.h"

namespace mk8s::h1 {
namespace {

// "content-type" as "Content-Type": names have no case, but some clients' parsers think they do.
void AppendName(std::string& out, std::string_view name) {
  bool first = true;
  for (char c : name) {
    out += first && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    first = c == '-';
  }
}

void AppendField(std::string& out, std::string_view name, std::string_view value) {
  if (!IsToken(name) || !IsFieldValue(value)) return;
  AppendName(out, name);
  out += ": ";
  out += value;
  out += "\r\n";
}

void AppendFields(std::string& out, const http::Fields& fields, bool with_length) {
  for (const http::Field& field : fields) {
    if (IsHopByHop(field.name) || (!with_length && field.name == "content-length")) continue;
    AppendField(out, field.name, field.value);
  }
}

void AppendChunkHeader(std::string& out, std::size_t size) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, size, 16).ptr;
  out.append(digits, end);
  out += "\r\n";
}

}  // namespace

void MessageWriter::Begin(std::string head, Framing framing, std::uint64_t length) {
  control_ += head;
  framing_ = framing;
  remaining_ = framing == Framing::kLength ? length : 0;
  body_.clear();
  body_sent_ = dropped_ = 0;
  end_.clear();
  begun_ = true;
  held_ = ended_ = finished_ = false;
}

void MessageWriter::Begin(http::ResponseHead head, bool end, const ResponseTerms& terms) {
  const bool switches = head.status == 101;
  const bool bodiless = terms.head_request || head.status == 204 || head.status == 304;
  if (end && !bodiless && !switches) head.fields.Set("content-length", "0");
  const auto length = ContentLength(head.fields);
  if (!length) head.fields.Remove("content-length");
  Framing framing = length ? Framing::kLength : Framing::kChunked;
  if (bodiless) {
    framing = Framing::kNone;
  } else if (switches || (terms.http10 && !length)) {
    framing = Framing::kRaw;
  }
  const bool chunked = framing == Framing::kChunked;
  Begin(WriteHead(head, {.keep_alive = terms.keep_alive, .chunked = chunked}), framing,
        length.value_or(0));
  if (end) End({});
}

void MessageWriter::Begin(http::RequestHead head, bool end) {
  const bool upgrade = !head.protocol.empty();
  if (end || upgrade) {
    head.fields.Remove("content-length");
    // Servers want a length with the others even when there is no body (RFC 9110 section 8.6).
    if (head.method != "GET" && head.method != "HEAD" && head.method != "DELETE") {
      head.fields.Add("content-length", "0");
    }
  }
  const auto length = ContentLength(head.fields);
  if (!length) head.fields.Remove("content-length");
  Framing framing = length ? Framing::kLength : Framing::kChunked;
  if (upgrade) {
    framing = Framing::kRaw;
  } else if (end) {
    framing = Framing::kNone;
  }
  Begin(WriteHead(head, framing == Framing::kChunked), framing, length.value_or(0));
  if (end) End({});
}

void MessageWriter::Body(std::string_view bytes) {
  if (!begun_ || bytes.empty()) return;
  if (ended_ || framing_ == Framing::kNone) {
    dropped_ += bytes.size();
    return;
  }
  if (framing_ == Framing::kLength) {
    if (bytes.size() > remaining_) {
      broke_framing_ = true;
      dropped_ += bytes.size() - static_cast<std::size_t>(remaining_);
      bytes = bytes.substr(0, static_cast<std::size_t>(remaining_));
    }
    remaining_ -= bytes.size();
  }
  body_ += bytes;
}

void MessageWriter::End(const http::Fields& trailers) {
  if (!begun_ || ended_) return;
  ended_ = true;
  if (framing_ == Framing::kLength && remaining_ > 0) broke_framing_ = true;
  if (framing_ != Framing::kChunked) return;
  end_ = "0\r\n";
  AppendFields(end_, trailers, false);
  end_ += "\r\n";
}

void MessageWriter::DropBody() {
  dropped_ += body_.size() - body_sent_;
  body_.clear();
  body_sent_ = 0;
  end_.clear();
  framing_ = Framing::kNone;
  held_ = false;
  finished_ = ended_;
}

void MessageWriter::Clear() { *this = MessageWriter(); }

std::size_t MessageWriter::Produce(std::string& out, std::size_t out_max) {
  if (!control_.empty()) {
    if (out.empty()) {
      out.swap(control_);
    } else {
      out += control_;
    }
    control_.clear();
  }
  if (held_ || !begun_) return 0;
  const std::size_t sent = ProduceBody(out, out_max);
  if (ended_ && !finished_ && !BodyWaits()) {
    out += end_;
    finished_ = true;
  }
  return sent;
}

std::size_t MessageWriter::ProduceBody(std::string& out, std::size_t out_max) {
  const std::size_t dropped = std::exchange(dropped_, 0);
  const std::size_t room = out_max > out.size() ? out_max - out.size() : 0;
  const std::size_t size = std::min(body_.size() - body_sent_, room);
  if (size == 0) return dropped;
  if (framing_ == Framing::kChunked) AppendChunkHeader(out, size);
  if (out.empty() && size == body_.size()) {
    out.swap(body_);
  } else {
    out.append(body_, body_sent_, size);
  }
  body_sent_ += size;
  if (body_sent_ >= body_.size()) {
    body_.clear();
    body_sent_ = 0;
  }
  if (framing_ == Framing::kChunked) out += "\r\n";
  return size + dropped;
}

std::string WriteHead(const http::ResponseHead& head, const ResponseFrame& frame) {
  std::string out = "HTTP/1.1 " + std::to_string(head.status) + " ";
  const auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(head.status)));
  out.append(reason.data(), reason.size());
  out += "\r\n";
  if (head.status == 101) {
    out += "Connection: Upgrade\r\n";
    AppendField(out, "upgrade", head.protocol);
  } else if (!frame.keep_alive) {
    out += "Connection: close\r\n";
  }
  if (frame.chunked) out += "Transfer-Encoding: chunked\r\n";
  AppendFields(out, head.fields, !frame.chunked && head.status != 101 && head.status != 204);
  out += "\r\n";
  return out;
}

std::string WriteHead(const http::RequestHead& head, bool chunked) {
  std::string out = head.method + " " + head.target + " HTTP/1.1\r\n";
  AppendField(out, "host", head.authority);
  if (!head.protocol.empty()) {
    out += "Connection: Upgrade\r\n";
    AppendField(out, "upgrade", head.protocol);
  }
  if (chunked) out += "Transfer-Encoding: chunked\r\n";
  AppendFields(out, head.fields, !chunked);
  out += "\r\n";
  return out;
}

}  // namespace mk8s::h1

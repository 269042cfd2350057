// See message_reader.h.
#include "h1/message_reader.h"

// parse_chunk_header asserts n >= 5 where a last chunk that arrives byte by byte has 4 ("0\r\n\r");
// the code below the assertion copes.  Outside input must not abort a debug build.
#define BOOST_DISABLE_ASSERTS
#include <boost/beast/http/basic_parser.hpp>
#include <boost/optional.hpp>
#include <cstdint>
#include <limits>
#include <optional>

#include "h1/framing.h"

namespace mk8s::h1 {
namespace {

namespace beast = boost::beast::http;
using beast_string = boost::beast::string_view;
using boost::beast::error_code;

Error Malformed(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, std::move(message));
}

// Walks the lines of a header block as they arrive and finds its end.  Beast folds lines, and would
// wait for ever for the end of a block whose lines end in a bare LF.
class HeaderScanner {
 public:
  HeaderScanner(MessageReader::Kind kind, const Options& options)
      : kind_(kind), options_(options) {}

  /// The length of the block if `in` holds all of it, 0 if not yet.
  Result<std::size_t> Scan(std::string_view in) {
    for (;;) {
      const std::size_t newline = in.find('\n', scanned_);
      const bool whole = newline != std::string_view::npos;
      scanned_ = whole ? newline + 1 : in.size();
      MK8S_RETURN_IF_ERROR(CheckSizes());
      if (!whole) return std::size_t{0};
      const std::string_view line = in.substr(line_start_, newline - line_start_);
      if (line.empty() || line.find('\r') != line.size() - 1) {
        return Malformed("A line of the header does not end in exactly CR LF.");
      }
      line_start_ = scanned_;
      if (line.size() == 1) {
        if (first_line_bytes_ == 0) return Malformed("The message begins with an empty line.");
        return scanned_;
      }
      MK8S_RETURN_IF_ERROR(TakeLine(line));
    }
  }

 private:
  // Room beside the target for the method and the version.
  static constexpr std::size_t kStartLineRest = 64;

  Result<void> TakeLine(std::string_view line) {
    if (first_line_bytes_ == 0) {
      first_line_bytes_ = line.size() + 1;
      return {};
    }
    if (line.front() == ' ' || line.front() == '\t') return Malformed("A header field is folded.");
    if (++fields_ > options_.header_fields_max) {
      return MakeError(ErrorCode::kHeadersTooLarge, "The request has too many header fields.");
    }
    return {};
  }

  Result<void> CheckSizes() const {
    if (first_line_bytes_ == 0) {
      if (scanned_ <= options_.target_bytes_max + kStartLineRest) return {};
      if (kind_ == MessageReader::Kind::kResponse) return Malformed("The status line is too long.");
      return MakeError(ErrorCode::kUriTooLong, "The request's path and query are too long.");
    }
    if (scanned_ - first_line_bytes_ <= options_.header_bytes_max) return {};
    return MakeError(ErrorCode::kHeadersTooLarge, "The request's header fields are too large.");
  }

  MessageReader::Kind kind_;
  const Options& options_;
  std::size_t scanned_ = 0;
  std::size_t line_start_ = 0;
  std::size_t first_line_bytes_ = 0;
  std::size_t fields_ = 0;
};

// Beast's parser with its pieces kept for whoever called put().
template <bool kIsRequest>
class Parser : public beast::basic_parser<kIsRequest> {
 public:
  Parser() {
    this->body_limit(boost::none);
    this->header_limit(std::numeric_limits<std::uint32_t>::max());  // HeaderScanner has the limits
  }

  MessageHead head;
  http::Fields trailers;
  std::string_view body;
  std::size_t body_max = 0;

 private:
  using base = beast::basic_parser<kIsRequest>;

  void on_request_impl(beast::verb, beast_string method, beast_string target, int version,
                       error_code&) override {
    head.method = std::string(method);
    head.target = std::string(target);
    head.version = version;
  }
  void on_response_impl(int status, beast_string, int version, error_code&) override {
    head.status = status;
    head.version = version;
  }
  void on_field_impl(beast::field, beast_string name, beast_string value, error_code&) override {
    http::Fields& fields = header_done_ ? trailers : head.fields;
    fields.Add({name.data(), name.size()}, {value.data(), value.size()});
  }
  void on_header_impl(error_code&) override { header_done_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(beast_string bytes, error_code&) override {
    body = std::string_view(bytes.data(), std::min(bytes.size(), body_max));
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast_string extension, error_code& ec) override {
    extension_bytes_ += extension.size();
    const bool control = std::any_of(extension.begin(), extension.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    });
    // Bounded in total as well: chunks of one byte must not carry a thousand of extensions.
    if (control || extension_bytes_ > limits::kChunkExtensionBytesMax) {
      ec = beast::error::bad_chunk_extension;
    }
  }
  std::size_t on_chunk_body_impl(std::uint64_t, beast_string bytes, error_code& ec) override {
    return on_body_impl(bytes, ec);
  }
  void on_finish_impl(error_code&) override {}

  bool header_done_ = false;
  std::size_t extension_bytes_ = 0;
};

}  // namespace

struct MessageReader::State {
  State(Kind k, const Options& o) : kind(k), options(o) { StartNext(false); }

  void StartNext(bool skip_body) {
    scanner.emplace(kind, options);
    if (kind == Kind::kRequest) {
      request.emplace();
    } else {
      response.emplace();
      response->skip(skip_body);
    }
  }

  template <typename F>
  decltype(auto) Visit(F&& f) {
    return kind == Kind::kRequest ? f(*request) : f(*response);
  }

  Kind kind;
  Options options;
  std::optional<HeaderScanner> scanner;  // until the head is read
  std::optional<Parser<true>> request;
  std::optional<Parser<false>> response;
};

namespace {

template <typename ParserT>
Result<MessageReader::Step> ReadHead(ParserT& parser, std::string_view block) {
  error_code ec;
  const std::size_t taken = parser.put({block.data(), block.size()}, ec);
  if (ec || taken != block.size() || !parser.is_header_done()) {
    return Malformed("The header is malformed: " + (ec ? ec.message() : "unexpected end") + ".");
  }
  MK8S_RETURN_IF_ERROR(CheckFraming(parser.head));
  return MessageReader::Step{MessageReader::Piece::kHead, {}};
}

// Beast unfolds trailers too; nothing but a folded line puts white space behind a CR LF there.
bool HasFoldedLine(std::string_view trailer_section) {
  return trailer_section.find("\r\n ") != std::string_view::npos ||
         trailer_section.find("\r\n\t") != std::string_view::npos;
}

template <typename ParserT>
Result<MessageReader::Step> ReadBody(ParserT& parser, std::string_view& in, std::size_t body_max,
                                     const Options& options) {
  using Piece = MessageReader::Piece;
  for (;;) {
    if (parser.is_done()) return MessageReader::Step{Piece::kEnd, {}};
    if (in.empty()) return MessageReader::Step{Piece::kNone, {}};
    error_code ec;
    parser.body = {};
    parser.body_max = body_max;
    const std::string_view taken = in.substr(0, parser.put({in.data(), in.size()}, ec));
    if (ec == beast::error::need_more) {
      in.remove_prefix(taken.size());
      if (in.size() > options.header_bytes_max) return Malformed("A chunk's header is too long.");
      return MessageReader::Step{Piece::kNone, {}};
    }
    if (ec) return Malformed("The body is malformed: " + ec.message() + ".");
    in.remove_prefix(taken.size());
    if (!parser.body.empty()) return MessageReader::Step{Piece::kBody, parser.body};
    if (parser.is_done() && (HasFoldedLine(taken) || taken.size() > options.header_bytes_max ||
                             parser.trailers.size() > options.header_fields_max)) {
      return Malformed("The trailer section is malformed.");
    }
  }
}

}  // namespace

MessageReader::MessageReader(Kind kind, const Options& options)
    : state_(std::make_unique<State>(kind, options)) {}
MessageReader::~MessageReader() = default;

Result<MessageReader::Step> MessageReader::Next(std::string_view& in, std::size_t body_max) {
  if (!state_->scanner) {
    return state_->Visit(
        [&](auto& parser) { return ReadBody(parser, in, body_max, state_->options); });
  }
  MK8S_ASSIGN_OR_RETURN(const std::size_t length, state_->scanner->Scan(in));
  if (length == 0) return Step{};
  auto step = state_->Visit([&](auto& parser) { return ReadHead(parser, in.substr(0, length)); });
  in.remove_prefix(length);
  state_->scanner.reset();
  return step;
}

Result<bool> MessageReader::Eof() {
  if (state_->scanner) return Malformed("The connection ended within a header.");
  return state_->Visit([&](auto& parser) -> Result<bool> {
    if (parser.is_done()) return true;
    error_code ec;
    parser.put_eof(ec);
    if (ec) return Malformed("The connection ended within a body.");
    return true;
  });
}

MessageHead& MessageReader::head() {
  return state_->Visit([](auto& parser) -> MessageHead& { return parser.head; });
}

bool MessageReader::has_body() const {
  return state_->Visit([](auto& parser) { return !parser.is_done(); });
}

http::Fields& MessageReader::trailers() {
  return state_->Visit([](auto& parser) -> http::Fields& { return parser.trailers; });
}

void MessageReader::StartNext(bool skip_body) { state_->StartNext(skip_body); }

}  // namespace mk8s::h1

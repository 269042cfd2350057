// Cuts the bytes of one direction of an HTTP/1.1 connection into heads, pieces of bodies and ends.
// Boost.Beast's parser does the grammar; what it tolerates and RFC 9112 lets us refuse is refused
// here before it sees it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "h1/session.h"
#include "http/message.h"

namespace mk8s::h1 {

/// A head as on the wire; field names in lower case.
struct MessageHead {
  std::string method;  // requests
  std::string target;
  int status = 0;       // responses
  int version = 11;     // 10 or 11
  http::Fields fields;  // all of them
};

class MessageReader {
 public:
  enum class Kind { kRequest, kResponse };
  enum class Piece {
    kNone,  // nothing whole yet: call again with the rest and more behind it
    kHead,
    kBody,
    kEnd,
  };
  struct Step {
    Piece piece = Piece::kNone;
    std::string_view body;  // of kBody: a view into the input, never empty
  };

  MessageReader(Kind kind, const Options& options);
  ~MessageReader();

  /// Takes one piece off the front of `in`; at most `body_max` (> 0) bytes if of a body.  What it
  /// leaves must be at the front of the next call's input.  Errors: kInvalidArgument,
  /// kHeadersTooLarge, kUriTooLong; the reader is then of no more use.
  Result<Step> Next(std::string_view& in, std::size_t body_max);

  /// The input ended.  True if that ends the message (a response without a length); error
  /// kInvalidArgument if it is cut short.
  Result<bool> Eof();

  /// After kHead.  May be moved from.
  MessageHead& head();
  /// After kHead: whether the framing announces a body, be it empty.
  bool has_body() const;
  /// After kEnd.
  http::Fields& trailers();

  /// Readies for the next message.  `skip_body`: it answers a HEAD.
  void StartNext(bool skip_body = false);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mk8s::h1

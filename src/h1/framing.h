// What a head on an HTTP/1.1 wire means: its framing, its upgrade, and what remains of it for the
// layers above.  Pure functions between MessageReader and the sessions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "h1/message_reader.h"
#include "http/message.h"

namespace mk8s::h1 {

/// One way only to find where the body ends (RFC 9112 section 6.3), for requests and responses.
/// Error: kInvalidArgument.
Result<void> CheckFraming(const MessageHead& head);

struct Request {
  http::RequestHead head;
  bool keep_alive = false;
  bool http10 = false;
  bool expects_continue = false;
};

/// Error: kInvalidArgument, kUriTooLong.
Result<Request> InterpretRequest(MessageHead wire, const Options& options);

struct Response {
  http::ResponseHead head;  // `protocol` only with 101
  bool keep_alive = false;
};

/// Error: kInvalidArgument.
Result<Response> InterpretResponse(MessageHead wire);

/// The Content-Length of fields that are about to be sent, or that CheckFraming has accepted.
std::optional<std::uint64_t> ContentLength(const http::Fields& fields);

bool IsToken(std::string_view text);  // RFC 9110 section 5.6.2
/// Without control bytes other than a tab, so it cannot split a message.
bool IsFieldValue(std::string_view text);
/// Printable ASCII from "/" on, without "#": what a request line can carry.
bool IsOriginForm(std::string_view target);

/// Fields that belong to one connection, not to the message: never handed up, never written from a
/// head.
bool IsHopByHop(std::string_view lower_case_name);

}  // namespace mk8s::h1

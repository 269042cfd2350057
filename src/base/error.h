// The one error of the project: a protocol-agnostic code, a message for whoever asked, a detail for
// the log. Codes are gRPC's canonical set (google/rpc/code.proto) plus the few that HTTP tells
// apart and gRPC does not. error_mapping.h turns a code into HTTP, gRPC, Kubernetes Status and exit
// codes.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace mk8s {

enum class ErrorCode {
  kCancelled,           // the caller went away
  kInvalidArgument,     // malformed input; the same call cannot succeed
  kDeadlineExceeded,    // time ran out; the effect is unknown
  kNotFound,            // no such object
  kExpired,             // it was there: a list that began too long ago (HTTP 410)
  kAlreadyExists,       // the name is taken
  kConflict,            // the object changed since it was read
  kPermissionDenied,    // known caller, not allowed
  kUnauthenticated,     // no valid credential
  kResourceExhausted,   // a limit was hit; retry later (HTTP 429)
  kFailedPrecondition,  // the system is not in the state that the call needs
  kTooLarge,            // body over its limit (HTTP 413)
  kUriTooLong,          // path over its limit (HTTP 414)
  kHeadersTooLarge,     // header section over its limit (HTTP 431)
  kMethodNotAllowed,    // the route exists, the method does not
  kUnimplemented,       // this build or configuration cannot do it
  kInternal,            // a defect of ours
  kUnavailable,         // a part is not reachable now; retry later
  kBadGateway,          // the other side of a relay broke the protocol
  kDataLoss,            // stored data is corrupt or gone
};

/// Every code once, in order: for tables and exhaustive tests.
inline constexpr ErrorCode kAllErrorCodes[] = {
    ErrorCode::kCancelled,
    ErrorCode::kInvalidArgument,
    ErrorCode::kDeadlineExceeded,
    ErrorCode::kNotFound,
    ErrorCode::kExpired,
    ErrorCode::kAlreadyExists,
    ErrorCode::kConflict,
    ErrorCode::kPermissionDenied,
    ErrorCode::kUnauthenticated,
    ErrorCode::kResourceExhausted,
    ErrorCode::kFailedPrecondition,
    ErrorCode::kTooLarge,
    ErrorCode::kUriTooLong,
    ErrorCode::kHeadersTooLarge,
    ErrorCode::kMethodNotAllowed,
    ErrorCode::kUnimplemented,
    ErrorCode::kInternal,
    ErrorCode::kUnavailable,
    ErrorCode::kBadGateway,
    ErrorCode::kDataLoss,
};

/// The code's stable name in JSON errors and logs: "permission_denied".
std::string_view Name(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // public: what, why, next step; never a secret
  std::string detail;   // private: for the log only
};

inline Error MakeError(ErrorCode code, std::string message, std::string detail = {}) {
  return Error{code, std::move(message), std::move(detail)};
}

}  // namespace mk8s

// See error_mapping.h.
#include "base/error_mapping.h"

namespace mk8s {

int HttpStatus(ErrorCode code) {
  switch (code) {
    case ErrorCode::kCancelled:
      return 499;  // nginx's "client closed request"; seen in logs only
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kDeadlineExceeded:
      return 504;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kExpired:
      return 410;
    case ErrorCode::kAlreadyExists:
      return 409;
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kPermissionDenied:
      return 403;
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kResourceExhausted:
      return 429;
    case ErrorCode::kFailedPrecondition:
      return 409;
    case ErrorCode::kTooLarge:
      return 413;
    case ErrorCode::kUriTooLong:
      return 414;
    case ErrorCode::kHeadersTooLarge:
      return 431;
    case ErrorCode::kMethodNotAllowed:
      return 405;
    case ErrorCode::kUnimplemented:
      return 501;
    case ErrorCode::kInternal:
      return 500;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kBadGateway:
      return 502;
    case ErrorCode::kDataLoss:
      return 500;
  }
  return 500;
}

int GrpcStatus(ErrorCode code) {
  switch (code) {
    case ErrorCode::kCancelled:
      return 1;
    case ErrorCode::kInvalidArgument:
      return 3;
    case ErrorCode::kDeadlineExceeded:
      return 4;
    case ErrorCode::kNotFound:
      return 5;
    case ErrorCode::kExpired:
      return 9;
    case ErrorCode::kAlreadyExists:
      return 6;
    case ErrorCode::kConflict:
      return 10;  // ABORTED
    case ErrorCode::kPermissionDenied:
      return 7;
    case ErrorCode::kUnauthenticated:
      return 16;
    case ErrorCode::kResourceExhausted:
      return 8;
    case ErrorCode::kFailedPrecondition:
      return 9;
    case ErrorCode::kTooLarge:
      return 8;
    case ErrorCode::kUriTooLong:
      return 3;
    case ErrorCode::kHeadersTooLarge:
      return 8;
    case ErrorCode::kMethodNotAllowed:
      return 12;
    case ErrorCode::kUnimplemented:
      return 12;
    case ErrorCode::kInternal:
      return 13;
    case ErrorCode::kUnavailable:
      return 14;
    case ErrorCode::kBadGateway:
      return 14;
    case ErrorCode::kDataLoss:
      return 15;
  }
  return 13;
}

std::string_view KubeStatusReason(ErrorCode code) {
  switch (code) {
    case ErrorCode::kCancelled:
      return "Timeout";
    case ErrorCode::kInvalidArgument:
      return "BadRequest";
    case ErrorCode::kDeadlineExceeded:
      return "Timeout";
    case ErrorCode::kNotFound:
      return "NotFound";
    case ErrorCode::kExpired:
      return "Expired";
    case ErrorCode::kAlreadyExists:
      return "AlreadyExists";
    case ErrorCode::kConflict:
      return "Conflict";
    case ErrorCode::kPermissionDenied:
      return "Forbidden";
    case ErrorCode::kUnauthenticated:
      return "Unauthorized";
    case ErrorCode::kResourceExhausted:
      return "TooManyRequests";
    case ErrorCode::kFailedPrecondition:
      return "Conflict";
    case ErrorCode::kTooLarge:
      return "RequestEntityTooLarge";
    case ErrorCode::kUriTooLong:
      return "BadRequest";
    case ErrorCode::kHeadersTooLarge:
      return "BadRequest";
    case ErrorCode::kMethodNotAllowed:
      return "MethodNotAllowed";
    case ErrorCode::kUnimplemented:
      return "NotImplemented";
    case ErrorCode::kInternal:
      return "InternalError";
    case ErrorCode::kUnavailable:
      return "ServiceUnavailable";
    case ErrorCode::kBadGateway:
      return "InternalError";
    case ErrorCode::kDataLoss:
      return "InternalError";
  }
  return "InternalError";
}

int ExitCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 2;
    case ErrorCode::kUnauthenticated:
      return 4;
    case ErrorCode::kCancelled:
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kNotFound:
    case ErrorCode::kExpired:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kFailedPrecondition:
    case ErrorCode::kTooLarge:
    case ErrorCode::kUriTooLong:
    case ErrorCode::kHeadersTooLarge:
    case ErrorCode::kMethodNotAllowed:
    case ErrorCode::kUnimplemented:
    case ErrorCode::kInternal:
    case ErrorCode::kUnavailable:
    case ErrorCode::kBadGateway:
    case ErrorCode::kDataLoss:
      return 1;
  }
  return 1;
}

ErrorCode FromHttpStatus(int status) {
  switch (status) {
    case 400:
      return ErrorCode::kInvalidArgument;
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kPermissionDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 405:
      return ErrorCode::kMethodNotAllowed;
    case 409:
      return ErrorCode::kConflict;
    case 410:
      return ErrorCode::kExpired;
    case 413:
      return ErrorCode::kTooLarge;
    case 414:
      return ErrorCode::kUriTooLong;
    case 429:
      return ErrorCode::kResourceExhausted;
    case 431:
      return ErrorCode::kHeadersTooLarge;
    case 501:
      return ErrorCode::kUnimplemented;
    case 502:
      return ErrorCode::kBadGateway;
    case 503:
      return ErrorCode::kUnavailable;
    case 504:
      return ErrorCode::kDeadlineExceeded;
    default:
      return ErrorCode::kInternal;
  }
}

ErrorCode FromGrpcStatus(int status) {
  switch (status) {
    case 1:
      return ErrorCode::kCancelled;
    case 3:
      return ErrorCode::kInvalidArgument;
    case 4:
      return ErrorCode::kDeadlineExceeded;
    case 5:
      return ErrorCode::kNotFound;
    case 6:
      return ErrorCode::kAlreadyExists;
    case 7:
      return ErrorCode::kPermissionDenied;
    case 8:
      return ErrorCode::kResourceExhausted;
    case 9:
      return ErrorCode::kFailedPrecondition;
    case 10:
      return ErrorCode::kConflict;
    case 12:
      return ErrorCode::kUnimplemented;
    case 14:
      return ErrorCode::kUnavailable;
    case 15:
      return ErrorCode::kDataLoss;
    case 16:
      return ErrorCode::kUnauthenticated;
    default:
      return ErrorCode::kInternal;
  }
}

}  // namespace mk8s

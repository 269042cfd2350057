// See wire.h.
#include "grpc/wire.h"

#include <algorithm>
#include <utility>

#include "base/error_mapping.h"
#include "base/text.h"

namespace mk8s::grpc {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTimeoutMax = std::chrono::hours(24 * 30);
constexpr std::size_t kTimeoutDigitsMax = 8;
constexpr std::string_view kHexDigits = "0123456789ABCDEF";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Up to 8 digits; -1 otherwise.
std::int64_t ParseDigits(std::string_view text) {
  if (text.empty() || text.size() > kTimeoutDigitsMax) return -1;
  std::int64_t value = 0;
  for (char c : text) {
    if (!IsDigit(c)) return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

bool IsGrpcContentType(std::string_view content_type) {
  if (!EqualsIgnoreCase(content_type.substr(0, kContentType.size()), kContentType)) return false;
  content_type.remove_prefix(kContentType.size());
  return content_type.empty() || content_type.front() == '+' || content_type.front() == ';';
}

std::array<char, kPrefixBytes> MessagePrefix(std::size_t message_bytes) {
  return {0, static_cast<char>(message_bytes >> 24), static_cast<char>(message_bytes >> 16),
          static_cast<char>(message_bytes >> 8), static_cast<char>(message_bytes)};
}

Result<void> MessageReader::CheckPrefix() {
  if (prefix_[0] == 1) {
    return MakeError(ErrorCode::kUnimplemented,
                     "The message is compressed; only the identity encoding is taken.");
  }
  if (prefix_[0] != 0) {
    return MakeError(ErrorCode::kInternal, "The message does not begin with a gRPC prefix.");
  }
  missing_bytes_ = 0;
  for (std::size_t i = 1; i < kPrefixBytes; ++i) {
    missing_bytes_ = missing_bytes_ << 8 | static_cast<std::uint8_t>(prefix_[i]);
  }
  if (missing_bytes_ > message_bytes_max_) {
    return MakeError(ErrorCode::kTooLarge, "The message has " + std::to_string(missing_bytes_) +
                                               " bytes; at most " +
                                               std::to_string(message_bytes_max_) + " are taken.");
  }
  return {};
}

Result<void> MessageReader::Push(std::string_view bytes,
                                 const std::function<void(std::string)>& on_message) {
  while (!bytes.empty()) {
    if (prefix_filled_ < kPrefixBytes) {
      const std::size_t count = std::min(bytes.size(), kPrefixBytes - prefix_filled_);
      std::copy_n(bytes.data(), count, prefix_.data() + prefix_filled_);
      bytes.remove_prefix(count);
      prefix_filled_ += count;
      if (prefix_filled_ < kPrefixBytes) break;
      MK8S_RETURN_IF_ERROR(CheckPrefix());
    }
    const std::size_t count = std::min(bytes.size(), missing_bytes_);
    message_.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    missing_bytes_ -= count;
    if (missing_bytes_ > 0) break;
    prefix_filled_ = 0;
    on_message(std::exchange(message_, {}));
  }
  return {};
}

std::string FormatTimeout(milliseconds timeout) {
  constexpr std::int64_t kValueMax = 99'999'999;
  const std::int64_t count = std::max<std::int64_t>(timeout.count(), 0);
  if (count <= kValueMax) return std::to_string(count) + "m";
  return std::to_string(std::min<std::int64_t>((count + 999) / 1000, kValueMax)) + "S";
}

Result<milliseconds> ParseTimeout(std::string_view text) {
  const std::int64_t value = text.empty() ? -1 : ParseDigits(text.substr(0, text.size() - 1));
  const auto malformed = [] {
    return MakeError(ErrorCode::kInvalidArgument,
                     "grpc-timeout is not 1 to 8 digits and one of H, M, S, m, u, n.");
  };
  if (value < 0) return malformed();
  std::int64_t count = 0;
  switch (text.back()) {
    case 'H':
      count = value * 3'600'000;
      break;
    case 'M':
      count = value * 60'000;
      break;
    case 'S':
      count = value * 1'000;
      break;
    case 'm':
      count = value;
      break;
    case 'u':
      count = (value + 999) / 1'000;
      break;
    case 'n':
      count = (value + 999'999) / 1'000'000;
      break;
    default:
      return malformed();
  }
  return std::min(milliseconds(count), kTimeoutMax);
}

std::string PercentEncode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte >= 0x20 && byte <= 0x7e && c != '%') {
      out += c;
    } else {
      out += '%';
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 15];
    }
  }
  return out;
}

std::string PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = HexValue(text[i + 1]), low = HexValue(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

http::Fields StatusFields(const Result<void>& status) {
  http::Fields fields;
  if (status) {
    fields.Add("grpc-status", "0");
    return fields;
  }
  fields.Add("grpc-status", std::to_string(GrpcStatus(status.error().code)));
  fields.Add("grpc-message", PercentEncode(status.error().message));
  return fields;
}

std::optional<Result<void>> StatusFromFields(const http::Fields& fields) {
  const auto text = fields.Find("grpc-status");
  if (!text) return std::nullopt;
  const std::int64_t status = ParseDigits(*text);
  if (status == 0) return Result<void>();
  std::string message = PercentDecode(fields.Get("grpc-message"));
  if (message.empty()) message = "The server gave status " + std::string(*text) + ".";
  const ErrorCode code =
      status < 0 ? ErrorCode::kInternal : FromGrpcStatus(static_cast<int>(status));
  return Result<void>(MakeError(code, Printable(message)));
}

Error ErrorFromHttpStatus(int status) {
  const auto error = [&](ErrorCode code) {
    return MakeError(code, "The server answered with HTTP status " + std::to_string(status) +
                               " instead of gRPC; check the address and the port.");
  };
  switch (status) {
    case 401:
      return error(ErrorCode::kUnauthenticated);
    case 403:
      return error(ErrorCode::kPermissionDenied);
    case 404:
      return error(ErrorCode::kUnimplemented);
    case 429:
    case 502:
    case 503:
    case 504:
      return error(ErrorCode::kUnavailable);
    default:
      return error(ErrorCode::kInternal);
  }
}

Error ErrorFromReset(http::ResetReason reason) {
  const auto error = [&](ErrorCode code) {
    return MakeError(code, "The call was broken off (" + std::string(http::Name(reason)) + ").");
  };
  switch (reason) {
    case http::ResetReason::kCancel:
      return error(ErrorCode::kCancelled);
    case http::ResetReason::kRefused:
      return MakeError(ErrorCode::kUnavailable, "The server does not take the call now.");
    case http::ResetReason::kConnectionLost:
      return MakeError(ErrorCode::kUnavailable, "The connection to the server was lost.");
    case http::ResetReason::kEnhanceYourCalm:
      return error(ErrorCode::kResourceExhausted);
    case http::ResetReason::kNoError:
    case http::ResetReason::kProtocolError:
    case http::ResetReason::kInternal:
    case http::ResetReason::kFlowControl:
      return error(ErrorCode::kInternal);
  }
  return error(ErrorCode::kInternal);
}

}  // namespace mk8s::grpc

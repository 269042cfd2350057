// gRPC on HTTP/2 as bytes and fields: message frames, timeouts, statuses.  Pure.
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"
#include "http/stream.h"

namespace mk8s::grpc {

inline constexpr std::string_view kContentType = "application/grpc";
inline constexpr std::size_t kPrefixBytes = 5;

/// "application/grpc", alone or followed by "+proto" or parameters.
bool IsGrpcContentType(std::string_view content_type);

/// The prefix of an uncompressed message of that size.
std::array<char, kPrefixBytes> MessagePrefix(std::size_t message_bytes);

/// Cuts a body into messages, however its bytes arrive.
class MessageReader {
 public:
  explicit MessageReader(std::size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

  /// Calls `on_message` for each message that `bytes` completes.  Errors: kTooLarge for a message
  /// over the bound, kUnimplemented for a compressed one, kInternal for a malformed prefix; nothing
  /// can be read afterwards.
  Result<void> Push(std::string_view bytes, const std::function<void(std::string)>& on_message);

  /// A message has begun and not ended.
  bool InMessage() const { return prefix_filled_ > 0; }

 private:
  Result<void> CheckPrefix();

  const std::size_t message_bytes_max_;
  std::array<char, kPrefixBytes> prefix_{};
  std::size_t prefix_filled_ = 0;
  std::size_t missing_bytes_ = 0;
  std::string message_;
};

/// "1500m", at most 8 digits; rounds up to a coarser unit where it must.
std::string FormatTimeout(std::chrono::milliseconds timeout);
/// Rounded up to milliseconds, cut to 30 days.  Error: kInvalidArgument.
Result<std::chrono::milliseconds> ParseTimeout(std::string_view text);

/// Of grpc-message.  Decoding takes malformed escapes as they stand, as the specification asks.
std::string PercentEncode(std::string_view text);
std::string PercentDecode(std::string_view text);

/// grpc-status and grpc-message.
http::Fields StatusFields(const Result<void>& status);
/// What `fields` say of the call's end; nullopt if there is no grpc-status among them.
std::optional<Result<void>> StatusFromFields(const http::Fields& fields);
/// For responses without a grpc-status: doc/http-grpc-status-mapping.md.
Error ErrorFromHttpStatus(int status);
/// For streams that were reset: PROTOCOL-HTTP2.md, "Errors".
Error ErrorFromReset(http::ResetReason reason);

}  // namespace mk8s::grpc

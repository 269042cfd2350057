// Base64 (RFC 4648 sections 4 and 5), hexadecimal and digests, the spellings that tokens, digests
// and paths use.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mk8s {

std::string Base64Encode(std::string_view bytes);     // with padding
std::string Base64UrlEncode(std::string_view bytes);  // URL alphabet, no padding

/// Strict: canonical alphabet, no white space.  Padding is required by the first, refused by the
/// second. Error: kInvalidArgument.
Result<std::string> Base64Decode(std::string_view text);
Result<std::string> Base64UrlDecode(std::string_view text);

std::string HexEncode(std::string_view bytes);  // lower case
std::string Sha256(std::string_view bytes);     // 32 raw bytes
/// 20 raw bytes.  Only where a protocol asks for it (RFC 6455's handshake): it protects nothing.
std::string Sha1(std::string_view bytes);

}  // namespace mk8s

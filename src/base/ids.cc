// See ids.h.
#include "base/ids.h"

#include <openssl/rand.h>

#include <cctype>
#include <cstdint>
#include <cstdlib>

#include "base/encoding.h"

namespace mk8s {
namespace {

std::string FormatUuid(std::string bytes, int version) {
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | (version << 4));
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  const std::string hex = HexEncode(bytes);
  return hex.substr(0, 8) + '-' + hex.substr(8, 4) + '-' + hex.substr(12, 4) + '-' +
         hex.substr(16, 4) + '-' + hex.substr(20);
}

}  // namespace

std::string RandomBytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) {
    std::abort();
  }
  return bytes;
}

std::string NewUuid() { return FormatUuid(RandomBytes(16), 4); }

std::string NewRequestId(WallTime now) {
  std::string bytes = RandomBytes(16);
  const auto since_epoch_ms = static_cast<std::uint64_t>(now.time_since_epoch().count());
  for (int i = 0; i < 6; ++i) bytes[i] = static_cast<char>(since_epoch_ms >> (8 * (5 - i)));
  return FormatUuid(std::move(bytes), 7);
}

Secret NewToken(std::string_view prefix) {
  return Secret(std::string(prefix) + Base64UrlEncode(RandomBytes(32)));
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !std::isxdigit(static_cast<unsigned char>(text[i]))) return false;
  }
  return true;
}

}  // namespace mk8s

// Continue tokens: any text opens to itself under its own scope and under no other; a forged or
// changed token never opens.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "auth/continue_token.h"
#include "base/limits.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace mk8s::auth;
  static const SigningKey key = SigningKey::Generate().value();
  static const ContinueTokens tokens = ContinueTokens::FromSigningKey(key).value();
  if (size < 3) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 3, size - 3);
  const std::size_t user_end = bytes[0] % (text.size() + 1);
  const ContinueScope scope{text.substr(0, user_end), "cluster", text.substr(user_end)};
  if (tokens.Open(scope, text)) std::abort();

  const auto sealed = tokens.Seal(scope, text);
  if (sealed.has_value() != (text.size() <= mk8s::limits::kContinueBytesMax)) std::abort();
  if (!sealed) return 0;
  const auto opened = tokens.Open(scope, *sealed);
  if (!opened || *opened != text) std::abort();

  std::string changed = *sealed;
  changed[(bytes[1] << 8 | bytes[2]) % changed.size()] ^= static_cast<char>(1 + bytes[0] % 127);
  if (tokens.Open(scope, changed)) std::abort();
  if (user_end > 0 &&
      tokens.Open({text.substr(0, user_end - 1), "cluster", text.substr(user_end - 1)}, *sealed)) {
    std::abort();
  }
  return 0;
}

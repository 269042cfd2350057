// Tokens as they come from outside: whatever the bytes, no crash, and nothing unsigned verifies.
// The first byte chooses whether the rest is a token or the JSON inside one.
#include <cstdint>
#include <cstdlib>

#include "auth/flat_json.h"
#include "auth/jwt.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace mk8s;
  static const auth::SigningKey key = *auth::SigningKey::Generate();
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes + 1), size - 1);
  if (bytes[0] % 2 == 0) {
    const WallTime now(std::chrono::seconds(1'790'000'000));
    if (auth::VerifyToken(text, std::span(&key, 1), {}, now)) std::abort();
  } else if (const auto object = auth::ParseFlatJson(text)) {
    for (const auto& [name, value] : *object) {
      // What was read must survive being written again.
      if (auth::ParseFlatJson("{" + auth::JsonText(name) + ":1}")->begin()->first != name) {
        std::abort();
      }
    }
  }
  return 0;
}

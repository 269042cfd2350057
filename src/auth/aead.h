// AES-256-GCM (NIST SP 800-38D) with a random nonce: what secrets at rest (sealed_box.h) and
// `continue` tokens (continue_token.h) are sealed with.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace mk8s::auth {

inline constexpr std::size_t kAeadKeyBytes = 32;
inline constexpr std::size_t kAeadOverheadBytes = 12 + 16;  // nonce and tag

/// nonce[12] | ciphertext | tag[16].  `associated` is authenticated, not kept.  At most 2^32 texts
/// under one key, as nonces are random.  Error: kInternal.
Result<std::string> SealBytes(const Secret& key, std::string_view associated,
                              std::string_view plaintext);

/// Nothing when key or associated text is another one or `sealed` was changed.
std::optional<Secret> OpenBytes(const Secret& key, std::string_view associated,
                                std::string_view sealed);

}  // namespace mk8s::auth

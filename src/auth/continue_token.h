// The `continue` of a filtered list as the client sees it.  The cluster's own holds the key of the
// next object, which the user may not be allowed to know, so it is sealed here; it opens only for
// whom, for which cluster and for which list it was made.
//
// A token is base64url(nonce[12] | AES-256-GCM ciphertext | tag[16]).  The plaintext is padded, so
// that its length does not tell the length of the next object's name.  A token's key is
// HMAC-SHA-256(root, scope): another scope's token does not open, and random nonces never run out.
// The root key is HKDF-SHA-256 (RFC 5869) of the private signing key, which all replicas share
// (signing_key.h) and which is opened once, at start; after the signing key has been changed, lists
// begin anew.
#pragma once

#include <string>
#include <string_view>

#include "auth/signing_key.h"
#include "base/result.h"
#include "base/secret.h"

namespace mk8s::auth {

/// What a token is bound to, byte for byte.
struct ContinueScope {
  std::string_view user_id;
  std::string_view cluster_id;
  /// The list: path and query as re-serialised, in an order of its own, without what clients change
  /// from page to page: continue, limit, and resourceVersion and resourceVersionMatch, which
  /// client-go's pager drops (tools/pager/pager.go).
  std::string_view list;
};

/// Immutable; any thread.
class ContinueTokens {
 public:
  /// Once at start: some 10 us.  Error: kInternal.
  static Result<ContinueTokens> FromSigningKey(const SigningKey& key);

  /// Some microseconds.  Errors: kInternal; kBadGateway when `cluster_token` is over
  /// limits::kContinueBytesMax.
  Result<std::string> Seal(const ContinueScope& scope, std::string_view cluster_token) const;

  /// The cluster's token again.  Error: kInvalidArgument "the provided continue parameter is not
  /// valid" for all else, to be answered as 410 Expired: clients then list from the start.
  Result<std::string> Open(const ContinueScope& scope, std::string_view token) const;

 private:
  explicit ContinueTokens(Secret root) : root_(std::move(root)) {}

  Secret root_;
};

}  // namespace mk8s::auth

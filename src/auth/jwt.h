// JSON Web Tokens as mk8s issues and accepts them: RS256 and nothing else (RFC 7519, RFC 8725).
// The first step of every authenticated request; pure, without I/O.
//
// A token is good only if all of this holds: its header has exactly alg RS256, typ JWT and a kid of
// ours (so jku, jwk, x5u and crit are refused, never followed), the signature verifies, its JSON is
// flat and names no key twice, issuer, audience and token type are the expected ones, and the time
// is within its life.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "auth/signing_key.h"
#include "base/clock.h"

namespace mk8s::auth {

/// Longer tokens are refused unread; ours are about 900 bytes.
inline constexpr std::size_t kTokenBytesMax = 8 * 1024;
/// How far the clocks of two replicas may be apart: a token may be that new, never that old.
inline constexpr std::chrono::seconds kClockSkewMax{30};

/// The names and types that mk8s puts in its tokens.
inline constexpr std::string_view kTokenIssuer = "mk8s";
inline constexpr std::string_view kTokenAudience = "mk8s-central";
inline constexpr std::string_view kAccessToken = "access";

struct TokenClaims {
  std::string issuer{kTokenIssuer};      // iss
  std::string audience{kTokenAudience};  // aud
  std::string subject;                   // sub: the user's id
  std::string email;                     // email, as it was when the token was issued
  std::string session_id;                // sid: the login session
  std::string token_type{kAccessToken};  // token_type
  std::string id;                        // jti
  WallTime issued_at{};                  // iat, whole seconds
  WallTime expires_at{};                 // exp, whole seconds

  bool operator==(const TokenClaims&) const = default;
};

/// What the receiver expects a token to be for.
struct TokenExpectation {
  std::string_view issuer = kTokenIssuer;
  std::string_view audience = kTokenAudience;
  std::string_view token_type = kAccessToken;
};

/// The compact form (RFC 7515 section 7.1).  Error: kInternal.
Result<Secret> SignToken(const TokenClaims& claims, const SigningKey& key);

/// Error: kUnauthenticated with a message that is the same for every forgery (an expired token's
/// says that it expired) and the reason in `detail`.
Result<TokenClaims> VerifyToken(std::string_view token, std::span<const SigningKey> keys,
                                const TokenExpectation& expected, WallTime now);

}  // namespace mk8s::auth

// The RSA keys under which central signs its tokens (RS256, RFC 7518 section 3.3).  The private
// half is kept sealed in the database (sealed_box.h), the public half is served as a JWKS, and
// jwt.h signs and verifies with both.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

typedef struct evp_pkey_st EVP_PKEY;

namespace mk8s::auth {

/// A key pair.  Copies share it; immutable, so any thread may use it.
class SigningKey {
 public:
  /// A new RSA 2048 key.  Takes some 100 ms.  Error: kInternal.
  static Result<SigningKey> Generate();

  /// From Pem().  Error: kDataLoss when it is not an RSA private key of 2048 to 4096 bits.
  static Result<SigningKey> FromPem(const Secret& pem);

  /// PKCS #8, to be sealed before it is stored.
  Secret Pem() const;

  /// The JWK thumbprint (RFC 7638): the `kid` of every token that this key signs.
  const std::string& key_id() const { return key_id_; }

  /// The public half as a JWK (RFC 7517), a JSON object.
  const std::string& public_jwk() const { return public_jwk_; }

  /// For jwt.cc.
  EVP_PKEY* native() const { return key_.get(); }

 private:
  explicit SigningKey(std::shared_ptr<EVP_PKEY> key);

  std::shared_ptr<EVP_PKEY> key_;
  std::string key_id_;
  std::string public_jwk_;
};

/// The body of /.well-known/jwks.json.
std::string JwksJson(std::span<const SigningKey> keys);

}  // namespace mk8s::auth

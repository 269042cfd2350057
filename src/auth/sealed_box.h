// Secrets at rest: what central keeps in the database (its signing key, its CA's key) is sealed
// under `auth.jwt_secret`, so replicas share it and a stolen dump is useless.
//
// A sealed text is "mk8s.v1." + base64url(salt[16] | nonce[12] | AES-256-GCM ciphertext | tag[16]);
// the key is scrypt(secret, salt) with N=2^15, r=8, p=1 (32 MiB and about 100 ms each).  The
// secret's name is authenticated too, so one sealed secret cannot be put in another's place.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace mk8s::auth {

class SealedBox {
 public:
  /// `secret` is auth.jwt_secret.
  explicit SealedBox(Secret secret) : secret_(std::move(secret)) {}

  /// Error: kInternal.
  Result<std::string> Seal(std::string_view name, const Secret& plaintext) const;

  /// Error: kFailedPrecondition "auth.jwt_secret does not match the database" when the secret or
  /// the name is another one or the text was changed; kDataLoss when it is no sealed text at all.
  Result<Secret> Open(std::string_view name, std::string_view sealed) const;

 private:
  Secret secret_;
};

}  // namespace mk8s::auth

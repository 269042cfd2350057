// What the holder of a certificate needs: a key with a certificate request, the end of a
// certificate's life, and its fingerprint.  Used by the agent (register, renew) and by `mk8s
// login`, which shows the fingerprint of a certificate that it does not trust.  Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace mk8s::pki {

struct KeyAndCsr {
  Secret key_pem;       // PKCS #8, EC P-256
  std::string csr_der;  // PKCS #10
};

/// A new key and a request for it.  Error: kInternal.
Result<KeyAndCsr> CreateKeyAndCsr(std::string_view common_name);

struct Validity {
  WallTime not_before{};
  WallTime not_after{};
};

/// Of a certificate in PEM (the first in it) or DER.  Error: kInvalidArgument.
Result<Validity> ParseValidity(std::string_view certificate);

/// SHA-256 over the DER of a certificate in PEM (the first in it) or DER, as openssl prints it:
/// "AB:CD:...".  Error: kInvalidArgument.
Result<std::string> Fingerprint(std::string_view certificate);

}  // namespace mk8s::pki

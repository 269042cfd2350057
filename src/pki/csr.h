// Certificate requests from outside, for certificate_authority.cc and the fuzzer.
#pragma once

#include <string_view>

#include "base/result.h"
#include "pki/openssl_handles.h"

namespace mk8s::pki {

/// The public key of a PKCS #10 request in DER: at most kCsrBytesMax bytes without any behind, its
/// self-signature verifies (so the sender has the key), EC P-256 or P-384, Ed25519, or RSA of 2048
/// to 4096 bits.  Error: kInvalidArgument.
Result<Key> PublicKeyOfCsr(std::string_view csr_der);

}  // namespace mk8s::pki

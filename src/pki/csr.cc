// See csr.h.
#include "pki/csr.h"

#include "pki/certificate_authority.h"

namespace mk8s::pki {
namespace {

Error Refused(const char* reason) {
  return MakeError(ErrorCode::kInvalidArgument,
                   std::string("the certificate request is not acceptable: ") + reason);
}

bool IsAcceptable(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA")) {
    return EVP_PKEY_get_bits(key) >= 2048 && EVP_PKEY_get_bits(key) <= 4096;
  }
  if (EVP_PKEY_is_a(key, "EC")) {
    char group[32];
    std::size_t size = 0;
    if (EVP_PKEY_get_group_name(key, group, sizeof(group), &size) != 1) return false;
    const std::string_view name(group, size);
    return name == "prime256v1" || name == "secp384r1";
  }
  return EVP_PKEY_is_a(key, "ED25519");
}

}  // namespace

Result<Key> PublicKeyOfCsr(std::string_view csr_der) {
  if (csr_der.size() > kCsrBytesMax) return Refused("too long");
  const auto* at = reinterpret_cast<const unsigned char*>(csr_der.data());
  const auto* end = at + csr_der.size();
  const CertificateRequest request(d2i_X509_REQ(nullptr, &at, static_cast<long>(csr_der.size())));
  if (!request || at != end) return Refused("not PKCS #10 in DER");
  Key key(X509_REQ_get_pubkey(request.get()));
  // The kind before the signature: verifying an outsize RSA key costs seconds.
  if (!key || !IsAcceptable(key.get())) {
    return Refused("the key must be EC P-256 or P-384, Ed25519 or RSA of 2048 to 4096 bits");
  }
  if (X509_REQ_verify(request.get(), key.get()) != 1) {
    return Refused("its signature does not verify");
  }
  return key;
}

}  // namespace mk8s::pki

// See certificate.h.
#include "pki/certificate.h"

#include <openssl/asn1.h>
#include <openssl/sha.h>

#include <ctime>

#include "pki/openssl_handles.h"

namespace mk8s::pki {
namespace {

Error NotACertificate() {
  return MakeError(ErrorCode::kInvalidArgument, "not a certificate in PEM or DER");
}

bool ToWallTime(const ASN1_TIME* time, WallTime& out) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return false;
  out = WallTime(std::chrono::seconds(timegm(&parts)));
  return true;
}

}  // namespace

Result<KeyAndCsr> CreateKeyAndCsr(std::string_view common_name) {
  const auto failed = [] {
    return MakeError(ErrorCode::kInternal, "cannot make a key and a certificate request");
  };
  const Key key = NewKey();
  const CertificateRequest request(X509_REQ_new());
  if (!key || !request) return failed();
  X509_NAME* subject = X509_REQ_get_subject_name(request.get());
  const bool good =
      X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common_name.data()),
                                 static_cast<int>(common_name.size()), -1, 0) == 1 &&
      X509_REQ_set_pubkey(request.get(), key.get()) == 1 &&
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) > 0;
  unsigned char* der = nullptr;
  const int size = good ? i2d_X509_REQ(request.get(), &der) : -1;
  if (size <= 0) return failed();
  std::string csr_der(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return KeyAndCsr{KeyToPem(key.get()), std::move(csr_der)};
}

Result<Validity> ParseValidity(std::string_view certificate) {
  const Certificate parsed = ParseCertificate(certificate);
  Validity validity;
  if (!parsed || !ToWallTime(X509_get0_notBefore(parsed.get()), validity.not_before) ||
      !ToWallTime(X509_get0_notAfter(parsed.get()), validity.not_after)) {
    return NotACertificate();
  }
  return validity;
}

Result<std::string> Fingerprint(std::string_view certificate) {
  const Certificate parsed = ParseCertificate(certificate);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  unsigned int size = 0;
  if (!parsed || X509_digest(parsed.get(), EVP_sha256(), digest, &size) != 1) {
    return NotACertificate();
  }
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  for (unsigned char byte : digest) {
    if (!text.empty()) text += ':';
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace mk8s::pki

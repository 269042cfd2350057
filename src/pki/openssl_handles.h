// OpenSSL's objects with owners, for the .cc files of this folder only.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace mk8s::pki {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using CertificateRequest = std::unique_ptr<X509_REQ, Free<X509_REQ_free>>;
using GeneralNames = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;

inline Bio Reader(std::string_view bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

inline std::string Written(const Bio& bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return std::string(bytes, static_cast<std::size_t>(size));
}

/// A new EC P-256 key, null on failure.
inline Key NewKey() { return Key(EVP_EC_gen("P-256")); }

/// PKCS #8.
inline Secret KeyToPem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_secmem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return Secret(Written(bio));
}

inline std::string CertificateToPem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return Written(bio);
}

/// The first certificate of PEM text, or one in DER; null when it is neither.
inline Certificate ParseCertificate(std::string_view bytes) {
  if (bytes.find("-----BEGIN") != bytes.npos) {
    return Certificate(PEM_read_bio_X509(Reader(bytes).get(), nullptr, nullptr, nullptr));
  }
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  return Certificate(d2i_X509(nullptr, &at, static_cast<long>(bytes.size())));
}

}  // namespace mk8s::pki

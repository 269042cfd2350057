// OpenSSL spellings that net's own files share.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "net/tls.h"

namespace mk8s::net {

template <auto Free>
struct OpenSslFree {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using SslPtr = std::unique_ptr<SSL, OpenSslFree<SSL_free>>;
using X509Ptr = std::unique_ptr<X509, OpenSslFree<X509_free>>;
using BioPtr = std::unique_ptr<BIO, OpenSslFree<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpenSslFree<EVP_PKEY_free>>;

/// The newest error of this thread's queue as text, which is emptied.
std::string TakeOpenSslError();

/// SHA-256 of the DER, 64 hexadecimal digits.
std::string Fingerprint(X509* certificate);

/// In PEM, the leaf first.  `chain`: as the peer sent it, perhaps null.
std::string ChainPem(X509* certificate, STACK_OF(X509) * chain);

/// All but chain_pem.
PeerCertificate ParsePeerCertificate(X509* certificate);

/// What the verification found wrong; kept per SSL object, because OpenSSL forgets the certificate
/// when the handshake fails.
struct VerifyFailure {
  int reason = X509_V_OK;
  std::string fingerprint;  // of the peer's own certificate
};
/// `failure` must live as long as `ssl` handshakes.
void RecordVerifyFailure(SSL* ssl, VerifyFailure* failure);

}  // namespace mk8s::net

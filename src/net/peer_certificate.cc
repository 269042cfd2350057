// Reads what net's users ask of a peer's certificate: names, serial, end, fingerprint.
#include <openssl/x509v3.h>

#include <ctime>

#include "base/encoding.h"
#include "base/text.h"
#include "net/tls_internal.h"

namespace mk8s::net {
namespace {

std::string Der(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

std::string Pem(X509* certificate) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string Text(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string Serial(X509* certificate) {
  std::unique_ptr<BIGNUM, OpenSslFree<BN_free>> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  char* hex = number ? BN_bn2hex(number.get()) : nullptr;
  if (!hex) return {};
  std::string serial = ToLower(hex);
  OPENSSL_free(hex);
  return serial;
}

std::string CommonName(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return {};
  std::string name(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return name;
}

void ReadAlternativeNames(X509* certificate, PeerCertificate& peer) {
  std::unique_ptr<GENERAL_NAMES, OpenSslFree<GENERAL_NAMES_free>> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) peer.dns_names.push_back(Text(name->d.dNSName));
    if (name->type == GEN_URI) peer.uris.push_back(Text(name->d.uniformResourceIdentifier));
  }
}

WallTime NotAfter(X509* certificate) {
  std::tm time{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return {};
  return WallTime(std::chrono::seconds(timegm(&time)));
}

}  // namespace

std::string TakeOpenSslError() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return {};
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

std::string Fingerprint(X509* certificate) { return HexEncode(Sha256(Der(certificate))); }

std::string ChainPem(X509* certificate, STACK_OF(X509) * chain) {
  std::string pem = Pem(certificate);
  for (int i = 0; i < sk_X509_num(chain); ++i) {  // -1 of a null one
    X509* issuer = sk_X509_value(chain, i);
    if (X509_cmp(issuer, certificate) != 0) pem += Pem(issuer);
  }
  ERR_clear_error();
  return pem;
}

PeerCertificate ParsePeerCertificate(X509* certificate) {
  PeerCertificate peer;
  peer.sha256 = Fingerprint(certificate);
  peer.serial = Serial(certificate);
  peer.common_name = CommonName(certificate);
  peer.not_after = NotAfter(certificate);
  ReadAlternativeNames(certificate, peer);
  ERR_clear_error();
  return peer;
}

}  // namespace mk8s::net

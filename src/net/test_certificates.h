// Certificates made on the spot, for tests only.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <string>

#include "net/tls.h"

namespace mk8s::net {

class TestCa {
 public:
  explicit TestCa(const std::string& name = "test CA") : key_(NewKey()) {
    certificate_ = NewCertificate(name, key_, -kHourSeconds, kHourSeconds);
    X509_set_issuer_name(certificate_, X509_get_subject_name(certificate_));
    AddExtension(certificate_, NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(certificate_, key_, EVP_sha256());
  }
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;
  ~TestCa() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }

  std::string pem() const { return Pem(certificate_); }

  struct Leaf {
    std::string common_name = "localhost";
    std::string alternative_names = "DNS:localhost,IP:127.0.0.1";
    long not_before_seconds = -kHourSeconds;
    long not_after_seconds = kHourSeconds;
  };
  TlsIdentity Issue() const { return Issue(Leaf{}); }
  TlsIdentity Issue(const Leaf& leaf) const {
    EVP_PKEY* key = NewKey();
    X509* certificate =
        NewCertificate(leaf.common_name, key, leaf.not_before_seconds, leaf.not_after_seconds);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate_));
    AddExtension(certificate, NID_subject_alt_name, leaf.alternative_names);
    X509_sign(certificate, key_, EVP_sha256());
    TlsIdentity identity{Pem(certificate), Secret(KeyPem(key))};
    X509_free(certificate);
    EVP_PKEY_free(key);
    return identity;
  }

 private:
  static constexpr long kHourSeconds = 3600;

  static EVP_PKEY* NewKey() { return EVP_EC_gen("P-256"); }

  static X509* NewCertificate(const std::string& common_name, EVP_PKEY* key, long from, long to) {
    static long serial = 1000;
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), to);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                               0);
    X509_set_pubkey(certificate, key);
    return certificate;
  }

  static void AddExtension(X509* certificate, int nid, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  static std::string Drain(BIO* bio) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    std::string out(text, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
  }

  static std::string Pem(X509* certificate) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    return Drain(bio);
  }

  static std::string KeyPem(EVP_PKEY* key) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    return Drain(bio);
  }

  EVP_PKEY* key_ = nullptr;
  X509* certificate_ = nullptr;
};

}  // namespace mk8s::net

// See certificate_authority.h.  Extensions follow RFC 5280 section 4.2.
#include "pki/certificate_authority.h"

#include <arpa/inet.h>
#include <openssl/rand.h>

#include "base/encoding.h"
#include "base/text.h"
#include "pki/csr.h"
#include "pki/openssl_handles.h"

namespace mk8s::pki {

struct CertificateAuthority::State {
  Certificate certificate;
  Key key;
};

namespace {

Error Failed(const char* what) {
  return MakeError(ErrorCode::kInternal, std::string("cannot make ") + what);
}

struct Extension {
  int nid;
  std::string value;  // as in openssl's x509v3_config
};

struct Template {
  std::string common_name;
  EVP_PKEY* subject_key = nullptr;
  X509* issuer = nullptr;  // null: self-signed
  EVP_PKEY* issuer_key = nullptr;
  std::chrono::seconds life{};
  std::vector<Extension> extensions;
};

// 159 random bits: positive, unique, unpredictable (RFC 5280 section 4.1.2.2, CA/B 7.1).
bool SetSerial(X509* certificate) {
  unsigned char bytes[20];
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
  BIGNUM* number = BN_bin2bn(bytes, sizeof(bytes), nullptr);
  const bool good = number != nullptr &&
                    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return good;
}

bool SetName(X509_NAME* name, const std::string& common_name) {
  const auto add = [&](int nid, const std::string& value) {
    return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  return add(NID_organizationName, "mk8s") && add(NID_commonName, common_name);
}

bool AddExtensions(X509* certificate, X509* issuer, const std::vector<Extension>& extensions) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  for (const Extension& extension : extensions) {
    X509_EXTENSION* made =
        X509V3_EXT_conf_nid(nullptr, &context, extension.nid, extension.value.c_str());
    const bool good = made != nullptr && X509_add_ext(certificate, made, -1) == 1;
    X509_EXTENSION_free(made);
    if (!good) return false;
  }
  return true;
}

Result<Certificate> Sign(const Template& from, WallTime now) {
  const auto seconds_of = [](WallTime time) {
    return static_cast<time_t>(
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  };
  Certificate certificate(X509_new());
  if (!certificate) return Failed("a certificate");
  X509* raw = certificate.get();
  X509* issuer = from.issuer != nullptr ? from.issuer : raw;
  const bool good =
      X509_set_version(raw, X509_VERSION_3) == 1 && SetSerial(raw) &&
      SetName(X509_get_subject_name(raw), from.common_name) &&
      X509_set_issuer_name(raw, X509_get_subject_name(issuer)) == 1 &&
      ASN1_TIME_set(X509_getm_notBefore(raw), seconds_of(now - kBackdate)) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(raw), seconds_of(now + from.life)) != nullptr &&
      X509_set_pubkey(raw, from.subject_key) == 1 && AddExtensions(raw, issuer, from.extensions) &&
      X509_sign(raw, from.issuer_key, EVP_sha256()) > 0;
  if (!good) return Failed("a certificate");
  return certificate;
}

bool IsIpAddress(const std::string& text) {
  unsigned char address[16];
  return inet_pton(AF_INET, text.c_str(), address) == 1 ||
         inet_pton(AF_INET6, text.c_str(), address) == 1;
}

// Also keeps ',' and ':' away from OpenSSL's configuration syntax.
bool IsDnsName(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253) return false;
  for (std::string_view label : Split(name, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        ToLower(label).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != label.npos) {
      return false;
    }
  }
  return true;
}

Result<std::string> AlternativeNames(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    const bool ip = IsIpAddress(name);
    if (!ip && !IsDnsName(name)) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "\"" + Printable(name, 64) + "\" is neither a DNS name nor an IP address");
    }
    if (!out.empty()) out += ',';
    out += (ip ? "IP:" : "DNS:") + name;
  }
  if (out.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "a server certificate needs at least one name");
  }
  return out;
}

// What every leaf has besides its usage and names.
std::vector<Extension> LeafExtensions(const char* extended_usage, std::string names) {
  return {{NID_basic_constraints, "critical,CA:FALSE"},
          {NID_key_usage, "critical,digitalSignature"},
          {NID_ext_key_usage, extended_usage},
          {NID_subject_key_identifier, "hash"},
          {NID_authority_key_identifier, "keyid:always"},
          {NID_subject_alt_name, std::move(names)}};
}

}  // namespace

CertificateAuthority::CertificateAuthority(std::shared_ptr<const State> state,
                                           std::string certificate_pem)
    : state_(std::move(state)), certificate_pem_(std::move(certificate_pem)) {}

Result<CertificateAuthority> CertificateAuthority::Create(std::string_view common_name,
                                                          std::chrono::seconds life, WallTime now) {
  Key key = NewKey();
  if (!key) return Failed("the CA's key");
  Template ca;
  ca.common_name = common_name;
  ca.subject_key = ca.issuer_key = key.get();
  ca.life = life;
  ca.extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                   {NID_key_usage, "critical,keyCertSign,cRLSign"},
                   {NID_subject_key_identifier, "hash"}};
  MK8S_ASSIGN_OR_RETURN(Certificate certificate, Sign(ca, now));
  std::string pem = CertificateToPem(certificate.get());
  return CertificateAuthority(
      std::make_shared<const State>(State{std::move(certificate), std::move(key)}), std::move(pem));
}

Result<CertificateAuthority> CertificateAuthority::Load(const std::string& certificate_pem,
                                                        const Secret& key_pem) {
  Certificate certificate = ParseCertificate(certificate_pem);
  Key key(PEM_read_bio_PrivateKey(Reader(key_pem.Reveal()).get(), nullptr, nullptr, nullptr));
  const bool good = certificate && key && X509_check_ca(certificate.get()) == 1 &&
                    X509_check_private_key(certificate.get(), key.get()) == 1;
  if (!good) {
    return MakeError(ErrorCode::kDataLoss, "the stored CA certificate and its key do not fit");
  }
  return CertificateAuthority(
      std::make_shared<const State>(State{std::move(certificate), std::move(key)}),
      certificate_pem);
}

Secret CertificateAuthority::KeyPem() const { return KeyToPem(state_->key.get()); }

Result<KeyPair> CertificateAuthority::IssueServerCertificate(const std::vector<std::string>& names,
                                                             std::chrono::seconds life,
                                                             WallTime now) const {
  MK8S_ASSIGN_OR_RETURN(std::string alternative_names, AlternativeNames(names));
  const Key key = NewKey();
  if (!key) return Failed("a server's key");
  Template leaf;
  leaf.common_name = names.front().size() <= 64 ? names.front() : "mk8s-central";
  leaf.subject_key = key.get();
  leaf.issuer = state_->certificate.get();
  leaf.issuer_key = state_->key.get();
  leaf.life = life;
  leaf.extensions = LeafExtensions("serverAuth", std::move(alternative_names));
  MK8S_ASSIGN_OR_RETURN(const Certificate certificate, Sign(leaf, now));
  return KeyPair{CertificateToPem(certificate.get()) + certificate_pem_, KeyToPem(key.get())};
}

Result<std::string> CertificateAuthority::SignAgentCertificate(std::string_view csr_der,
                                                               const AgentIdentity& identity,
                                                               std::chrono::seconds life,
                                                               WallTime now) const {
  MK8S_ASSIGN_OR_RETURN(const Key key, PublicKeyOfCsr(csr_der));
  const std::string uri = AgentUri(identity);
  // The identity comes from the database; parsing it back keeps a bad row out of a certificate.
  if (!ParseAgentUri(uri)) return Failed("an agent's certificate: its cluster's name is malformed");
  Template leaf;
  leaf.common_name = "mk8s-agent";
  leaf.subject_key = key.get();
  leaf.issuer = state_->certificate.get();
  leaf.issuer_key = state_->key.get();
  leaf.life = life;
  leaf.extensions = LeafExtensions("clientAuth", "URI:" + uri);
  MK8S_ASSIGN_OR_RETURN(const Certificate certificate, Sign(leaf, now));
  return CertificateToPem(certificate.get());
}

}  // namespace mk8s::pki

// Certificates verified as a TLS peer does, requests that are refused, identities that are read
// strictly.
#include <openssl/rsa.h>

#include "base/limits.h"
#include "pki/agent_identity.h"
#include "pki/certificate.h"
#include "pki/certificate_authority.h"
#include "pki/csr.h"
#include "pki/openssl_handles.h"

namespace mk8s::pki {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const WallTime kNow = std::chrono::floor<std::chrono::seconds>(SystemClock().Now());

const CertificateAuthority& Ca() {
  static const auto ca = *CertificateAuthority::Create("mk8s test CA", kCaLife, kNow);
  return ca;
}

AgentIdentity Identity() { return {"0b9f2a54-6f5f-4c1e-9a53-7d1c0f0e1a2b", "dev-1", 7, 42}; }

// Verifies as a TLS peer would; 0 is X509_V_OK.
int VerifyChain(const std::string& chain_pem, const std::string& ca_pem, int purpose,
                const char* host = nullptr, const char* ip = nullptr) {
  const Certificate leaf = ParseCertificate(chain_pem), root = ParseCertificate(ca_pem);
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, root.get());
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, leaf.get(), nullptr);
  X509_STORE_CTX_set_purpose(context, purpose);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  if (host != nullptr) X509_VERIFY_PARAM_set1_host(parameters, host, 0);
  if (ip != nullptr) X509_VERIFY_PARAM_set1_ip_asc(parameters, ip);
  X509_verify_cert(context);
  const int error = X509_STORE_CTX_get_error(context);
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return error;
}

std::vector<std::string> Uris(const std::string& certificate_pem) {
  const Certificate certificate = ParseCertificate(certificate_pem);
  const GeneralNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> uris;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                      static_cast<std::size_t>(ASN1_STRING_length(uri)));
  }
  return uris;
}

std::string CsrDer(EVP_PKEY* key, bool with_names = false) {
  const CertificateRequest request(X509_REQ_new());
  X509_REQ_set_pubkey(request.get(), key);
  if (with_names) {
    const auto* name = reinterpret_cast<const unsigned char*>("admin");
    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_ASC, name,
                               -1, -1, 0);
    STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
    sk_X509_EXTENSION_push(extensions,
                           X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name,
                                               "URI:mk8s://agent/another,DNS:central.example"));
    sk_X509_EXTENSION_push(extensions,
                           X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "CA:TRUE"));
    X509_REQ_add_extensions(request.get(), extensions);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  }
  const bool ed25519 = EVP_PKEY_is_a(key, "ED25519");
  X509_REQ_sign(request.get(), key, ed25519 ? nullptr : EVP_sha256());
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

TEST(CertificateAuthority, SurvivesItsPem) {
  const auto again = CertificateAuthority::Load(Ca().certificate_pem(), Ca().KeyPem());
  ASSERT_TRUE(again);
  const auto leaf = again->IssueServerCertificate({"a.example"}, 1h, kNow);
  EXPECT_EQ(VerifyChain(leaf->certificate_pem, Ca().certificate_pem(), X509_PURPOSE_SSL_SERVER), 0);

  const auto other = *CertificateAuthority::Create("other", kCaLife, kNow);
  EXPECT_EQ(CertificateAuthority::Load(Ca().certificate_pem(), other.KeyPem()).error().code,
            ErrorCode::kDataLoss);
  EXPECT_FALSE(CertificateAuthority::Load("", Secret("")));
  EXPECT_FALSE(CertificateAuthority::Load(leaf->certificate_pem, leaf->key_pem)) << "a leaf";
}

TEST(CertificateAuthority, IssuesServerCertificatesForTheNames) {
  const auto leaf = Ca().IssueServerCertificate(
      {"central.example", "*.mk8s.example", "127.0.0.1", "::1"}, 24h, kNow);
  ASSERT_TRUE(leaf);
  const struct {
    const char* host;
    const char* ip;
    int error;
  } cases[] = {
      {"central.example", nullptr, X509_V_OK},
      {"a.mk8s.example", nullptr, X509_V_OK},
      {"other.example", nullptr, X509_V_ERR_HOSTNAME_MISMATCH},
      {nullptr, "127.0.0.1", X509_V_OK},
      {nullptr, "::1", X509_V_OK},
      {nullptr, "127.0.0.2", X509_V_ERR_IP_ADDRESS_MISMATCH},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(VerifyChain(leaf->certificate_pem, Ca().certificate_pem(), X509_PURPOSE_SSL_SERVER,
                          c.host, c.ip),
              c.error)
        << (c.host != nullptr ? c.host : c.ip);
  }
  EXPECT_EQ(VerifyChain(leaf->certificate_pem, Ca().certificate_pem(), X509_PURPOSE_SSL_CLIENT),
            X509_V_ERR_INVALID_PURPOSE);
  const auto other = *CertificateAuthority::Create("mk8s test CA", kCaLife, kNow);
  EXPECT_NE(VerifyChain(leaf->certificate_pem, other.certificate_pem(), X509_PURPOSE_SSL_SERVER),
            0);
  const Certificate parsed = ParseCertificate(leaf->certificate_pem);
  EXPECT_EQ(X509_check_ca(parsed.get()), 0) << "a leaf signs nothing";
}

TEST(CertificateAuthority, RefusesBadServerNames) {
  for (const char* name :
       {"", "a b", "x,DNS:evil.example", "-a", "a..b", "*", "a.*.b", "exa\nmple", "1.2.3.4:8080"}) {
    const auto leaf = Ca().IssueServerCertificate({"good.example", name}, 1h, kNow);
    ASSERT_FALSE(leaf) << name;
    EXPECT_EQ(leaf.error().code, ErrorCode::kInvalidArgument) << name;
  }
  EXPECT_FALSE(Ca().IssueServerCertificate({}, 1h, kNow));
}

TEST(CertificateAuthority, SignsAgentsByKeyAloneAndNamesThemItself) {
  const Key key = NewKey();
  const auto chain = Ca().SignAgentCertificate(CsrDer(key.get(), /*with_names=*/true), Identity(),
                                               limits::kAgentCertificateLife, kNow);
  ASSERT_TRUE(chain) << chain.error().message;
  EXPECT_EQ(*ParseAgentIdentity(Uris(*chain)), Identity());
  EXPECT_EQ(VerifyChain(*chain, Ca().certificate_pem(), X509_PURPOSE_SSL_CLIENT), 0);
  EXPECT_EQ(VerifyChain(*chain, Ca().certificate_pem(), X509_PURPOSE_SSL_SERVER),
            X509_V_ERR_INVALID_PURPOSE);
  const Certificate leaf = ParseCertificate(*chain);
  EXPECT_EQ(EVP_PKEY_eq(X509_get0_pubkey(leaf.get()), key.get()), 1);
  EXPECT_EQ(X509_check_ca(leaf.get()), 0);
  char subject[256];
  X509_NAME_oneline(X509_get_subject_name(leaf.get()), subject, sizeof(subject));
  EXPECT_STREQ(subject, "/O=mk8s/CN=mk8s-agent");
  const auto validity = ParseValidity(*chain);
  EXPECT_EQ(validity->not_before, kNow - kBackdate);
  EXPECT_EQ(validity->not_after, kNow + limits::kAgentCertificateLife);
}

TEST(CertificateAuthority, TakesTheAgentsOwnRequest) {
  const auto made = CreateKeyAndCsr("mk8s-agent");
  ASSERT_TRUE(made);
  EXPECT_TRUE(Ca().SignAgentCertificate(made->csr_der, Identity(), 24h, kNow));
  EXPECT_THAT(made->key_pem.Reveal(), testing::StartsWith("-----BEGIN PRIVATE KEY"));
}

TEST(CertificateAuthority, RefusesBadRequests) {
  const auto good = CreateKeyAndCsr("x")->csr_der;
  std::string flipped = good;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  const auto with_key = [](EVP_PKEY* raw) {
    const Key key(raw);
    return CsrDer(key.get());
  };
  const struct {
    const char* what;
    std::string csr;
    bool accepted;
  } cases[] = {
      {"P-256", good, true},
      {"P-384", with_key(EVP_EC_gen("P-384")), true},
      {"Ed25519", with_key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")), true},
      {"RSA 2048", with_key(EVP_RSA_gen(2048)), true},
      {"RSA 1024", with_key(EVP_RSA_gen(1024)), false},
      {"P-224", with_key(EVP_EC_gen("P-224")), false},
      {"secp256k1", with_key(EVP_EC_gen("secp256k1")), false},
      {"empty", "", false},
      {"cut", good.substr(0, good.size() / 2), false},
      {"bytes behind", good + "x", false},
      {"another's signature", flipped, false},
      {"huge", std::string(kCsrBytesMax + 1, '\x30'), false},
      {"PEM", "-----BEGIN CERTIFICATE REQUEST-----\n", false},
  };
  for (const auto& c : cases) {
    const auto chain = Ca().SignAgentCertificate(c.csr, Identity(), 24h, kNow);
    EXPECT_EQ(chain.has_value(), c.accepted) << c.what;
    EXPECT_TRUE(chain || chain.error().code == ErrorCode::kInvalidArgument) << c.what;
  }
}

TEST(CertificateAuthority, NeverSignsAnIdentityThatWouldReadAsAnother) {
  const auto csr = CreateKeyAndCsr("x")->csr_der;
  for (const char* name : {"", "a&epoch=9", "a,DNS:x", "A", "-a", "a b"}) {
    AgentIdentity identity = Identity();
    identity.cluster_name = name;
    EXPECT_FALSE(Ca().SignAgentCertificate(csr, identity, 24h, kNow)) << name;
  }
  AgentIdentity identity = Identity();
  identity.cluster_id = "dev-1";
  EXPECT_FALSE(Ca().SignAgentCertificate(csr, identity, 24h, kNow));
}

TEST(AgentIdentity, ReadsOnlyItsOwnUri) {
  const std::string id = Identity().cluster_id;
  EXPECT_EQ(AgentUri(Identity()), "mk8s://agent/" + id + "?generation=7&epoch=42&name=dev-1");
  EXPECT_EQ(*ParseAgentUri(AgentUri(Identity())), Identity());
  const std::string bad[] = {
      "",
      "mk8s://agent/",
      "https://agent/" + id + "?generation=7&epoch=42&name=dev-1",
      "mk8s://agent/" + id,
      "mk8s://agent/dev-1?generation=7&epoch=42&name=dev-1",
      "mk8s://agent/" + id + "?generation=7&epoch=42",
      "mk8s://agent/" + id + "?epoch=42&generation=7&name=dev-1",
      "mk8s://agent/" + id + "?generation=-7&epoch=42&name=dev-1",
      "mk8s://agent/" + id + "?generation=7x&epoch=42&name=dev-1",
      "mk8s://agent/" + id + "?generation=99999999999999999999&epoch=42&name=dev-1",
      "mk8s://agent/" + id + "?generation=7&epoch=42&name=dev-1&name=dev-2",
      "mk8s://agent/" + id + "?generation=7&epoch=42&name=Dev",
      "mk8s://agent/" + id + "?generation=7&epoch=42&name=" + std::string(300, 'a'),
  };
  for (const std::string& uri : bad) {
    const auto identity = ParseAgentUri(uri);
    ASSERT_FALSE(identity) << uri;
    EXPECT_EQ(identity.error().code, ErrorCode::kUnauthenticated);
  }
  const std::string good = AgentUri(Identity());
  EXPECT_TRUE(ParseAgentIdentity(std::vector{good}));
  EXPECT_FALSE(ParseAgentIdentity(std::vector<std::string>()));
  EXPECT_FALSE(ParseAgentIdentity(std::vector{good, good}));
}

TEST(Certificate, FingerprintsAsOpensslDoes) {
  const auto fingerprint = Fingerprint(Ca().certificate_pem());
  ASSERT_TRUE(fingerprint);
  EXPECT_THAT(*fingerprint, testing::MatchesRegex("[0-9A-F]{2}(:[0-9A-F]{2}){31}"));
  const Certificate parsed = ParseCertificate(Ca().certificate_pem());
  unsigned char* der = nullptr;
  const int size = i2d_X509(parsed.get(), &der);
  EXPECT_EQ(*Fingerprint({reinterpret_cast<char*>(der), static_cast<std::size_t>(size)}),
            *fingerprint);
  OPENSSL_free(der);
  EXPECT_FALSE(Fingerprint("nonsense"));
  EXPECT_FALSE(ParseValidity(""));
}

}  // namespace
}  // namespace mk8s::pki

// Handshakes: who is let in, who is not, and what is said about it.
#include "net/tls.h"

#include <openssl/ssl.h>

#include "net/test_server.h"

namespace mk8s::net {
namespace {

class TlsTest : public LoopbackTest {
 protected:
  ~TlsTest() override { StopLoops(); }

  /// The server's view of the next connection.
  struct Seen {
    std::string alpn;
    std::string common_name;
    std::vector<std::string> uris;
    std::string sha256;
    bool certificate = false;
  };
  void ListenAndLook(ServerTlsOptions options, ListenerOptions listener = {}) {
    listener.tls = ServerTls(std::move(options));
    Listen(std::move(listener), [this](std::shared_ptr<Connection> connection) {
      Seen seen{.alpn = std::string(connection->alpn())};
      if (const auto* peer = connection->peer_certificate()) {
        seen.certificate = true;
        seen.common_name = peer->common_name;
        seen.uris = peer->uris;
        seen.sha256 = peer->sha256;
      }
      connection->Attach(Echo(), NoDeadlines());
      ++served_;
      std::lock_guard lock(mutex_);
      seen_ = seen;
    });
  }
  Seen seen() {
    std::lock_guard lock(mutex_);
    return seen_;
  }

  std::mutex mutex_;
  Seen seen_;
  std::atomic<int> served_ = 0;
};

TEST_F(TlsTest, AlpnFollowsTheServersOrder) {
  ListenAndLook({.identity = ca_.Issue(), .alpn = {"h2", "http/1.1"}});
  const struct {
    std::vector<std::string> offered;
    std::string chosen;
    bool accepted;
  } cases[] = {
      {{"http/1.1", "h2"}, "h2", true},
      {{"http/1.1"}, "http/1.1", true},
      {{}, "", true},
      {{"mk8s-tunnel/1"}, "", false},
  };
  for (const auto& c : cases) {
    auto dialed = DialLoopback(ClientTls({.alpn = c.offered}));
    ASSERT_EQ(dialed.has_value(), c.accepted) << testing::PrintToString(c.offered);
    if (!c.accepted) {
      EXPECT_NE(dialed.error().message.find("no application protocol"), std::string::npos)
          << dialed.error().message;
      continue;
    }
    EXPECT_EQ((*dialed)->alpn(), c.chosen);
    RoundTrip(*dialed, "x");
    EXPECT_EQ(seen().alpn, c.chosen);
  }
}

TEST_F(TlsTest, ServerCertificatesAreVerified) {
  TestCa other("other CA");
  const struct {
    const char* name;
    TlsIdentity identity;
    std::string reason;  // empty: accepted
  } cases[] = {
      {"right", ca_.Issue(), ""},
      {"other CA", other.Issue(), "unable to get local issuer certificate"},
      {"expired", ca_.Issue({.not_before_seconds = -20, .not_after_seconds = -10}),
       "certificate has expired"},
      {"not yet", ca_.Issue({.not_before_seconds = 100}), "certificate is not yet valid"},
      {"other name", ca_.Issue({.alternative_names = "DNS:example.com"}), "IP address mismatch"},
  };
  for (const auto& c : cases) {
    ListenAndLook({.identity = c.identity});
    auto dialed = DialLoopback(ClientTls());
    ASSERT_EQ(dialed.has_value(), c.reason.empty()) << c.name;
    if (dialed) continue;
    EXPECT_EQ(dialed.error().code, ErrorCode::kFailedPrecondition) << c.name;
    EXPECT_NE(dialed.error().message.find(c.reason), std::string::npos) << dialed.error().message;
    // The fingerprint in the error is the one that an unverified connection sees.
    auto unverified = DialLoopback(ClientTls({.insecure_skip_verify = true}));
    ASSERT_TRUE(unverified) << c.name;
    EXPECT_EQ(PeerFingerprint(dialed.error()), (*unverified)->peer_certificate()->sha256) << c.name;
  }
}

TEST_F(TlsTest, ClientCertificates) {
  TestCa other("other CA");
  const auto agent = ca_.Issue({.common_name = "agent", .alternative_names = "URI:mk8s://c/1"});
  const auto expired = ca_.Issue({.not_before_seconds = -20, .not_after_seconds = -10});
  const struct {
    const char* name;
    ClientAuth auth;
    TlsIdentity identity;
    bool accepted;
  } cases[] = {
      {"optional, absent", ClientAuth::kOptional, {}, true},
      {"optional, ours", ClientAuth::kOptional, agent, true},
      {"optional, another CA's", ClientAuth::kOptional, other.Issue(), false},
      {"optional, expired", ClientAuth::kOptional, expired, false},
      {"required, absent", ClientAuth::kRequired, {}, false},
      {"required, ours", ClientAuth::kRequired, agent, true},
      {"none, ours", ClientAuth::kNone, agent, true},
  };
  for (const auto& c : cases) {
    ListenAndLook({.identity = ca_.Issue(), .client_ca_pem = ca_.pem(), .client_auth = c.auth});
    served_ = 0;
    // With TLS 1.3 the client's handshake is over before the server judges its certificate.
    auto dialed = DialLoopback(ClientTls({.identity = c.identity}));
    if (dialed) {
      EXPECT_EQ(RoundTrip(*dialed, "x"), c.accepted ? "x" : "lost") << c.name;
    }
    EXPECT_EQ(served_, c.accepted ? 1 : 0) << c.name;
    if (!c.accepted) continue;
    const bool shown = c.auth != ClientAuth::kNone && !c.identity.chain_pem.empty();
    EXPECT_EQ(seen().certificate, shown) << c.name;
    if (!shown) continue;
    EXPECT_EQ(seen().common_name, "agent");
    EXPECT_EQ(seen().uris, std::vector<std::string>{"mk8s://c/1"});
    EXPECT_EQ(seen().sha256.size(), 64u);
  }
}

TEST_F(TlsTest, ACertificateSignedByALeafIsRefused) {
  // A leaf is no CA, whoever signed it: so a chain through it must fail even with the root trusted.
  TestCa root("root");
  const auto leaf = root.Issue({.common_name = "leaf"});
  ListenAndLook(
      {.identity = ca_.Issue(), .client_ca_pem = root.pem(), .client_auth = ClientAuth::kRequired});
  BIO* key_bio = BIO_new_mem_buf(leaf.key_pem.Reveal().data(), -1);
  EVP_PKEY* leaf_key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
  BIO* chain_bio = BIO_new_mem_buf(leaf.chain_pem.data(), -1);
  X509* leaf_certificate = PEM_read_bio_X509(chain_bio, nullptr, nullptr, nullptr);
  auto forged = root.Issue({.common_name = "forged"});
  BIO* forged_bio = BIO_new_mem_buf(forged.chain_pem.data(), -1);
  X509* certificate = PEM_read_bio_X509(forged_bio, nullptr, nullptr, nullptr);
  X509_set_issuer_name(certificate, X509_get_subject_name(leaf_certificate));
  X509_sign(certificate, leaf_key, EVP_sha256());
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(out, certificate);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  forged.chain_pem = std::string(text, static_cast<std::size_t>(size)) + leaf.chain_pem;
  for (BIO* bio : {key_bio, chain_bio, forged_bio, out}) BIO_free(bio);
  X509_free(certificate);
  X509_free(leaf_certificate);
  EVP_PKEY_free(leaf_key);

  auto dialed = DialLoopback(ClientTls({.identity = forged}));
  if (dialed) {
    EXPECT_EQ(RoundTrip(*dialed, "x"), "lost");
  }
  EXPECT_EQ(served_, 0);
}

TEST_F(TlsTest, OlderProtocolsAreRefused) {
  ListenAndLook({.identity = ca_.Issue()});
  for (const int version : {TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    PlainSocket socket(listener_->port());
    SSL* ssl = SSL_new(context);
    SSL_set_fd(ssl, socket.fd());
    EXPECT_EQ(SSL_connect(ssl) == 1, version >= TLS1_2_VERSION) << version;
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
}

TEST_F(TlsTest, SessionsResumeAndKeepTheClientsCertificate) {
  ListenAndLook(
      {.identity = ca_.Issue(), .client_ca_pem = ca_.pem(), .client_auth = ClientAuth::kRequired});
  auto context = ClientTls({.identity = ca_.Issue({.common_name = "agent"})});
  for (int i = 0; i < 3; ++i) {
    auto dialed = DialLoopback(context);
    ASSERT_TRUE(dialed);
    ASSERT_EQ(RoundTrip(*dialed, "x"), "x");
    EXPECT_EQ(seen().common_name, "agent");
    (*dialed)->Close();
  }
  SSL* ssl = context->NewSsl();
  EXPECT_NE(SSL_get_session(ssl), nullptr) << "no ticket was kept";
  SSL_free(ssl);
}

TEST_F(TlsTest, PlaintextOnATlsPortIsToldSo) {
  ListenAndLook({.identity = ca_.Issue()});
  PlainSocket client(listener_->port());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string answer = client.ReadAll();
  EXPECT_TRUE(answer.starts_with("HTTP/1.0 400 ")) << answer;
  EXPECT_NE(answer.find("HTTPS only"), std::string::npos);
  PlainSocket nonsense(listener_->port());
  nonsense.Send(std::string(64, '\xff'));
  nonsense.ReadAll();  // an alert perhaps, and the end
  EXPECT_EQ(served_, 0);
}

TEST_F(TlsTest, ASlowHandshakeIsCut) {
  ListenAndLook({.identity = ca_.Issue()}, {.handshake_deadline = milliseconds(100)});
  PlainSocket client(listener_->port());
  client.Send("\x16\x03\x01");
  const auto begin = std::chrono::steady_clock::now();
  client.ReadAll();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(2'000));
  EXPECT_TRUE(Eventually([&] { return listener_->connections() == 0; }));
}

TEST_F(TlsTest, AReloadServesNewConnectionsOnly) {
  auto tls = ServerTls({.identity = ca_.Issue({.common_name = "first"})});
  ListenEcho({.tls = tls});
  auto before = DialLoopback(ClientTls());
  ASSERT_TRUE(before);
  tls->Replace(ServerTls({.identity = ca_.Issue({.common_name = "second"})})->Get());
  auto after = DialLoopback(ClientTls());
  ASSERT_TRUE(after);
  EXPECT_EQ((*before)->peer_certificate()->common_name, "first");
  EXPECT_EQ((*after)->peer_certificate()->common_name, "second");
  EXPECT_EQ(RoundTrip(*before, "still here"), "still here");
}

TEST(TlsOptionsTest, UnusableOnesAreErrors) {
  TestCa ca;
  const auto good = ca.Issue();
  const auto other = ca.Issue();
  const struct {
    const char* name;
    ServerTlsOptions options;
    std::string message;
  } cases[] = {
      {"no certificate", {.identity = {"", good.key_pem}}, "certificate file"},
      {"no key", {.identity = {good.chain_pem, Secret("x")}}, "key file"},
      {"another's key", {.identity = {good.chain_pem, other.key_pem}}, "does not belong"},
      {"no CA",
       {.identity = good, .client_ca_pem = "", .client_auth = ClientAuth::kRequired},
       "CA file"},
      {"broken CA",
       {.identity = good,
        .client_ca_pem =
            ca.pem() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        .client_auth = ClientAuth::kRequired},
       "CA file"},
  };
  for (const auto& c : cases) {
    auto context = TlsContext::Server(c.options);
    ASSERT_FALSE(context) << c.name;
    EXPECT_NE(context.error().message.find(c.message), std::string::npos)
        << c.name << ": " << context.error().message;
  }
  EXPECT_FALSE(TlsIdentity::FromFiles("/nonexistent.crt", "/nonexistent.key"));
}

}  // namespace
}  // namespace mk8s::net

// Builds SSL_CTX objects.  Handshakes and records are transport.cc's.
#include "net/tls.h"

#include <openssl/x509v3.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "base/encoding.h"
#include "net/tls_internal.h"

namespace mk8s::net {
namespace {

// AES-128 first: it is the fastest with AES-NI, and no weaker where it matters.
constexpr char kTls13Ciphers[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kTls12Ciphers[] =
    "ECDHE+AESGCM+AES128:ECDHE+AESGCM+AES256:ECDHE+CHACHA20:!aNULL:!eNULL";
// A resumed session skips the certificate checks, so it must not live long.
constexpr long kSessionLifeSeconds = 3600;
constexpr char kSessionContext[] = "mk8s";
// Two full records a read, so that a bulk transfer costs half the system calls.
constexpr std::size_t kTlsReadBufferBytes = 33 * 1024;

Error Unusable(std::string what) {
  return MakeError(ErrorCode::kFailedPrecondition, "TLS: " + std::move(what), TakeOpenSslError());
}

Result<std::string> ReadPem(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     "cannot read " + file + "; check that the file exists and may be read");
  }
  return text.str();
}

BioPtr MemoryBio(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int NoPassword(char*, int, int, void*) { return 0; }  // never ask on the terminal

/// ALPN's wire format: each name with its length in front (RFC 7301 section 3.1).
std::string AlpnWire(const std::vector<std::string>& names) {
  std::string wire;
  for (const auto& name : names) {
    wire += static_cast<char>(name.size());
    wire += name;
  }
  return wire;
}

int VerifyFailureIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

int OnVerify(int ok, X509_STORE_CTX* store) {
  if (ok) return ok;
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* failure = static_cast<VerifyFailure*>(SSL_get_ex_data(ssl, VerifyFailureIndex()));
  if (failure) {
    failure->reason = X509_STORE_CTX_get_error(store);
    if (X509* leaf = X509_STORE_CTX_get0_cert(store)) failure->fingerprint = Fingerprint(leaf);
  }
  return 0;
}

}  // namespace

struct TlsContext::State {
  std::unique_ptr<SSL_CTX, OpenSslFree<SSL_CTX_free>> context;
  bool server = false;
  std::string alpn_wire;    // server: in our order of preference
  std::string server_name;  // client
  bool server_name_is_ip = false;
  bool verify = true;

  std::mutex mutex;                                                     // guards session
  std::unique_ptr<SSL_SESSION, OpenSslFree<SSL_SESSION_free>> session;  // client: the newest ticket

  Result<void> UseIdentity(const TlsIdentity& identity);
  Result<void> Trust(const std::string& ca_pem);
  static int SelectAlpn(SSL*, const unsigned char** out, unsigned char* out_length,
                        const unsigned char* in, unsigned int in_length, void* self);
  static int KeepSession(SSL* ssl, SSL_SESSION* session);
  static std::unique_ptr<State> Make(bool server);
};

std::unique_ptr<TlsContext::State> TlsContext::State::Make(bool server) {
  auto state = std::make_unique<State>();
  state->server = server;
  state->context.reset(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  SSL_CTX* context = state->context.get();
  if (!context) return nullptr;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_ciphersuites(context, kTls13Ciphers);
  SSL_CTX_set_cipher_list(context, kTls12Ciphers);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kTlsReadBufferBytes);
  SSL_CTX_set_timeout(context, kSessionLifeSeconds);
  SSL_CTX_set_app_data(context, state.get());
  return state;
}

Result<void> TlsContext::State::UseIdentity(const TlsIdentity& identity) {
  auto chain = MemoryBio(identity.chain_pem);
  X509Ptr leaf(PEM_read_bio_X509_AUX(chain.get(), nullptr, NoPassword, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context.get(), leaf.get()) != 1) {
    return Unusable("the certificate file does not begin with a usable PEM certificate");
  }
  while (X509* issuer = PEM_read_bio_X509(chain.get(), nullptr, NoPassword, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context.get(), issuer) == 1) continue;
    X509_free(issuer);
    return Unusable("a certificate of the chain is unusable");
  }
  ERR_clear_error();  // the end of the file counts as an error
  KeyPtr key(PEM_read_bio_PrivateKey(MemoryBio(identity.key_pem.Reveal()).get(), nullptr,
                                     NoPassword, nullptr));
  if (!key) return Unusable("the key file holds no PEM private key without a password");
  if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
    return Unusable("the private key does not belong to the certificate");
  }
  return {};
}

Result<void> TlsContext::State::Trust(const std::string& ca_pem) {
  X509_STORE* store = SSL_CTX_get_cert_store(context.get());
  auto bio = MemoryBio(ca_pem);
  int added = 0;
  while (X509Ptr ca{PEM_read_bio_X509_AUX(bio.get(), nullptr, NoPassword, nullptr)}) {
    if (X509_STORE_add_cert(store, ca.get()) != 1) return Unusable("a CA certificate is unusable");
    if (server) SSL_CTX_add_client_CA(context.get(), ca.get());
    ++added;
  }
  const auto last = ERR_peek_last_error();
  if (added == 0 || ERR_GET_REASON(last) != PEM_R_NO_START_LINE) {
    return Unusable("the CA file does not consist of PEM certificates");
  }
  ERR_clear_error();
  return {};
}

int TlsContext::State::SelectAlpn(SSL*, const unsigned char** out, unsigned char* out_length,
                                  const unsigned char* in, unsigned int in_length, void* self) {
  const auto& wire = static_cast<State*>(self)->alpn_wire;
  unsigned char* selected = nullptr;
  const int found = SSL_select_next_proto(&selected, out_length,
                                          reinterpret_cast<const unsigned char*>(wire.data()),
                                          static_cast<unsigned int>(wire.size()), in, in_length);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

int TlsContext::State::KeepSession(SSL* ssl, SSL_SESSION* session) {
  auto* state = static_cast<State*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  std::lock_guard lock(state->mutex);
  state->session.reset(session);
  return 1;  // we keep the reference
}

TlsContext::TlsContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<const TlsContext>> TlsContext::Server(const ServerTlsOptions& options) {
  auto state = State::Make(true);
  if (!state) return Unusable("out of memory");
  MK8S_RETURN_IF_ERROR(state->UseIdentity(options.identity));
  SSL_CTX* context = state->context.get();
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(kSessionContext),
                                 sizeof kSessionContext - 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets hold the state
  SSL_CTX_set_num_tickets(context, 1);
  if (!options.alpn.empty()) {
    state->alpn_wire = AlpnWire(options.alpn);
    SSL_CTX_set_alpn_select_cb(context, State::SelectAlpn, state.get());
  }
  if (options.client_auth != ClientAuth::kNone) {
    MK8S_RETURN_IF_ERROR(state->Trust(options.client_ca_pem));
    const int required =
        options.client_auth == ClientAuth::kRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, OnVerify);
  }
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(state)));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::Client(const ClientTlsOptions& options) {
  auto state = State::Make(false);
  if (!state) return Unusable("out of memory");
  SSL_CTX* context = state->context.get();
  if (!options.identity.chain_pem.empty()) {
    MK8S_RETURN_IF_ERROR(state->UseIdentity(options.identity));
  }
  if (options.insecure_skip_verify) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  } else {
    if (options.server_name.empty()) return Unusable("no server name to verify");
    if (options.ca_pem.empty()) {
      SSL_CTX_set_default_verify_paths(context);
    } else {
      MK8S_RETURN_IF_ERROR(state->Trust(options.ca_pem));
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, OnVerify);
  }
  if (!options.alpn.empty()) {
    const auto wire = AlpnWire(options.alpn);
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(wire.data()),
                            static_cast<unsigned int>(wire.size()));
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context, State::KeepSession);
  state->server_name = options.server_name;
  state->verify = !options.insecure_skip_verify;
  std::unique_ptr<ASN1_OCTET_STRING, OpenSslFree<ASN1_OCTET_STRING_free>> ip(
      a2i_IPADDRESS(options.server_name.c_str()));
  ERR_clear_error();
  state->server_name_is_ip = ip != nullptr;
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(state)));
}

bool TlsContext::server() const { return state_->server; }

ssl_st* TlsContext::NewSsl() const {
  SslPtr ssl(SSL_new(state_->context.get()));
  if (!ssl) return nullptr;
  if (state_->server) {
    SSL_set_accept_state(ssl.get());
    return ssl.release();
  }
  SSL_set_connect_state(ssl.get());
  const auto& name = state_->server_name;
  X509_VERIFY_PARAM* verify = SSL_get0_param(ssl.get());
  if (state_->server_name_is_ip) {
    if (state_->verify && X509_VERIFY_PARAM_set1_ip_asc(verify, name.c_str()) != 1) return nullptr;
  } else if (!name.empty()) {
    SSL_set_tlsext_host_name(ssl.get(), name.c_str());  // SNI; not for IP literals (RFC 6066)
    X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (state_->verify && X509_VERIFY_PARAM_set1_host(verify, name.data(), name.size()) != 1) {
      return nullptr;
    }
  }
  std::lock_guard lock(state_->mutex);
  if (state_->session) SSL_set_session(ssl.get(), state_->session.get());
  return ssl.release();
}

Result<TlsIdentity> TlsIdentity::FromFiles(const std::string& chain_file,
                                           const std::string& key_file) {
  MK8S_ASSIGN_OR_RETURN(auto chain, ReadPem(chain_file));
  MK8S_ASSIGN_OR_RETURN(auto key, ReadPem(key_file));
  return TlsIdentity{std::move(chain), Secret(std::move(key))};
}

void RecordVerifyFailure(SSL* ssl, VerifyFailure* failure) {
  SSL_set_ex_data(ssl, VerifyFailureIndex(), failure);
}

}  // namespace mk8s::net

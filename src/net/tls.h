// TLS configuration (OpenSSL): TLS 1.2 and 1.3, AEAD ciphers with forward secrecy, ALPN, client
// certificates, session tickets; no compression, no renegotiation.  A context is immutable; a
// reload builds a new one, and connections that are open keep theirs.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

// OpenSSL's own names for SSL, SSL_CTX and X509, so that this header needs none of its headers.
struct ssl_st;
struct ssl_ctx_st;
struct x509_st;

namespace mk8s::net {

inline constexpr std::string_view kAlpnHttp2 = "h2";
inline constexpr std::string_view kAlpnHttp1 = "http/1.1";
inline constexpr std::string_view kAlpnTunnel = "mk8s-tunnel/1";

/// A certificate chain, leaf first, and its key, both PEM.
struct TlsIdentity {
  std::string chain_pem;
  Secret key_pem;

  /// Error: kFailedPrecondition, naming the file.
  static Result<TlsIdentity> FromFiles(const std::string& chain_file, const std::string& key_file);
};

enum class ClientAuth {
  kNone,
  kOptional,  // asked for; absent is fine, an invalid one fails the handshake
  kRequired,
};

struct ServerTlsOptions {
  TlsIdentity identity;
  // In our order of preference.  A client that offers ALPN, but none of these, gets a fatal alert;
  // one that offers none is served without.
  std::vector<std::string> alpn;
  std::string client_ca_pem;  // who signs client certificates; needed unless kNone
  ClientAuth client_auth = ClientAuth::kNone;
};

struct ClientTlsOptions {
  std::string server_name;  // DNS name or IP literal: SNI, and what the certificate must be for
  std::string ca_pem;       // empty: the system's roots
  TlsIdentity identity;     // ours; empty: none
  std::vector<std::string> alpn;
  bool insecure_skip_verify = false;
};

/// Thread-safe, immutable but for the client's last session ticket.
class TlsContext {
 public:
  /// Error: kFailedPrecondition, saying which part of the options is unusable.
  static Result<std::shared_ptr<const TlsContext>> Server(const ServerTlsOptions& options);
  static Result<std::shared_ptr<const TlsContext>> Client(const ClientTlsOptions& options);
  ~TlsContext();

  bool server() const;
  /// A new SSL object in accept or connect state; the caller frees it.  Null when out of memory.
  ssl_st* NewSsl() const;

 private:
  struct State;
  explicit TlsContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The context for new connections; replaced whole.  Thread-safe.
class ReloadableTlsContext {
 public:
  explicit ReloadableTlsContext(std::shared_ptr<const TlsContext> context)
      : context_(std::move(context)) {}

  std::shared_ptr<const TlsContext> Get() const {
    std::lock_guard lock(mutex_);
    return context_;
  }
  void Replace(std::shared_ptr<const TlsContext> context) {
    std::lock_guard lock(mutex_);
    context_.swap(context);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsContext> context_;
};

/// What the peer showed.  On a server it is always verified against `client_ca_pem`.
struct PeerCertificate {
  // Where we dialled: the leaf and what was sent with it; a resumed session has the leaf only.  A
  // server's many peers are known by their names.
  std::string chain_pem;
  std::string sha256;  // of the DER, 64 hexadecimal digits
  std::string serial;  // hexadecimal, lower case
  std::string common_name;
  std::vector<std::string> dns_names;
  std::vector<std::string> uris;
  WallTime not_after{};
};

}  // namespace mk8s::net

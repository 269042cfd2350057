// The bytes of a connection, between the socket and net::Connection.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "net/transport_internal.h"

namespace mk8s::net {
namespace {

// What browsers and curl get when they speak HTTP to the TLS port, as from Go's and nginx's
// servers.
constexpr std::string_view kPlainHttpAnswer =
    "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    "This port speaks HTTPS only; use https:// in the address.\n";

}  // namespace

/// The BIO between OpenSSL and the socket.
struct SocketBio {
  static Transport::Socket& Of(BIO* bio) {
    return *static_cast<Transport::Socket*>(BIO_get_data(bio));
  }

  static int Read(BIO* bio, char* to, int size) {
    Transport::Socket& socket = Of(bio);
    BIO_clear_retry_flags(bio);
    const ssize_t got = recv(socket.fd, to, static_cast<std::size_t>(size), 0);
    if (got > 0) {
      socket.drained = got < size;
      return static_cast<int>(got);
    }
    socket.drained = true;
    if (got == 0) {
      socket.eof = true;
      return 0;
    }
    if (errno == EAGAIN || errno == EINTR) {
      BIO_set_retry_read(bio);
    } else {
      socket.error = errno;
    }
    return -1;
  }

  static int Write(BIO* bio, const char* from, int size) {
    Transport::Socket& socket = Of(bio);
    BIO_clear_retry_flags(bio);
    const int flags = MSG_NOSIGNAL | (socket.more ? MSG_MORE : 0);
    const ssize_t sent = send(socket.fd, from, static_cast<std::size_t>(size), flags);
    if (sent >= 0) return static_cast<int>(sent);
    if (errno == EAGAIN || errno == EINTR) {
      BIO_set_retry_write(bio);
    } else {
      socket.error = errno;
    }
    return -1;
  }

  static long Control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return Of(bio).eof ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static const BIO_METHOD* Method() {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mk8s socket");
      BIO_meth_set_read(made, Read);
      BIO_meth_set_write(made, Write);
      BIO_meth_set_ctrl(made, Control);
      return made;
    }();
    return method;
  }
};

Transport::Transport(int fd, std::shared_ptr<const TlsContext> context)
    : context_(std::move(context)) {
  socket_.fd = fd;
  if (!context_) return;
  ssl_.reset(context_->NewSsl());
  BIO* bio = BIO_new(SocketBio::Method());
  if (!ssl_ || !bio) {  // out of memory: the handshake fails
    BIO_free(bio);
    ssl_.reset();
    return;
  }
  BIO_set_data(bio, &socket_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  RecordVerifyFailure(ssl_.get(), &verify_failure_);
}

Transport::~Transport() { Close(false); }

IoStatus Transport::Classify(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return IoStatus::kAgain;
    case SSL_ERROR_ZERO_RETURN:
      return IoStatus::kEof;
    default:
      tls_reason_ = ERR_peek_last_error();
      tls_error_ = TakeOpenSslError();
      return IoStatus::kFailed;
  }
}

IoStatus Transport::Handshake() {
  if (!context_) return IoStatus::kDone;
  if (!ssl_) {
    tls_error_ = "out of memory";
    return IoStatus::kFailed;
  }
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) {
    const IoStatus status = Classify(result);
    return status == IoStatus::kAgain ? status : FailHandshake();
  }
  handshake_done_ = true;
  // A resumed session skips the verification, and a certificate may have ended since.
  if (context_->server() && SSL_session_reused(ssl_.get())) {
    if (X509* peer = SSL_get0_peer_certificate(ssl_.get());
        peer && X509_cmp_current_time(X509_get0_notAfter(peer)) <= 0) {
      tls_error_ = "the client's certificate expired after its session began";
      return IoStatus::kFailed;
    }
  }
  return IoStatus::kDone;
}

IoStatus Transport::FailHandshake() {
  if (context_->server() && ERR_GET_REASON(tls_reason_) == SSL_R_HTTP_REQUEST) {
    send(socket_.fd, kPlainHttpAnswer.data(), kPlainHttpAnswer.size(), MSG_NOSIGNAL);
    shutdown(socket_.fd, SHUT_WR);
  }
  return IoStatus::kFailed;
}

Transport::ReadResult Transport::Read(char* to, std::size_t size) {
  if (!ssl_) {
    const ssize_t got = recv(socket_.fd, to, size, 0);
    if (got > 0) {
      const auto bytes = static_cast<std::size_t>(got);
      return {IoStatus::kDone, bytes, bytes < size};
    }
    if (got == 0) return {IoStatus::kEof};
    if (errno == EAGAIN || errno == EINTR) return {IoStatus::kAgain};
    socket_.error = errno;
    return {IoStatus::kFailed};
  }
  ERR_clear_error();
  std::size_t got = 0;
  const int result = SSL_read_ex(ssl_.get(), to, size, &got);
  if (result != 1) return {Classify(result)};
  return {IoStatus::kDone, got, socket_.drained && SSL_has_pending(ssl_.get()) == 0};
}

IoStatus Transport::Write(std::string_view bytes, std::size_t& written) {
  written = 0;
  while (written < bytes.size()) {
    const std::string_view rest = bytes.substr(written);
    if (!ssl_) {
      const ssize_t sent = send(socket_.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        written += static_cast<std::size_t>(sent);
        continue;
      }
      if (errno == EAGAIN || errno == EINTR) return IoStatus::kAgain;
      socket_.error = errno;
      return IoStatus::kFailed;
    }
    ERR_clear_error();
    socket_.more = rest.size() > SSL3_RT_MAX_PLAIN_LENGTH;
    std::size_t sent = 0;
    const int result = SSL_write_ex(ssl_.get(), rest.data(), rest.size(), &sent);
    if (result != 1) return Classify(result);
    written += sent;
  }
  return IoStatus::kDone;
}

void Transport::ShutdownWrite() {
  if (ssl_ && handshake_done_) {
    ERR_clear_error();
    socket_.more = false;
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  shutdown(socket_.fd, SHUT_WR);
}

void Transport::Close(bool clean) {
  if (socket_.fd < 0) return;
  if (clean && ssl_ && handshake_done_) {
    ERR_clear_error();
    socket_.more = false;
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  close(socket_.fd);
  socket_.fd = -1;
}

Error Transport::error() const {
  if (verify_failure_.reason != X509_V_OK) {
    // The message is public: whoever dials must be able to compare the fingerprint.
    return MakeError(ErrorCode::kFailedPrecondition,
                     "the certificate is not trusted: " +
                         std::string(X509_verify_cert_error_string(verify_failure_.reason)) +
                         " (SHA-256 " + verify_failure_.fingerprint + ")",
                     tls_error_);
  }
  if (!tls_error_.empty()) {
    const char* reason = ERR_reason_error_string(tls_reason_);
    return MakeError(ErrorCode::kUnavailable,
                     reason ? std::string("TLS failed: ") + reason : "TLS failed", tls_error_);
  }
  if (socket_.error != 0) {
    return MakeError(ErrorCode::kUnavailable, std::strerror(socket_.error));
  }
  return MakeError(ErrorCode::kUnavailable, "the peer closed the connection");
}

std::string_view Transport::alpn() const {
  if (!ssl_) return {};
  const unsigned char* name = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}

std::unique_ptr<PeerCertificate> Transport::TakePeerCertificate() const {
  X509* peer = ssl_ ? SSL_get0_peer_certificate(ssl_.get()) : nullptr;
  if (!peer) return nullptr;
  auto certificate = std::make_unique<PeerCertificate>(ParsePeerCertificate(peer));
  if (!context_->server()) {
    certificate->chain_pem = ChainPem(peer, SSL_get_peer_cert_chain(ssl_.get()));
  }
  return certificate;
}

}  // namespace mk8s::net

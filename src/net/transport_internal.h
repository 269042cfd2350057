// A non-blocking socket with or without TLS.  OpenSSL reads and writes the socket itself, by a BIO
// of ours that differs from OpenSSL's in three ways: no SIGPIPE, it tells whether the kernel's
// buffer ran dry, and records of one flush leave together (MSG_MORE).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/tls.h"
#include "net/tls_internal.h"

namespace mk8s::net {

enum class IoStatus {
  kDone,
  kAgain,   // wait for readiness in the direction asked for
  kEof,     // close_notify, or FIN without TLS
  kFailed,  // reset, or a TLS error; error() says why
};

class Transport {
 public:
  /// Takes `fd`.  `context` null: plain.
  Transport(int fd, std::shared_ptr<const TlsContext> context);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  int fd() const { return socket_.fd; }
  bool encrypted() const { return context_ != nullptr; }

  IoStatus Handshake();

  struct ReadResult {
    IoStatus status;
    std::size_t bytes = 0;
    // Nothing more is to be had before the next readiness event: a read of the socket came short.
    bool drained = false;
  };
  ReadResult Read(char* to, std::size_t size);
  /// A readiness event said that bytes came since the last read of the socket.
  void BytesCame() { socket_.drained = false; }

  /// Writes from the front of `bytes` until all is gone or kAgain; `written` says how far it came.
  /// After kAgain the next call must begin with the same bytes.
  IoStatus Write(std::string_view bytes, std::size_t& written);

  /// close_notify and FIN; the other direction stays open.
  void ShutdownWrite();
  /// Closes the socket; `clean`: with a close_notify if it can be sent at once.
  void Close(bool clean);

  /// After kFailed.
  Error error() const;
  std::string_view alpn() const;
  /// After the handshake; null when the peer showed none.
  std::unique_ptr<PeerCertificate> TakePeerCertificate() const;

 private:
  struct Socket {
    int fd = -1;
    bool drained = false;  // the last recv came short
    bool eof = false;
    bool more = false;  // further records follow at once
    int error = 0;      // errno of the last failure
  };
  friend struct SocketBio;

  IoStatus Classify(int result);
  IoStatus FailHandshake();

  Socket socket_;
  std::shared_ptr<const TlsContext> context_;
  SslPtr ssl_;
  VerifyFailure verify_failure_;
  std::string tls_error_;
  unsigned long tls_reason_ = 0;
  bool handshake_done_ = false;
};

}  // namespace mk8s::net

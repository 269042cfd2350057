// One HTTPS exchange with central: the seam between the commands and the network.  Tests put a fake
// here.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"
#include "net/blocking_client.h"
#include "net/blocking_upgrade.h"

namespace mk8s::cli {

struct Endpoint {
  std::string url;
  std::string ca_file;  // empty: the system's certificates
  bool insecure_skip_tls_verify = false;
  std::chrono::milliseconds timeout{30'000};
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// Any status is a value.  Errors: as net::BlockingClient::Do; kFailedPrecondition means that the
  /// server's certificate is not trusted or the CA file is unusable.
  virtual Result<net::Response> Send(std::string_view method, std::string_view path,
                                     const http::Fields& fields, std::string_view body) = 0;
  /// A WebSocket at `path`, run until `handler` is done; as net::RunUpgrade.
  virtual Result<net::Response> OpenWebSocket(std::string_view path, const http::Fields& fields,
                                              net::UpgradeHandler& handler) = 0;
  /// SHA-256 of the certificate that the server shows, as "AB:CD:...", without trusting it.
  virtual Result<std::string> Fingerprint() = 0;
};

/// Connects at the first Send: a command that needs no network pays nothing.
std::unique_ptr<Transport> NewTransport(Endpoint endpoint);

}  // namespace mk8s::cli

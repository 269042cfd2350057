// A synchronous HTTPS client for the command line: one connection, kept between calls, HTTP/1.1.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"
#include "http/message.h"

namespace mk8s::net {

struct BlockingClientOptions {
  std::string base_url;  // "https://host:port", no path; "http://" is for loopback only
  std::string ca_pem;    // empty: the system's roots
  bool insecure_skip_verify = false;
  std::chrono::milliseconds timeout{30'000};  // of one call; streamed bodies: between two pieces
  std::size_t body_bytes_max = limits::kClientBodyBytesMax;
};

struct Response {
  int status = 0;
  http::Fields fields;
  std::string body;
};

/// One thread at a time.
class BlockingClient {
 public:
  /// Error: kInvalidArgument for a base_url it cannot use, kFailedPrecondition for a CA file.
  static Result<std::unique_ptr<BlockingClient>> Create(const BlockingClientOptions& options);
  ~BlockingClient();

  /// `path` with its query.  Any status is a value; errors are those of Dial, kDeadlineExceeded,
  /// kTooLarge, kBadGateway.  Retried once when a kept connection turned out to be dead before
  /// anything was answered, and the method is safe.
  Result<Response> Do(std::string_view method, std::string_view path,
                      const http::Fields& fields = {}, std::string_view body = {});

  /// As Do, but body pieces go to `on_body` as they come, when the status is 2xx; it returns false
  /// to stop.  The result's body then is empty.
  Result<Response> Stream(std::string_view method, std::string_view path,
                          const http::Fields& fields, std::string_view body,
                          const std::function<bool(std::string_view)>& on_body);

 private:
  class State;
  explicit BlockingClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct UrlParts {
  bool tls = true;
  std::string host;  // without brackets
  std::uint16_t port = 443;
};

/// "https://host[:port]" with an optional "/" at the end.  Error: kInvalidArgument.
Result<UrlParts> ParseBaseUrl(std::string_view url);

/// SHA-256 of the certificate that the server at `base_url` shows, 64 hexadecimal digits, and its
/// chain as PEM, without trusting it: to show to a person who decides.
struct PeerIdentity {
  std::string sha256;
  std::string chain_pem;
};
Result<PeerIdentity> FetchPeerIdentity(const std::string& base_url,
                                       std::chrono::milliseconds timeout);

}  // namespace mk8s::net

// An upgraded exchange of the command line: HTTP/1.1, on a connection and a loop of its own, which
// runs on the caller's thread for as long as the exchange lasts.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "http/stream.h"
#include "net/blocking_client.h"
#include "net/loop.h"

namespace mk8s::net {

/// Told on the caller's thread.  May use the loop for descriptors and timers of its own.
class UpgradeHandler {
 public:
  virtual ~UpgradeHandler() = default;
  /// First of all, before the connection is there.
  virtual void OnStart(Loop& loop) = 0;
  /// The server switched.  `stream` is raw bytes in both directions from here on; every byte
  /// received must be consumed.
  virtual void OnOpen(std::shared_ptr<http::Stream> stream) = 0;
  virtual void OnBytes(std::string_view bytes) = 0;
  virtual void OnSent(std::size_t bytes) = 0;
  /// The server ended its direction or the connection broke.
  virtual void OnClosed() = 0;
  /// Asked after each turn of the loop: nothing is waited for any more.
  virtual bool Done() const = 0;
};

/// Asks for an upgrade to `protocol` and runs it until the handler is done.  The response: 101, or
/// whatever else the server answered, with its body, and without a call of the handler.  Errors:
/// as BlockingClient::Do; `timeout` of the options bounds the time until the answer; kCancelled
/// when the handler was done before it.
Result<Response> RunUpgrade(const BlockingClientOptions& options, std::string_view path,
                            const http::Fields& fields, std::string_view protocol,
                            UpgradeHandler& handler);

}  // namespace mk8s::net

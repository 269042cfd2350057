// Accepts connections on one loop and deals them out to the group's loops in turn: kubectl opens
// few long connections, so an even deal matters more than a cheaper accept.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "net/connection.h"
#include "net/loop.h"
#include "net/tls.h"

namespace mk8s::net {

struct ListenerOptions {
  std::string bind_address = "0.0.0.0";  // an IPv4 or IPv6 literal; "::" takes both
  std::uint16_t port = 0;                // 0: any free one
  std::size_t connections_max = limits::kFrontConnectionsMax;  // at the bound accept waits
  std::shared_ptr<const ReloadableTlsContext> tls;             // null: plaintext
  std::chrono::milliseconds handshake_deadline = limits::kTlsHandshakeDeadline;
};

/// Runs on the connection's loop after the TLS handshake, or at once without TLS.  It attaches a
/// session, hands the connection off, or closes it.
using OnConnection = std::function<void(std::shared_ptr<Connection>)>;

class Listener {
 public:
  /// The group may be started before or after.  Error: kFailedPrecondition, naming address and port
  /// and what to do.
  static Result<std::unique_ptr<Listener>> Listen(LoopGroup& loops, const ListenerOptions& options,
                                                  OnConnection on_connection);
  /// The same with every connection on the loops given; not empty.
  static Result<std::unique_ptr<Listener>> Listen(std::vector<Loop*> loops,
                                                  const ListenerOptions& options,
                                                  OnConnection on_connection);
  /// Takes over a non-blocking socket that listens already, perhaps in another network namespace.
  static std::unique_ptr<Listener> Adopt(Loop& loop, int fd, const ListenerOptions& options,
                                         OnConnection on_connection);
  /// Stops accepting; open connections go on.
  ~Listener();

  std::uint16_t port() const;
  /// "127.0.0.1:8080" or "[::1]:8080", with the real port.
  const std::string& endpoint() const;
  /// How this machine reaches it: as endpoint(), on loopback where it is bound to every address.
  std::string local_endpoint() const;
  /// Open now, handshakes included.  Thread-safe.
  std::size_t connections() const;

  /// Closes the listening socket.  Thread-safe, idempotent.
  void StopAccepting();
  /// StopAccepting, then Connection::Shutdown(grace) for all.  Thread-safe, returns at once.
  void Drain(std::chrono::milliseconds grace);
  /// True once no connection is open, false when `timeout` came first.  Not from a loop's thread.
  bool WaitUntilClosed(std::chrono::milliseconds timeout);

 private:
  struct State;
  explicit Listener(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace mk8s::net

// How the command line's clients reach their server: blocking_client.cc for plain calls,
// blocking_upgrade.cc for upgrades.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "http/stream.h"
#include "net/blocking_client.h"
#include "net/connection.h"
#include "net/dialer.h"
#include "net/loop.h"
#include "net/tls.h"

namespace mk8s::net {

struct ClientOrigin {
  DialTarget target;
  std::shared_ptr<const TlsContext> tls;  // null: plaintext
};

/// Error: as BlockingClient::Create.
Result<ClientOrigin> OriginOf(const BlockingClientOptions& options);

struct ClientConnection {
  std::shared_ptr<Connection> connection;
  http::ClientSession* session = nullptr;  // HTTP/1.1; the connection's
};

/// Runs the loop until the connection is there.  Errors: as Dial; kCancelled once `given_up`, asked
/// after each turn, says so.
Result<ClientConnection> ConnectTo(
    Loop& loop, const ClientOrigin& origin, std::chrono::milliseconds timeout,
    const std::function<bool()>& given_up = [] { return false; });

}  // namespace mk8s::net

// Serves HTTP on an accepted connection: HTTP/2 by ALPN "h2", else HTTP/1.1.
#pragma once

#include <memory>

#include "http/stream.h"
#include "net/connection.h"

namespace mk8s::net {

/// Attaches the session that ALPN asked for.  `handler` must outlive the connection's loop.
void ServeHttp(Connection& connection, http::Handler& handler);

}  // namespace mk8s::net

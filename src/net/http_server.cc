// Serves HTTP on an accepted connection.
#include "net/http_server.h"

#include "h1/session.h"
#include "h2/session.h"

namespace mk8s::net {

void ServeHttp(Connection& connection, http::Handler& handler) {
  if (connection.alpn() == kAlpnHttp2) {
    connection.Attach(h2::Session::Server(handler), Deadlines::Server(/*http1=*/false));
  } else {
    connection.Attach(h1::ServerSession::Make(handler), Deadlines::Server(/*http1=*/true));
  }
}

}  // namespace mk8s::net

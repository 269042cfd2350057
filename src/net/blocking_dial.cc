// See blocking_dial.h.
#include "net/blocking_dial.h"

#include <optional>

#include "h1/session.h"

namespace mk8s::net {

Result<ClientOrigin> OriginOf(const BlockingClientOptions& options) {
  MK8S_ASSIGN_OR_RETURN(const auto url, ParseBaseUrl(options.base_url));
  ClientOrigin origin;
  origin.target = {url.host, url.port, url.tls ? ProxyFromEnvironment(url.host) : ""};
  if (url.tls) {
    MK8S_ASSIGN_OR_RETURN(
        origin.tls, TlsContext::Client({.server_name = url.host,
                                        .ca_pem = options.ca_pem,
                                        .alpn = {std::string(kAlpnHttp1)},
                                        .insecure_skip_verify = options.insecure_skip_verify}));
  }
  return origin;
}

Result<ClientConnection> ConnectTo(Loop& loop, const ClientOrigin& origin,
                                   std::chrono::milliseconds timeout,
                                   const std::function<bool()>& given_up) {
  // Shared, as it may come when nobody waits any more.
  auto dialed = std::make_shared<std::optional<Result<std::shared_ptr<Connection>>>>();
  Dial(loop, origin.target, origin.tls,
       std::min(timeout, std::chrono::milliseconds(limits::kDialDeadline)),
       [dialed](auto result) { *dialed = std::move(result); });
  // Dial has its own deadline.
  loop.RunUntil([&] { return dialed->has_value() || given_up(); });
  if (!dialed->has_value()) return MakeError(ErrorCode::kCancelled, "cancelled");
  if (!**dialed) return (*dialed)->error();
  auto session = h1::ClientSession::Make();
  const ClientConnection made{***dialed, session.get()};
  Deadlines none = Deadlines::Client();
  none.idle = std::chrono::milliseconds(0);  // the loop stands still between calls
  made.connection->Attach(std::move(session), none);
  return made;
}

}  // namespace mk8s::net

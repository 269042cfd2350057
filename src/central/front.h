// The users' port: gives each request its id and sends it to the Kubernetes gateway, to exec or to
// REST.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "central/services.h"
#include "net/listener.h"

namespace mk8s::central {

class ExecGateway;
class KubeGateway;
class Rest;

class Front {
 public:
  Front(Services& services, KubeGateway& gateway, ExecGateway& exec, Rest& rest)
      : services_(services), gateway_(gateway), exec_(exec), rest_(rest) {}

  /// Listens on server.http_port for up to `connections_max` at once; `tls` null serves plain HTTP
  /// (tls.enabled: false).
  Result<void> Listen(net::LoopGroup& loops, const std::string& bind_address, std::uint16_t port,
                      std::shared_ptr<const net::ReloadableTlsContext> tls,
                      std::size_t connections_max);
  net::Listener& listener() { return *listener_; }

 private:
  class ConnectionHandler;

  Services& services_;
  KubeGateway& gateway_;
  ExecGateway& exec_;
  Rest& rest_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace mk8s::central

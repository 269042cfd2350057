// The agents' port: gRPC, and the Kubernetes requests of commands beside the agents, by ALPN h2;
// tunnel connections by ALPN mk8s-tunnel/1 (there central is the HTTP/2 client).
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "central/agent_service.h"
#include "central/metrics.h"
#include "central/services.h"
#include "grpc/server.h"
#include "net/listener.h"

namespace mk8s::central {

class ExecGateway;
class KubeGateway;
class Snapshot;
struct Tunnel;

class AgentPort {
 public:
  AgentPort(Services& services, Metrics& metrics, net::LoopGroup& loops,
            const pki::CertificateAuthority& ca, KubeGateway& gateway, const ExecGateway& exec);
  ~AgentPort();

  /// For up to `connections_max` at once.
  Result<void> Listen(const std::string& bind_address, std::uint16_t port,
                      std::shared_ptr<const net::ReloadableTlsContext> tls,
                      std::size_t connections_max);
  net::Listener& listener() { return *listener_; }

  /// Cuts the tunnels of clusters that were removed or whose token was rotated.  Thread-safe.
  void Recheck(const Snapshot& snapshot);

 private:
  class ServedConnection;

  void Serve(const std::shared_ptr<net::Connection>& connection);
  void AcceptTunnel(const std::shared_ptr<net::Connection>& connection);
  void AttachTunnel(const std::shared_ptr<Tunnel>& tunnel, const std::string& cluster);

  Services& services_;
  Metrics& metrics_;
  net::LoopGroup& loops_;
  KubeGateway& gateway_;
  const ExecGateway& exec_;
  AgentService service_;
  grpc::Server grpc_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace mk8s::central

// See agent_port.h.
#include "central/agent_port.h"

#include "base/limits.h"
#include "base/log.h"
#include "central/agent_identity_check.h"
#include "central/command_requests.h"
#include "central/exec_gateway.h"
#include "central/snapshot.h"
#include "central/tunnels.h"
#include "gateway/loop_timer.h"
#include "h2/session.h"
#include "net/http_server.h"

namespace mk8s::central {
namespace {

int TunnelConnections(const net::LoopGroup& loops) {
  return static_cast<int>(std::min(loops.size(), limits::kTunnelConnectionsMax));
}

}  // namespace

// What a connection on which the agent asks needs until it is closed.
class AgentPort::ServedConnection {
 public:
  ServedConnection(AgentPort& port, net::Connection& connection)
      : timer_(connection.loop()),
        grpc_(port.grpc_, timer_, AgentPeer{.connection = &connection, .ip = connection.peer_ip()}),
        handler_(port.services_, port.gateway_, port.exec_.registry(), connection, grpc_) {}

  http::Handler& handler() { return handler_; }

 private:
  gateway::LoopTimer timer_;
  grpc::ConnectionHandler grpc_;
  CommandRequests handler_;
};

AgentPort::AgentPort(Services& services, Metrics& metrics, net::LoopGroup& loops,
                     const pki::CertificateAuthority& ca, KubeGateway& gateway,
                     const ExecGateway& exec)
    : services_(services),
      metrics_(metrics),
      loops_(loops),
      gateway_(gateway),
      exec_(exec),
      service_(services, metrics, ca, TunnelConnections(loops)) {
  service_.AddTo(grpc_);
}

AgentPort::~AgentPort() = default;

Result<void> AgentPort::Listen(const std::string& bind_address, std::uint16_t port,
                               std::shared_ptr<const net::ReloadableTlsContext> tls,
                               std::size_t connections_max) {
  MK8S_ASSIGN_OR_RETURN(
      listener_, net::Listener::Listen(loops_,
                                       {.bind_address = bind_address,
                                        .port = port,
                                        .connections_max = connections_max,
                                        .tls = std::move(tls)},
                                       [this](const std::shared_ptr<net::Connection>& connection) {
                                         if (connection->alpn() == net::kAlpnTunnel) {
                                           AcceptTunnel(connection);
                                         } else {
                                           Serve(connection);
                                         }
                                       }));
  return {};
}

void AgentPort::Serve(const std::shared_ptr<net::Connection>& connection) {
  auto state = std::make_shared<ServedConnection>(*this, *connection);
  // The requests of many users' commands come over one agent's connection.
  const bool agent = connection->peer_certificate() != nullptr;
  connection->Attach(
      h2::Session::Server(state->handler(), agent ? h2::Options::Tunnel() : h2::Options()),
      net::Deadlines::Server(false));
  connection->SetOnClosed([state](const Error&) {});
}

void AgentPort::AcceptTunnel(const std::shared_ptr<net::Connection>& connection) {
  const Result<pki::AgentIdentity> identity = CheckAgent(services_, connection->peer_certificate());
  if (!identity) {
    metrics_.agents_refused.fetch_add(1, std::memory_order_relaxed);
    log::Warn("tunnel refused",
              {{"source_ip", connection->peer_ip()}, {"error", identity.error()}});
    return connection->Close();
  }
  auto tunnel = std::make_shared<Tunnel>(Tunnel{.cluster_id = identity->cluster_id,
                                                .token_generation = identity->token_generation,
                                                .epoch = identity->epoch,
                                                .connection = connection});
  std::vector<net::Loop*> loops;
  for (std::size_t i = 0; i < loops_.size(); ++i) loops.push_back(&loops_.at(i));
  services_.tunnels.Place(tunnel, loops);
  connection->SetOnClosed([this, tunnel, cluster = identity->cluster_name](const Error& why) {
    services_.tunnels.Remove(tunnel);
    log::Info("tunnel closed", {{"cluster", cluster}, {"error", why}});
  });
  connection->Handoff(*tunnel->loop, [this, tunnel, cluster = identity->cluster_name](const auto&) {
    AttachTunnel(tunnel, cluster);
  });
}

void AgentPort::AttachTunnel(const std::shared_ptr<Tunnel>& tunnel, const std::string& cluster) {
  std::unique_ptr<h2::Session> session = h2::Session::Client(h2::Options::Tunnel());
  h2::Session* asking = session.get();
  tunnel->session = asking;
  tunnel->connection->Attach(std::move(session), net::Deadlines::Tunnel());
  // The answer to a PING comes behind the agent's SETTINGS, which allow upgrades: from then on
  // requests may go this way.  The agent may have lost its right on the way.
  asking->Ping([this, tunnel, cluster] {
    const auto identity = CheckAgent(services_, tunnel->connection->peer_certificate());
    if (!identity || !services_.tunnels.Add(tunnel)) {
      metrics_.agents_fenced.fetch_add(1, std::memory_order_relaxed);
      log::Warn("tunnel of an older agent refused", {{"cluster", cluster}});
      return tunnel->connection->Close();
    }
    log::Info("tunnel open", {{"cluster", cluster}, {"loop", tunnel->loop->index()}});
  });
}

void AgentPort::Recheck(const Snapshot& snapshot) {
  for (const auto& [cluster_id, generation] : services_.tunnels.Generations()) {
    const Cluster* cluster = snapshot.FindCluster(cluster_id);
    if (cluster == nullptr || cluster->token_generation != generation) {
      services_.tunnels.Cut(cluster_id);
    }
  }
}

}  // namespace mk8s::central

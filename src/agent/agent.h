// The agent as a whole: builds its parts, joins them, drains them.
//
//   Control (loop 0) --registration--> each loop's Worker: its tunnel connections, whose requests
//   the RelayHandler relays through the loop's own ClusterClient; or it runs a command beside the
//   agent, whose requests go to central through the loop's CentralClient.  Nothing of a request
//   crosses threads.
//
// A cluster that nobody asks for costs central one tunnel connection: the first request opens the
// others, and they are closed when the certificate was renewed twice without any between.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "agent/central_client.h"
#include "agent/central_tls.h"
#include "agent/cluster_client.h"
#include "agent/cluster_facts.h"
#include "agent/control.h"
#include "agent/diagnostics.h"
#include "agent/relay_handler.h"
#include "agent/status.h"
#include "agent/tunnel_connection.h"
#include "command/service.h"
#include "command/surroundings.h"
#include "config/agent_config.h"
#include "grpc/server.h"
#include "net/diagnostics_port.h"
#include "net/loop.h"
#include "net/work_pool.h"

namespace mk8s::agent {

class Agent {
 public:
  /// Starts everything; from then on it finds its way by itself.  Errors: what no retry mends: an
  /// unusable kubeconfig or CA file, a port in use.
  static Result<std::unique_ptr<Agent>> Start(config::AgentConfig config);
  /// Stops at once.
  ~Agent();

  /// Registered, a tunnel open, and the API server answered.
  bool Ready() const;
  /// One line: {"cluster":"...","diagnostics":"http://..."}.
  std::string ReadyJson() const;
  /// Takes no new requests and waits until those under way ended, at most limits::kShutdownGrace.
  void Drain();

 private:
  // What one loop has of its own.
  struct Worker {
    Worker(Agent& agent, net::Loop& loop);
    void AddTunnels(std::size_t count);
    /// A new registration: drops the tunnels of the one before.
    void StartTunnels(const std::shared_ptr<const net::TlsContext>& tls);
    void ResumeTunnels(const std::shared_ptr<const net::TlsContext>& tls);
    /// Closes all idle ones but the first of the first loop.
    void CloseIdleTunnels();
    bool Keeps(std::size_t tunnel) const { return loop.index() == 0 && tunnel == 0; }

    net::Loop& loop;
    Agent& agent;
    ClusterClient client;
    CentralClient central;
    command::Surroundings surroundings;
    command::Service commands;
    grpc::Server service;
    RelayHandler handler;
    std::vector<std::unique_ptr<TunnelConnection>> tunnels;
  };

  // What Start makes before the agent, as each can fail.
  struct Parts {
    CentralTls central_tls;
    std::shared_ptr<net::ReloadableTlsContext> asking_tls;
    std::unique_ptr<Cluster> cluster;
    std::unique_ptr<command::Shared> commands;
  };
  static Result<Parts> MakeParts(const config::AgentConfig& config);
  Agent(config::AgentConfig config, Parts parts);
  Result<void> Listen();
  void OnEachWorker(const std::function<void(Worker&)>& call);
  void OnRegistered(const Registration& registration, const net::TlsIdentity& identity);
  void OnRenewed(const net::TlsIdentity& identity);
  void UseForCommands(const net::TlsIdentity& identity);
  void OnRefused();
  void OnFirstRequest();

  void RefreshCredential(bool refused);
  void RefreshBlocking(bool refused);
  void ScheduleRefresh(bool failed);

  const config::AgentConfig config_;
  const CentralTls central_tls_;
  const net::DialTarget central_;
  const std::shared_ptr<net::ReloadableTlsContext> asking_tls_;  // of CentralClient
  const std::unique_ptr<Cluster> cluster_;
  const std::unique_ptr<command::Shared> commands_;
  Status status_;
  net::LoopGroup loops_;
  net::WorkPool pool_;          // for what blocks: token files, credential plugins
  net::WorkPool command_pool_;  // commands' starts and ends, which those must not hold up
  std::vector<std::unique_ptr<Worker>> workers_;
  std::shared_ptr<const net::TlsContext> tunnel_tls_;  // loop 0; null: not registered
  std::unique_ptr<ClusterFacts> facts_;
  std::unique_ptr<Control> control_;
  net::DiagnosticsPort diagnostics_;
  net::Timer refresh_timer_;  // loop 0
  std::atomic<bool> refreshing_{false};
  std::atomic<std::int64_t> refused_at_ms_{0};  // monotonic; when the API server last refused us
};

}  // namespace mk8s::agent

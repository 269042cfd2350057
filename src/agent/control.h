// The agent's conversation with central: Register once (token and certificate request against a
// certificate), then heartbeats over a connection that shows the certificate, and a new certificate
// at two thirds of its life.  The key is only in memory: a restarted agent registers again.
//
//   Register ---ok---> Connect ---> heartbeats, renewal ---lost---> Connect
//      ^                                  |
//      +------- refused or expired -------+
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "agent/agent_messages.h"
#include "agent/backoff.h"
#include "agent/central_tls.h"
#include "agent/cluster_facts.h"
#include "agent/status.h"
#include "base/clock.h"
#include "config/agent_config.h"
#include "gateway/loop_timer.h"
#include "h2/session.h"
#include "net/connection.h"
#include "net/dialer.h"
#include "net/loop.h"
#include "pki/certificate.h"

namespace mk8s::agent {

/// What Control tells the rest of the agent; called on its loop.
struct ControlEvents {
  std::function<void(const Registration&, const net::TlsIdentity&)> on_registered;
  std::function<void(const net::TlsIdentity&)> on_renewed;
  std::function<void()> on_refused;  // the registration is not good any more
};

/// Loop thread only.  Must outlive its loop's run.
class Control {
 public:
  Control(net::Loop& loop, const config::AgentConfig& config, const CentralTls& tls,
          net::DialTarget central, const ClusterFacts& facts, Status& status, ControlEvents events);

  void Start() { Register(); }
  /// A tunnel was lost: asks central now, rather than with the next heartbeat, whether it still
  /// accepts this agent.
  void TunnelLost();
  void Stop();

 private:
  enum class Failure { kTransient, kRefused };
  using OnOpen = std::function<void()>;

  void Open(const net::TlsIdentity& identity, OnOpen on_open);
  void OnDialed(Result<std::shared_ptr<net::Connection>> dialed, const OnOpen& on_open);
  void Call(std::string_view path, std::string_view request,
            std::function<void(Result<std::string>)> done);

  void Register();
  void OnRegistered(Result<std::string> answer, const Secret& key_pem);
  void Connect();
  void Heartbeat();
  void OnHeartbeat(Result<std::string> answer);
  void Renew();
  void OnRenewed(Result<std::string> answer, const Secret& key_pem);

  Result<void> Adopt(const std::string& chain_pem, const Secret& key_pem);
  void Refused(const Error& why);
  void Failed(const char* what, const Error& why, Failure kind);
  void CloseConnection();
  void OnLost(const Error& why);

  net::Loop& loop_;
  const config::AgentConfig& config_;
  const CentralTls& tls_;
  const net::DialTarget central_;
  const ClusterFacts& facts_;
  Status& status_;
  const ControlEvents events_;
  gateway::LoopTimer grpc_timer_;
  Backoff backoff_;
  net::Timer next_;       // the next attempt or heartbeat
  bool calling_ = false;  // a call is under way on connection_

  std::shared_ptr<net::Connection> connection_;
  h2::Session* session_ = nullptr;  // connection_'s
  std::uint64_t attempt_ = 0;       // tells what belongs to an abandoned connection apart
  bool worked_ = false;             // a heartbeat was answered on connection_
  int lost_in_row_ = 0;             // connections lost before that

  Registration registration_;
  net::TlsIdentity identity_;  // empty: not registered
  WallTime renew_at_{};
  WallTime expires_at_{};
};

}  // namespace mk8s::agent

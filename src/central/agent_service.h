// The gRPC service that agents call: Register, RenewCertificate, Heartbeat
// (api/proto/mk8s/agent/v1/agent.proto).
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "central/metrics.h"
#include "central/services.h"
#include "grpc/server.h"
#include "models/cluster.h"
#include "net/connection.h"
#include "pki/agent_identity.h"
#include "pki/certificate_authority.h"

namespace mk8s::central {

/// What a gRPC connection's calls know of their peer (CallContext::peer): the connection is alive
/// as long as its calls.
struct AgentPeer {
  net::Connection* connection = nullptr;
  std::string ip;
};

class AgentService {
 public:
  /// `tunnel_connections`: how many each agent shall keep.
  AgentService(Services& services, Metrics& metrics, const pki::CertificateAuthority& ca,
               int tunnel_connections)
      : services_(services), metrics_(metrics), ca_(ca), tunnel_connections_(tunnel_connections) {}

  /// Adds the methods to `server`, which must not outlive this.
  void AddTo(grpc::Server& server);

 private:
  void Register(grpc::CallContext& context, const std::string& request, grpc::Reply reply);
  void Renew(grpc::CallContext& context, const std::string& request, grpc::Reply reply);
  void Heartbeat(grpc::CallContext& context, const std::string& request, grpc::Reply reply);

  /// On a pool thread: the whole of Register.
  Result<std::string> RegisterBlocking(const std::string& request, const std::string& ip);
  /// Whether an agent that held `previous_epoch` was fenced by one that is connected.
  bool IsFenced(const std::string& cluster_id, std::int64_t previous_epoch) const;
  void AuditRegistration(const std::string& cluster_id, const std::string& cluster,
                         const std::string& ip, const Result<std::string>& outcome);
  void AuditFenced(const Cluster& cluster, const std::string& ghost_ip, const std::string& ip);

  Services& services_;
  Metrics& metrics_;
  const pki::CertificateAuthority& ca_;
  const int tunnel_connections_;
};

}  // namespace mk8s::central

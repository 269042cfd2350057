// See agent_service.h.
#include "central/agent_service.h"

#include "base/encoding.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "central/agent_identity_check.h"
#include "central/audit_log.h"
#include "central/snapshot.h"
#include "central/tunnels.h"
#include "mk8s/agent/v1/agent.pb.h"
#include "net/loop.h"
#include "net/work_pool.h"
#include "store/store.h"

namespace mk8s::central {
namespace {

namespace pb = mk8s::agent::v1;

Error Malformed() {
  return MakeError(ErrorCode::kInvalidArgument, "the request is not a message of AgentService");
}

// What an agent says of its cluster is shown to people, so it is cut and made printable here.
ClusterMetadata MetadataFrom(const pb::ClusterMetadata& message) {
  constexpr std::size_t kWordBytesMax = 128;
  return {.kubernetes_version = Printable(message.kubernetes_version(), kWordBytesMax),
          .node_count = std::max(0, message.node_count()),
          .agent_version = Printable(message.agent_version(), kWordBytesMax),
          .platform = Printable(message.platform(), kWordBytesMax),
          .sandbox = Printable(message.sandbox(), kWordBytesMax)};
}

const AgentPeer& PeerOf(const grpc::CallContext& context) {
  return std::any_cast<const AgentPeer&>(context.peer());
}

}  // namespace

void AgentService::AddTo(grpc::Server& server) {
  const auto method = [this](void (AgentService::*call)(grpc::CallContext&, const std::string&,
                                                        grpc::Reply)) {
    return [this, call](grpc::CallContext& context, const std::string& request, grpc::Reply reply) {
      (this->*call)(context, request, std::move(reply));
    };
  };
  server.AddUnary("/mk8s.agent.v1.AgentService/Register", method(&AgentService::Register));
  server.AddUnary("/mk8s.agent.v1.AgentService/RenewCertificate", method(&AgentService::Renew));
  server.AddUnary("/mk8s.agent.v1.AgentService/Heartbeat", method(&AgentService::Heartbeat));
}

void AgentService::Register(grpc::CallContext& context, const std::string& request,
                            grpc::Reply reply) {
  net::Loop* loop = net::Loop::Current();
  const bool taken = services_.pool.Submit([this, request, ip = PeerOf(context).ip, loop, reply] {
    loop->Post([reply, answer = RegisterBlocking(request, ip)] { reply(answer); });
  });
  if (!taken) reply(MakeError(ErrorCode::kUnavailable, "central is busy; try again later"));
}

Result<std::string> AgentService::RegisterBlocking(const std::string& request,
                                                   const std::string& ip) {
  pb::RegisterRequest message;
  if (!message.ParseFromString(request)) return Malformed();
  const std::string token_hash = HexEncode(Sha256(message.token()));
  const Cluster* cluster = nullptr;
  const std::shared_ptr<const Snapshot> snapshot = services_.snapshots.Current();
  cluster = snapshot->ClusterByTokenHash(token_hash);
  const auto answer = [&]() -> Result<std::string> {
    if (cluster == nullptr) {
      return MakeError(ErrorCode::kUnauthenticated,
                       "the agent's token is not valid (rotated, removed or mistyped); "
                       "run: mk8s clusters rotate-token NAME");
    }
    if (message.cluster_name() != cluster->name) {
      return MakeError(ErrorCode::kPermissionDenied,
                       "the token belongs to another cluster than cluster.name says");
    }
    if (IsFenced(cluster->id, message.previous_epoch())) {
      return MakeError(ErrorCode::kFailedPrecondition,
                       "a newer agent serves this cluster; is the agent running twice? This one "
                       "stands by until the other has gone");
    }
    MK8S_ASSIGN_OR_RETURN(const std::int64_t epoch, services_.store.NextClusterEpoch(cluster->id));
    MK8S_ASSIGN_OR_RETURN(
        const std::string certificate,
        ca_.SignAgentCertificate(message.csr_der(),
                                 {.cluster_id = cluster->id,
                                  .cluster_name = cluster->name,
                                  .token_generation = cluster->token_generation,
                                  .epoch = epoch},
                                 limits::kAgentCertificateLife, services_.clock.Now()));
    const auto ghost_ip = services_.tunnels.NoteEpoch(cluster->id, epoch);
    if (ghost_ip) AuditFenced(*cluster, *ghost_ip, ip);
    services_.tunnels.Heartbeat(cluster->id, epoch, MetadataFrom(message.metadata()));
    pb::RegisterResponse response;
    response.set_cluster_id(cluster->id);
    response.set_certificate_pem(certificate);
    response.set_ca_pem(ca_.certificate_pem());
    response.set_epoch(epoch);
    response.set_tunnel_connections(tunnel_connections_);
    response.set_heartbeat_interval_ms(static_cast<int>(limits::kHeartbeatInterval.count()));
    return response.SerializeAsString();
  }();
  AuditRegistration(cluster != nullptr ? cluster->id : "",
                    cluster != nullptr ? cluster->name : Printable(message.cluster_name(), 253), ip,
                    answer);
  return answer;
}

bool AgentService::IsFenced(const std::string& cluster_id, std::int64_t previous_epoch) const {
  return previous_epoch > 0 && previous_epoch < services_.tunnels.EpochOf(cluster_id) &&
         services_.tunnels.StateOf(cluster_id).connected;
}

void AgentService::AuditFenced(const Cluster& cluster, const std::string& ghost_ip,
                               const std::string& ip) {
  const WallTime now = services_.clock.Now();
  services_.audit.Record({.id = NewRequestId(now),
                          .time = now,
                          .cluster_id = cluster.id,
                          .cluster = cluster.name,
                          .command = "agent fence",
                          .status = AuditStatus::kInterrupted,
                          .verb = "fence",
                          .resource = "agents",
                          .source_ip = ghost_ip,
                          .reason = "a newer agent registered from " + ip});
  log::Warn("a newer agent takes the place of a connected one",
            {{"cluster", cluster.name}, {"older", ghost_ip}, {"newer", ip}});
}

void AgentService::AuditRegistration(const std::string& cluster_id, const std::string& cluster,
                                     const std::string& ip, const Result<std::string>& outcome) {
  auto& counter = outcome ? metrics_.agents_registered : metrics_.agents_refused;
  counter.fetch_add(1, std::memory_order_relaxed);
  const WallTime now = services_.clock.Now();
  services_.audit.Record({.id = NewRequestId(now),
                          .time = now,
                          .cluster_id = cluster_id,
                          .cluster = cluster,
                          .command = "agent register",
                          .status = outcome ? AuditStatus::kAllowed : AuditStatus::kDenied,
                          .verb = "register",
                          .resource = "agents",
                          .source_ip = ip,
                          .reason = outcome ? "" : outcome.error().message});
  if (outcome) {
    log::Info("agent registered", {{"cluster", cluster}, {"source_ip", ip}});
  } else {
    log::Warn("agent refused",
              {{"cluster", cluster}, {"source_ip", ip}, {"error", outcome.error()}});
  }
}

void AgentService::Renew(grpc::CallContext& context, const std::string& request,
                         grpc::Reply reply) {
  const auto answer = [&]() -> Result<std::string> {
    MK8S_ASSIGN_OR_RETURN(const pki::AgentIdentity identity,
                          CheckAgent(services_, PeerOf(context).connection->peer_certificate()));
    pb::RenewCertificateRequest message;
    if (!message.ParseFromString(request)) return Malformed();
    // The new certificate is for who already is there; what the CSR calls itself does not count.
    MK8S_ASSIGN_OR_RETURN(
        const std::string certificate,
        ca_.SignAgentCertificate(message.csr_der(), identity, limits::kAgentCertificateLife,
                                 services_.clock.Now()));
    pb::RenewCertificateResponse response;
    response.set_certificate_pem(certificate);
    return response.SerializeAsString();
  };
  reply(answer());
}

void AgentService::Heartbeat(grpc::CallContext& context, const std::string& request,
                             grpc::Reply reply) {
  const auto answer = [&]() -> Result<std::string> {
    MK8S_ASSIGN_OR_RETURN(const pki::AgentIdentity identity,
                          CheckAgent(services_, PeerOf(context).connection->peer_certificate()));
    pb::HeartbeatRequest message;
    if (!message.ParseFromString(request)) return Malformed();
    services_.tunnels.Heartbeat(identity.cluster_id, identity.epoch,
                                MetadataFrom(message.metadata()));
    pb::HeartbeatResponse response;
    response.set_interval_ms(static_cast<int>(limits::kHeartbeatInterval.count()));
    return response.SerializeAsString();
  };
  reply(answer());
}

}  // namespace mk8s::central

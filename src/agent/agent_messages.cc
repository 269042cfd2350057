// See agent_messages.h.
#include "agent/agent_messages.h"

#include <algorithm>

#include "base/limits.h"
#include "mk8s/agent/v1/agent.pb.h"

namespace mk8s::agent {
namespace {

namespace pb = mk8s::agent::v1;
using std::chrono::milliseconds;

// Central's word within reason: a wrong 0 must not make the agent spin, nor a large one look dead.
constexpr milliseconds kHeartbeatMin{100};
constexpr milliseconds kHeartbeatMax{60'000};

Error Malformed(const char* what) {
  return MakeError(ErrorCode::kBadGateway,
                   std::string("central's answer to ") + what + " cannot be read");
}

void Fill(pb::ClusterMetadata& message, const ClusterMetadata& metadata) {
  message.set_kubernetes_version(metadata.kubernetes_version);
  message.set_node_count(metadata.node_count);
  message.set_agent_version(metadata.agent_version);
  message.set_platform(metadata.platform);
  message.set_sandbox(metadata.sandbox);
}

milliseconds Interval(std::int32_t interval_ms) {
  if (interval_ms <= 0) return limits::kHeartbeatInterval;
  return std::clamp(milliseconds(interval_ms), kHeartbeatMin, kHeartbeatMax);
}

template <typename Message>
bool Parse(Message& message, std::string_view bytes) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

std::string RegisterMessage(const Secret& token, const std::string& cluster_name,
                            const std::string& csr_der, const ClusterMetadata& metadata,
                            std::int64_t previous_epoch) {
  pb::RegisterRequest message;
  message.set_token(token.Reveal());
  message.set_cluster_name(cluster_name);
  message.set_csr_der(csr_der);
  message.set_previous_epoch(previous_epoch);
  Fill(*message.mutable_metadata(), metadata);
  return message.SerializeAsString();
}

std::string RenewMessage(const std::string& csr_der) {
  pb::RenewCertificateRequest message;
  message.set_csr_der(csr_der);
  return message.SerializeAsString();
}

std::string HeartbeatMessage(std::int64_t epoch, const ClusterMetadata& metadata) {
  pb::HeartbeatRequest message;
  message.set_epoch(epoch);
  Fill(*message.mutable_metadata(), metadata);
  return message.SerializeAsString();
}

Result<Registration> ParseRegistered(std::string_view bytes) {
  pb::RegisterResponse message;
  if (!Parse(message, bytes) || message.certificate_pem().empty()) return Malformed("Register");
  Registration registration;
  registration.cluster_id = message.cluster_id();
  registration.certificate_pem = message.certificate_pem();
  registration.epoch = message.epoch();
  registration.tunnel_connections = static_cast<std::size_t>(std::clamp<std::int32_t>(
      message.tunnel_connections(), 1, static_cast<std::int32_t>(limits::kTunnelConnectionsMax)));
  registration.heartbeat_interval = Interval(message.heartbeat_interval_ms());
  return registration;
}

Result<std::string> ParseRenewed(std::string_view bytes) {
  pb::RenewCertificateResponse message;
  if (!Parse(message, bytes) || message.certificate_pem().empty()) {
    return Malformed("RenewCertificate");
  }
  return message.certificate_pem();
}

Result<milliseconds> ParseHeartbeat(std::string_view bytes) {
  pb::HeartbeatResponse message;
  if (!Parse(message, bytes)) return Malformed("Heartbeat");
  return Interval(message.interval_ms());
}

}  // namespace mk8s::agent

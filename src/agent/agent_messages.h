// The messages of AgentService as the agent uses them; the one place of the agent that knows
// protobuf.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "models/cluster.h"

namespace mk8s::agent {

inline constexpr std::string_view kRegisterPath = "/mk8s.agent.v1.AgentService/Register";
inline constexpr std::string_view kRenewPath = "/mk8s.agent.v1.AgentService/RenewCertificate";
inline constexpr std::string_view kHeartbeatPath = "/mk8s.agent.v1.AgentService/Heartbeat";

/// What central said to a registration, its numbers brought within our limits.
struct Registration {
  std::string cluster_id;
  std::string certificate_pem;  // the chain, leaf first
  std::int64_t epoch = 0;
  std::size_t tunnel_connections = 1;
  std::chrono::milliseconds heartbeat_interval{};
};

/// `previous_epoch`: of the registration that this process held before; 0 if none.
std::string RegisterMessage(const Secret& token, const std::string& cluster_name,
                            const std::string& csr_der, const ClusterMetadata& metadata,
                            std::int64_t previous_epoch);
std::string RenewMessage(const std::string& csr_der);
std::string HeartbeatMessage(std::int64_t epoch, const ClusterMetadata& metadata);

/// Errors of the three: kBadGateway.
Result<Registration> ParseRegistered(std::string_view message);
Result<std::string> ParseRenewed(std::string_view message);  // the certificate chain
Result<std::chrono::milliseconds> ParseHeartbeat(std::string_view message);  // the next one's delay

}  // namespace mk8s::agent

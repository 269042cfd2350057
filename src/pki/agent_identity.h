// Who an agent is, as its client certificate says: a URI name "mk8s://agent/<cluster
// id>?generation=N &epoch=E&name=<cluster name>" that only mk8s' own CA puts there.  Central reads
// it from the peer certificate of a tunnel or control connection after TLS verified the chain.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mk8s::pki {

struct AgentIdentity {
  std::string cluster_id;    // UUID
  std::string cluster_name;  // as it was when the agent registered
  std::int64_t token_generation =
      0;                   // of the token it registered with; older than the cluster's: refused
  std::int64_t epoch = 0;  // of the registration; newer fences older

  bool operator==(const AgentIdentity&) const = default;
};

/// The URI name.  `cluster_name` must be a DNS label.
std::string AgentUri(const AgentIdentity& identity);

/// Error: kUnauthenticated.
Result<AgentIdentity> ParseAgentUri(std::string_view uri);

/// From the URI names of a certificate, of which it must have exactly one.  That our CA signed it,
/// for client authentication, is what TLS verified.  Error: kUnauthenticated.
Result<AgentIdentity> ParseAgentIdentity(std::span<const std::string> uris);

}  // namespace mk8s::pki

// Who an agent is, as its client certificate says: a URI name "mk8s://agent/<cluster
// id>?generation=N &epoch=E&name=<cluster name>" that only mk8s' own CA puts there.  Central reads
// it from the peer certificate of a tunnel or control connection after TLS verified the chain.
#pragma once

#include <cstdint>
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

/// From a certificate in PEM (the first in it) or DER; it must have exactly one URI name and be for
/// client authentication.  Trust is not checked here.  Error: kUnauthenticated.
Result<AgentIdentity> ParseAgentIdentity(std::string_view certificate);

}  // namespace mk8s::pki

// Whether the certificate that an agent shows is still good: the cluster exists, its token was not
// rotated since, no newer registration fenced it.
#pragma once

#include "base/result.h"
#include "central/services.h"
#include "net/connection.h"
#include "pki/agent_identity.h"

namespace mk8s::central {

/// The identity of a TLS peer whose chain was verified.  Errors: kUnauthenticated (no certificate;
/// unknown cluster; rotated token), kFailedPrecondition (fenced by a newer registration).
Result<pki::AgentIdentity> CheckAgent(const Services& services, const net::PeerCertificate* peer);

}  // namespace mk8s::central

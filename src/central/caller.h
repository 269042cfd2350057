// The first two questions about a request that is for a cluster: who asks, and is that cluster
// there for them.  Asked alike by the Kubernetes gateway and by the exec route.
#pragma once

#include <string_view>

#include "base/result.h"
#include "central/authenticator.h"
#include "http/message.h"
#include "models/cluster.h"

namespace mk8s::central {

/// By the token in Authorization, or offered with a WebSocket, which a browser can send no header
/// with.  Errors: kPermissionDenied for a page of another site, kUnauthenticated.
Result<Principal> AuthenticateCaller(const Authenticator& authenticator,
                                     const http::RequestHead& head);

/// By name or UUID; never null, and alive as long as `principal`.  A cluster that none of the
/// user's roles reaches is answered as one that does not exist, so that names do not leak:
/// kNotFound.
Result<const Cluster*> FindGrantedCluster(const Principal& principal, std::string_view name);

}  // namespace mk8s::central

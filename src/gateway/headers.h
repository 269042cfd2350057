// Which header fields pass between a user and a cluster, both ways.  Central applies these on the
// way in and out; the agent applies the request's rules once more, so that neither end has to trust
// the other.  Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"

namespace mk8s::gateway {

/// What of a client's fields may reach a cluster: an allow-list, repeated fields kept in order.
/// Never credentials, cookies, identities, forwarding fields or anything hop-by-hop; bearer tokens
/// are taken out of Sec-WebSocket-Protocol; Origin, which admission has compared with the host,
/// passes with a WebSocket's handshake alone.
http::Fields RequestFieldsForCluster(const http::Fields& from_client);

/// The token that a WebSocket client offers as the sub-protocol
/// "base64url.bearer.authorization.k8s.io.<token>" (k8s.io/apiserver,
/// pkg/authentication/request/websocket/protocol.go): for mk8s' own authentication.  Empty if there
/// is none, more than one, or it does not decode.
std::optional<Secret> WebSocketBearer(const http::Fields& from_client);

/// What of a cluster's fields may reach the client: all but hop-by-hop fields, mk8s' own, and those
/// that would speak for the gateway's origin (cookies, HSTS, CORS, Alt-Svc, authentication).
/// Warning, Retry-After, ETag, Audit-Id pass.  Also good for trailers.
http::Fields ResponseFieldsForClient(const http::Fields& from_cluster);

/// A Location as the client must see it.  A path, or a URL whose authority is
/// `cluster_authority` (empty: none is), becomes `prefix` + path; a relative reference stays.
/// Error: kBadGateway for a redirect to any other host (CVE-2022-3172).
Result<std::string> RewriteLocation(std::string_view location, std::string_view cluster_authority,
                                    std::string_view prefix);

struct ResponseRules {
  std::string cluster_authority;  // for RewriteLocation; central leaves it empty
  std::string location_prefix;    // "/clusters/prod/k8s"; the agent leaves it empty
  bool upgrade = false;           // the request asked for one
  // The request was for a .../proxy subresource, where a 401 is the application's own.  Elsewhere
  // it means that the cluster refused the agent's credential.
  bool proxied = false;
};

/// Applies all of the above to a response.  Error: kBadGateway where it must not be relayed: a
/// redirect off-host, any redirect in answer to an upgrade (CVE-2020-8559), a switch of protocols
/// that was not asked for, a refused agent credential.
Result<http::ResponseHead> ResponseForClient(http::ResponseHead from_cluster,
                                             const ResponseRules& rules);

}  // namespace mk8s::gateway

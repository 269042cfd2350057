// How a request for a cluster crosses the tunnel, an HTTP/2 connection on which central is the
// client.  A plain request is one stream, as it is.  An upgrade is an extended CONNECT (RFC 8441)
// that keeps its own method in a field; status 200 with the accepted protocol in a field stands for
// 101.  The identity that the agent impersonates travels in fields of our own, which are never
// taken from a client.  Pure functions, used by central (Encode) and by the agent (Decode).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"

namespace mk8s::gateway {

inline constexpr std::string_view kUserField = "mk8s-user";
inline constexpr std::string_view kGroupField = "mk8s-group";  // repeated
inline constexpr std::string_view kUidField = "mk8s-uid";
inline constexpr std::string_view kExtraField = "mk8s-extra";  // repeated: "scopes=view"
inline constexpr std::string_view kRequestIdField = "mk8s-request-id";
inline constexpr std::string_view kMethodField = "mk8s-method";      // of an upgrade: GET or POST
inline constexpr std::string_view kProtocolField = "mk8s-protocol";  // of an accepted upgrade

struct TunnelRequest {
  http::RequestHead head;           // HTTP/1.1's view: own method, `protocol` set if an upgrade
  std::string user;                 // e-mail; or whom the user may impersonate and asked for
  std::vector<std::string> groups;  // "mk8s:users", "mk8s:role:developer"; or those asked for
  std::string uid;                  // asked for with an impersonated user; "": none
  http::Fields extra;               // likewise; "scopes" stands for Impersonate-Extra-Scopes
  std::string request_id;
};

/// Central's side.  Fields not allowed towards a cluster are dropped here too.
http::RequestHead EncodeForTunnel(const TunnelRequest& request);

/// The agent's side.  Error: kInvalidArgument if central sent what it never sends: no user or
/// request id, or more than one, control bytes, a method out of place, an identity of more than
/// limits::kImpersonatedValuesMax parts.
Result<TunnelRequest> DecodeFromTunnel(const http::RequestHead& head);

/// The agent's side: what central is sent for the cluster's response.
http::ResponseHead EncodeForTunnel(http::ResponseHead from_cluster);

/// Central's side: the cluster's response again; 101 with its protocol if an upgrade was asked for
/// and accepted.
http::ResponseHead DecodeFromTunnel(http::ResponseHead from_agent, bool upgrade);

struct ClusterCredential {
  Secret bearer;          // empty: the connection's client certificate is the credential
  std::string authority;  // of the API server: "10.0.0.1:6443"
};

/// The agent's side: the request for kube-apiserver.  Everything not allowed is stripped first,
/// then the Impersonate-* fields, Audit-ID and Authorization are added, so nothing that
/// came over the wire can take their place (CVE-2021-31999).
http::RequestHead RequestForCluster(const TunnelRequest& request,
                                    const ClusterCredential& credential);

}  // namespace mk8s::gateway

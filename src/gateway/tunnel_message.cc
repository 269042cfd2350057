// See tunnel_message.h.
#include "gateway/tunnel_message.h"

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"
#include "gateway/headers.h"

namespace mk8s::gateway {
namespace {

Error Malformed(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, std::move(message));
}

bool IsPrintable(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

// kube-apiserver's own methods; CONNECT, TRACE and invented ones never go to a cluster.
bool IsMethod(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "POST" || method == "PUT" ||
         method == "PATCH" || method == "DELETE" || method == "OPTIONS";
}

Result<std::string> One(const http::Fields& fields, std::string_view name) {
  const auto values = fields.All(name);
  if (values.size() != 1 || !IsPrintable(values[0])) {
    return Malformed("The tunnel request needs exactly one " + std::string(name) + ".");
  }
  return std::string(values[0]);
}

void RemoveOwnFields(http::Fields& fields) {
  for (const std::string_view name : {kUserField, kGroupField, kUidField, kExtraField,
                                      kRequestIdField, kMethodField, kProtocolField}) {
    fields.Remove(name);
  }
}

// RFC 9110 section 5.6.2, in lower case: what may follow "impersonate-extra-" in a field's name.
bool IsFieldName(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || kMarks.find(c) != kMarks.npos;
  });
}

Result<void> DecodeIdentity(const http::Fields& fields, TunnelRequest& request) {
  const auto groups = fields.All(kGroupField);
  const auto extra = fields.All(kExtraField);
  if (groups.size() + extra.size() > limits::kImpersonatedValuesMax) {
    return Malformed("The tunnel request's identity has too many parts.");
  }
  MK8S_ASSIGN_OR_RETURN(request.user, One(fields, kUserField));
  if (fields.Find(kUidField)) {
    MK8S_ASSIGN_OR_RETURN(request.uid, One(fields, kUidField));
  }
  for (const std::string_view group : groups) {
    if (!IsPrintable(group)) return Malformed("A group of the tunnel request is malformed.");
    request.groups.emplace_back(group);
  }
  for (const std::string_view pair : extra) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view key = pair.substr(0, equals);
    if (equals == pair.size() || !IsFieldName(key) || !IsPrintable(pair)) {
      return Malformed("An extra of the tunnel request's user is malformed.");
    }
    request.extra.AddLower(key, pair.substr(equals + 1));
  }
  return {};
}

}  // namespace

http::RequestHead EncodeForTunnel(const TunnelRequest& request) {
  http::RequestHead head = request.head;
  head.fields = RequestFieldsForCluster(request.head.fields);
  if (!head.protocol.empty()) {
    head.fields.Remove("content-length");  // an extended CONNECT has no body of known length
    head.fields.Add(kMethodField, head.method);
    head.method = "CONNECT";
  }
  head.fields.Add(kUserField, request.user);
  for (const std::string& group : request.groups) head.fields.Add(kGroupField, group);
  if (!request.uid.empty()) head.fields.Add(kUidField, request.uid);
  for (const http::Field& extra : request.extra) {
    head.fields.Add(kExtraField, extra.name + "=" + extra.value);
  }
  head.fields.Add(kRequestIdField, request.request_id);
  return head;
}

Result<TunnelRequest> DecodeFromTunnel(const http::RequestHead& head) {
  TunnelRequest request;
  request.head = head;
  MK8S_RETURN_IF_ERROR(DecodeIdentity(head.fields, request));
  MK8S_ASSIGN_OR_RETURN(request.request_id, One(head.fields, kRequestIdField));
  const bool connects = head.method == "CONNECT";
  if (connects == head.protocol.empty()) {
    return Malformed(
        "An upgrade crosses the tunnel as an extended CONNECT, and nothing else does.");
  }
  if (connects) {
    MK8S_ASSIGN_OR_RETURN(request.head.method, One(head.fields, kMethodField));
    if (request.head.method != "GET" && request.head.method != "POST") {
      return Malformed("An upgrade's method is GET or POST.");
    }
    if (!IsPrintable(head.protocol)) return Malformed("The upgrade's protocol is malformed.");
  } else if (!IsMethod(head.method) || head.fields.Find(kMethodField)) {
    return Malformed("The tunnel request's method is malformed.");
  }
  if (!head.target.starts_with('/')) return Malformed("The tunnel request's target is not a path.");
  RemoveOwnFields(request.head.fields);
  return request;
}

http::ResponseHead EncodeForTunnel(http::ResponseHead from_cluster) {
  RemoveOwnFields(from_cluster.fields);
  if (from_cluster.status == 101) {
    from_cluster.status = 200;
    from_cluster.fields.Add(kProtocolField, from_cluster.protocol);
    from_cluster.protocol.clear();
  }
  return from_cluster;
}

http::ResponseHead DecodeFromTunnel(http::ResponseHead from_agent, bool upgrade) {
  // Without the field a 200 is the answer of a server that ignored the upgrade.
  if (const auto protocol = from_agent.fields.Find(kProtocolField);
      protocol && upgrade && from_agent.status == 200) {
    from_agent.status = 101;
    from_agent.protocol = std::string(*protocol);
  }
  RemoveOwnFields(from_agent.fields);
  return from_agent;
}

http::RequestHead RequestForCluster(const TunnelRequest& request,
                                    const ClusterCredential& credential) {
  http::RequestHead head = request.head;
  head.authority = credential.authority;
  head.fields = RequestFieldsForCluster(request.head.fields);
  // kube-apiserver refuses to watch over a WebSocket without one (golang.org/x/net/websocket,
  // checkOrigin); the client's own names central, which has judged it.
  if (EqualsIgnoreCase(head.protocol, "websocket")) {
    head.fields.Add("origin", "https://" + credential.authority);
  }
  head.fields.Add("impersonate-user", request.user);
  for (const std::string& group : request.groups) head.fields.Add("impersonate-group", group);
  if (!request.uid.empty()) head.fields.Add("impersonate-uid", request.uid);
  for (const http::Field& extra : request.extra) {
    head.fields.Add("impersonate-extra-" + extra.name, extra.value);
  }
  head.fields.Add("audit-id", request.request_id);
  if (!credential.bearer.empty()) {
    head.fields.Add("authorization", "Bearer " + credential.bearer.Reveal());
  }
  return head;
}

}  // namespace mk8s::gateway

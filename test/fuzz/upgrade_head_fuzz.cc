// The head of an upgrade to a cluster: exec, attach, port-forward and whatever else asks for one.
// The bytes behind it are relayed as they are, WebSocket and SPDY alike, so there is no parser of
// those on this way (websocket_fuzz has the one of mk8s' own exec); what is read is the head: who
// asks (a bearer token among the sub-protocols) and what is decided.  The text is
// target \n protocol \n a field's name: value \n ...
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "gateway/headers.h"
#include "kube/attributes.h"
#include "kube/classify.h"

namespace {

using namespace mk8s;

void Require(bool holds) {
  if (!holds) std::abort();
}

// No credential, no identity and no token may reach the cluster; sub-protocols must.
void CheckFields(const http::Fields& asked) {
  const http::Fields sent = gateway::RequestFieldsForCluster(asked);
  for (const http::Field& field : sent) {
    for (const std::string_view item : Split(field.value, ',')) {
      Require(field.name != "sec-websocket-protocol" ||
              !ToLower(TrimSpace(item)).starts_with("base64url.bearer.authorization.k8s.io."));
    }
    for (const std::string_view hazard : {"authorization", "cookie", "impersonate-", "x-remote-",
                                          "x-forwarded-", "proxy-", "connection", "upgrade"}) {
      Require(!field.name.starts_with(hazard));
    }
  }
  if (asked.HasToken("sec-websocket-protocol", "v5.channel.k8s.io")) {
    Require(sent.HasToken("sec-websocket-protocol", "v5.channel.k8s.io"));
  }
  if (const auto bearer = gateway::WebSocketBearer(asked)) {
    Require(!bearer->empty());
    Require(!gateway::WebSocketBearer(sent));
  }
}

void CheckDecision(const http::RequestHead& head) {
  const auto target = kube::Target::Parse(head.target);
  if (!target) return;
  const auto attributes = kube::RequestAttributes(head.method, *target);
  if (!attributes) return;
  const kube::Classification kind = kube::Classify(*attributes, *target, head);
  if (kube::IsConnectingSubresource(attributes->subresource)) Require(kind.connecting);
  const bool reads_on = attributes->subresource.empty() || attributes->subresource == "log";
  if (!head.protocol.empty() && !reads_on) Require(kind.connecting);
  if (!kind.connecting) return;
  Require(kind.AuditFirst() && kind.long_running);
  if (!attributes->is_resource) return;
  for (const Attributes& decision : kube::DecisionsFor(*attributes, kind)) {
    Require(decision.verb == "create");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::vector<std::string_view> lines =
      Split({reinterpret_cast<const char*>(bytes) + 1, size - 1}, '\n');
  http::RequestHead head;
  head.method = bytes[0] % 2 == 0 ? "GET" : "POST";
  head.target = lines[0];
  if (lines.size() > 1) head.protocol = lines[1];
  for (std::size_t i = 2; i < lines.size(); ++i) {
    const std::size_t colon = std::min(lines[i].find(':'), lines[i].size());
    head.fields.Add(lines[i].substr(0, colon),
                    TrimSpace(lines[i].substr(std::min(colon + 1, lines[i].size()))));
  }
  CheckFields(head.fields);
  CheckDecision(head);
  return 0;
}

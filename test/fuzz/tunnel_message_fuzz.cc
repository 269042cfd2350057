// Requests off the tunnel: what Decode accepts is what Encode would have sent, and what goes on to
// the cluster carries one identity, the decoded one.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "gateway/headers.h"
#include "gateway/tunnel_message.h"

namespace {

using namespace mk8s;

void Require(bool holds) {
  if (!holds) std::abort();
}

// Lines: method, target, protocol, then one "name:value" a line.
http::RequestHead Parse(std::string_view text) {
  http::RequestHead head;
  std::size_t number = 0;
  for (const std::string_view line : Split(text, '\n')) {
    const std::size_t colon = line.find(':');
    if (number == 0) head.method = std::string(line);
    if (number == 1) head.target = std::string(line);
    if (number == 2) head.protocol = std::string(line);
    if (number > 2 && colon != std::string_view::npos) {
      head.fields.Add(line.substr(0, colon), line.substr(colon + 1));
    }
    ++number;
  }
  return head;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const http::RequestHead head = Parse({reinterpret_cast<const char*>(bytes), size});
  (void)gateway::WebSocketBearer(head.fields);
  (void)gateway::ResponseForClient({.status = 302, .fields = head.fields}, {});
  const auto decoded = gateway::DecodeFromTunnel(head);
  if (!decoded) return 0;
  const auto again = gateway::DecodeFromTunnel(gateway::EncodeForTunnel(*decoded));
  Require(again && again->user == decoded->user && again->groups == decoded->groups &&
          again->request_id == decoded->request_id && again->head.method == decoded->head.method);
  const auto sent = gateway::RequestForCluster(*decoded, {Secret("token"), "api:6443"});
  Require(sent.fields.All("impersonate-user").size() == 1);
  Require(sent.fields.All("impersonate-group").size() == decoded->groups.size());
  Require(sent.fields.All("authorization").size() == 1);
  Require(sent.fields.All("audit-id").size() == 1);
  for (const http::Field& field : sent.fields) {
    Require(!field.name.starts_with("mk8s-") && !field.name.starts_with("x-remote-"));
  }
  return 0;
}

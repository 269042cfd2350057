// See command_message.h.
#include "gateway/command_message.h"

#include "gateway/tunnel_message.h"

namespace mk8s::gateway {
namespace {

constexpr std::size_t kCommandIdBytesMax = 64;

}  // namespace

http::RequestHead EncodeForCentral(const CommandsRequest& request) {
  http::RequestHead head = request.head;
  for (const std::string_view name : {std::string_view("authorization"), std::string_view("cookie"),
                                      kCommandIdField, kMethodField, kProtocolField}) {
    head.fields.Remove(name);
  }
  if (!head.protocol.empty()) {
    head.fields.Remove("content-length");  // an extended CONNECT has no body of known length
    head.fields.Add(kMethodField, head.method);
    head.method = "CONNECT";
  }
  head.fields.Add(kCommandIdField, request.command_id);
  return head;
}

bool IsCommandsRequest(const http::RequestHead& head) {
  return head.fields.Find(kCommandIdField).has_value();
}

Result<CommandsRequest> DecodeForCentral(http::RequestHead head) {
  const auto malformed = [](std::string message) {
    return MakeError(ErrorCode::kInvalidArgument, std::move(message));
  };
  CommandsRequest request;
  const auto ids = head.fields.All(kCommandIdField);
  if (ids.size() != 1 || ids[0].empty() || ids[0].size() > kCommandIdBytesMax) {
    return malformed("A command's request names one command.");
  }
  request.command_id = ids[0];
  const bool connects = head.method == "CONNECT";
  const auto methods = head.fields.All(kMethodField);
  if (connects == head.protocol.empty() || methods.size() != (connects ? 1 : 0)) {
    return malformed("A command's upgrade comes as an extended CONNECT, and nothing else does.");
  }
  if (connects) {
    if (methods[0] != "GET" && methods[0] != "POST") {
      return malformed("An upgrade's method is GET or POST.");
    }
    head.method = methods[0];
  }
  for (const std::string_view name :
       {std::string_view("authorization"), kCommandIdField, kMethodField, kProtocolField}) {
    head.fields.Remove(name);
  }
  request.head = std::move(head);
  return request;
}

}  // namespace mk8s::gateway

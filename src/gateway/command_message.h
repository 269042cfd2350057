// How a Kubernetes request of a command beside the agent comes back to central, on an HTTP/2
// connection on which the agent is the client: as a request crosses the tunnel
// (gateway/tunnel_message.h) with the ends swapped, and with the command's id in place of an
// identity.  Central knows whose command it is.  Pure functions, used by the agent (Encode) and by
// central (Decode); the response takes tunnel_message.h's.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace mk8s::gateway {

inline constexpr std::string_view kCommandIdField = "mk8s-command-id";

struct CommandsRequest {
  http::RequestHead head;  // HTTP/1.1's view, as kubectl sent it
  std::string command_id;
};

/// The agent's side.  The credential for the agent's listener stays behind; impersonation does not,
/// since central decides about it.
http::RequestHead EncodeForCentral(const CommandsRequest& request);

/// True for a request that names a command; all else on that port is gRPC.
bool IsCommandsRequest(const http::RequestHead& head);

/// Central's side.  Error: kInvalidArgument if the agent sent what it never sends.
Result<CommandsRequest> DecodeForCentral(http::RequestHead head);

}  // namespace mk8s::gateway

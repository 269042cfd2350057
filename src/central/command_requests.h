// Where the Kubernetes requests of commands beside the agents come in: on a connection that an
// agent opened, each with its command's id.  They go on as if the command's caller had sent them
// (central/kube_request.h); all else on that connection is gRPC.
#pragma once

#include <memory>

#include "base/result.h"
#include "central/exec_registry.h"
#include "central/services.h"
#include "gateway/command_message.h"
#include "grpc/server.h"
#include "http/stream.h"
#include "net/connection.h"

namespace mk8s::central {

class KubeGateway;

/// One for each connection, on its loop.  All that it is given outlives it.
class CommandRequests : public http::Handler {
 public:
  CommandRequests(const Services& services, KubeGateway& gateway, const ExecRegistry& registry,
                  net::Connection& connection, grpc::ConnectionHandler& grpc)
      : services_(services),
        gateway_(gateway),
        registry_(registry),
        connection_(connection),
        grpc_(grpc) {}

  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) override;

 private:
  /// Error: kUnauthenticated if the peer is not the live agent of the cluster where the command
  /// runs, or no such command does.
  Result<std::shared_ptr<const ExecCommand>> CommandOf(
      const gateway::CommandsRequest& request) const;

  const Services& services_;
  KubeGateway& gateway_;
  const ExecRegistry& registry_;
  net::Connection& connection_;
  grpc::ConnectionHandler& grpc_;
};

}  // namespace mk8s::central

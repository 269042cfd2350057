// Serves what central asks over a tunnel connection: each request is relayed to the API server
// under the identity that central decided for, which is put on last.  gRPC calls are told apart and
// go to the agent's own service.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/cluster_client.h"
#include "agent/status.h"
#include "gateway/loop_timer.h"
#include "grpc/server.h"
#include "http/stream.h"

namespace mk8s::agent {

/// One for a loop; all its tunnel connections share it.  Loop thread only.
class RelayHandler : public http::Handler {
 public:
  /// All outlive the handler and its exchanges.  `on_first_request` is called when one comes while
  /// status.used is false.
  RelayHandler(ClusterClient& client, const std::string& cluster_name, const grpc::Server& service,
               Status& status, std::function<void()> on_first_request);

  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) override;

 private:
  Error Explain(const Error& error) const;
  Result<http::ResponseHead> MapHead(http::ResponseHead head, const std::string& target,
                                     bool upgrade);

  ClusterClient& client_;
  const std::string& cluster_name_;
  Status& status_;
  const std::function<void()> on_first_request_;
  gateway::LoopTimer timer_;
  grpc::ConnectionHandler service_;
};

}  // namespace mk8s::agent

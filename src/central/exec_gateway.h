// The exec route: makes an ExecRequest of each call, keeps those that are open so that a withdrawn
// right cuts them, and knows whose each running command is.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "central/exec_queue.h"
#include "central/exec_registry.h"
#include "central/metrics.h"
#include "central/open_requests.h"
#include "central/services.h"
#include "http/stream.h"
#include "net/loop.h"

namespace mk8s::central {

class ExecRequest;

class ExecGateway {
 public:
  ExecGateway(Services& services, Metrics& metrics, net::LoopGroup& loops);

  /// As http::Handler::OnRequest, on `loop`; `cluster` as the path names it.
  std::shared_ptr<http::StreamEvents> OnRequest(Result<std::string> cluster, http::RequestHead head,
                                                bool end,
                                                std::shared_ptr<http::ResponseStream> stream,
                                                net::Loop& loop, std::string_view peer_ip,
                                                std::string request_id);

  /// As KubeGateway::Recheck.
  void Recheck(const std::shared_ptr<const Snapshot>& snapshot);

  /// The commands that run.
  const ExecRegistry& registry() const { return registry_; }

  // For ExecRequest, on its loop.
  Services& services() { return services_; }
  Metrics& metrics() { return metrics_; }
  ExecRegistry& registry() { return registry_; }
  ExecQueue& queue() { return queue_; }
  /// Memory for bodies, of all callers together; false: there is too little.
  bool TakeBodyBytes(std::size_t bytes);
  void ReturnBodyBytes(std::size_t bytes);
  void Opened(ExecRequest& request, const net::Loop& loop);
  void Closed(ExecRequest& request, const net::Loop& loop);

 private:
  Services& services_;
  Metrics& metrics_;
  ExecRegistry registry_;
  ExecQueue queue_;
  std::atomic<std::size_t> body_bytes_{0};
  OpenRequests<ExecRequest> open_;
};

}  // namespace mk8s::central

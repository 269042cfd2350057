// The gateway to the clusters' Kubernetes APIs: makes a KubeRequest of each request and keeps those
// that are open, so that a withdrawn right cuts them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "central/in_flight.h"
#include "central/kube_route.h"
#include "central/metrics.h"
#include "central/open_requests.h"
#include "central/resource_scopes.h"
#include "central/services.h"
#include "http/stream.h"
#include "net/loop.h"

namespace mk8s::central {

struct ExecCommand;
class KubeRequest;

class KubeGateway {
 public:
  KubeGateway(Services& services, Metrics& metrics, net::LoopGroup& loops);

  /// As http::Handler::OnRequest, on `loop`.  `command` as KubeRequest's.
  std::shared_ptr<http::StreamEvents> OnRequest(
      Result<KubeRoute> route, http::RequestHead head, bool end,
      std::shared_ptr<http::ResponseStream> stream, net::Loop& loop, std::string_view peer_ip,
      std::string request_id, std::shared_ptr<const ExecCommand> command = nullptr);

  /// Has every open request decided again on its own loop.  Thread-safe.  Called when the snapshot
  /// was replaced, and each limits::kRecheckInterval because sessions also end by time.
  void Recheck(const std::shared_ptr<const Snapshot>& snapshot);

  // For KubeRequest, on its loop.
  Services& services() { return services_; }
  Metrics& metrics() { return metrics_; }
  InFlight& in_flight() { return in_flight_; }
  ResourceScopes& resource_scopes() { return resource_scopes_; }
  void Opened(KubeRequest& request, const net::Loop& loop);
  void Closed(KubeRequest& request, const net::Loop& loop);

 private:
  Services& services_;
  Metrics& metrics_;
  InFlight in_flight_;
  ResourceScopes resource_scopes_;
  OpenRequests<KubeRequest> open_;
};

}  // namespace mk8s::central

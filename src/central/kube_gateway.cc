// See kube_gateway.h.
#include "central/kube_gateway.h"

#include "central/kube_request.h"

namespace mk8s::central {

KubeGateway::KubeGateway(Services& services, Metrics& metrics, net::LoopGroup& loops)
    : services_(services), metrics_(metrics), resource_scopes_(services.clock), open_(loops) {}

std::shared_ptr<http::StreamEvents> KubeGateway::OnRequest(
    Result<KubeRoute> route, http::RequestHead head, bool end,
    std::shared_ptr<http::ResponseStream> stream, net::Loop& loop, std::string_view peer_ip,
    std::string request_id, std::shared_ptr<const ExecCommand> command) {
  const auto request = std::make_shared<KubeRequest>(*this, loop, std::string(peer_ip),
                                                     std::move(request_id), std::move(command));
  return request->Start(std::move(route), std::move(head), end, std::move(stream));
}

void KubeGateway::Recheck(const std::shared_ptr<const Snapshot>& snapshot) {
  open_.Recheck(snapshot);
}

void KubeGateway::Opened(KubeRequest& request, const net::Loop& loop) {
  open_.Add(request, loop);
  metrics_.kube_requests_open.fetch_add(1, std::memory_order_relaxed);
}

void KubeGateway::Closed(KubeRequest& request, const net::Loop& loop) {
  if (open_.Remove(request, loop)) {
    metrics_.kube_requests_open.fetch_sub(1, std::memory_order_relaxed);
  }
}

}  // namespace mk8s::central

// See exec_gateway.h.
#include "central/exec_gateway.h"

#include "base/limits.h"
#include "central/exec_request.h"

namespace mk8s::central {

ExecGateway::ExecGateway(Services& services, Metrics& metrics, net::LoopGroup& loops)
    : services_(services), metrics_(metrics), open_(loops) {}

std::shared_ptr<http::StreamEvents> ExecGateway::OnRequest(
    Result<std::string> cluster, http::RequestHead head, bool end,
    std::shared_ptr<http::ResponseStream> stream, net::Loop& loop, std::string_view peer_ip,
    std::string request_id) {
  auto request = std::make_shared<ExecRequest>(*this, loop, std::move(stream), std::string(peer_ip),
                                               std::move(request_id));
  request->Start(std::move(cluster), std::move(head), end);
  return request;
}

void ExecGateway::Recheck(const std::shared_ptr<const Snapshot>& snapshot) {
  open_.Recheck(snapshot);
}

bool ExecGateway::TakeBodyBytes(std::size_t bytes) {
  if (body_bytes_.fetch_add(bytes) + bytes <= limits::kExecBodiesBytesMax) return true;
  body_bytes_.fetch_sub(bytes);
  return false;
}

void ExecGateway::ReturnBodyBytes(std::size_t bytes) { body_bytes_.fetch_sub(bytes); }

void ExecGateway::Opened(ExecRequest& request, const net::Loop& loop) { open_.Add(request, loop); }

void ExecGateway::Closed(ExecRequest& request, const net::Loop& loop) {
  open_.Remove(request, loop);
}

}  // namespace mk8s::central

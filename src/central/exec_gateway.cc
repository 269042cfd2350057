// See exec_gateway.h.
#include "central/exec_gateway.h"

#include "base/limits.h"
#include "central/exec_request.h"

namespace mk8s::central {

ExecGateway::ExecGateway(Services& services, Metrics& metrics, net::LoopGroup& loops)
    : services_(services), metrics_(metrics), loops_(loops), open_(loops.size()) {}

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
  for (std::size_t index = 0; index < loops_.size(); ++index) {
    loops_.at(index).Post([this, index, snapshot] {
      // A cut request leaves the set, so walk a copy that keeps all of them alive.
      std::vector<std::shared_ptr<ExecRequest>> requests;
      for (ExecRequest* request : open_[index]) requests.push_back(request->shared_from_this());
      for (const auto& request : requests) request->Recheck(snapshot);
    });
  }
}

bool ExecGateway::TakeBodyBytes(std::size_t bytes) {
  if (body_bytes_.fetch_add(bytes) + bytes <= limits::kExecBodiesBytesMax) return true;
  body_bytes_.fetch_sub(bytes);
  return false;
}

void ExecGateway::ReturnBodyBytes(std::size_t bytes) { body_bytes_.fetch_sub(bytes); }

void ExecGateway::Opened(ExecRequest& request, const net::Loop& loop) {
  open_[loop.index()].insert(&request);
}

void ExecGateway::Closed(ExecRequest& request, const net::Loop& loop) {
  open_[loop.index()].erase(&request);
}

}  // namespace mk8s::central

// The table of methods, and the way from a request to its call.  See server.h.
#include "grpc/server.h"

#include <utility>

#include "grpc/server_call.h"
#include "grpc/wire.h"

namespace mk8s::grpc {

void Server::AddUnary(std::string path, UnaryMethod method) {
  methods_[std::move(path)].unary = std::move(method);
}

void Server::AddServerStreaming(std::string path, ServerStreamingMethod method) {
  methods_[std::move(path)].streaming = std::move(method);
}

const Server::Method* Server::Find(std::string_view path) const {
  const auto found = methods_.find(std::string(path));
  return found == methods_.end() ? nullptr : &found->second;
}

bool IsGrpcRequest(const http::RequestHead& head) {
  return IsGrpcContentType(head.fields.Get("content-type"));
}

ConnectionHandler::ConnectionHandler(const Server& server, Timer& timer, std::any peer)
    : server_(server), timer_(timer), peer_(std::make_shared<const std::any>(std::move(peer))) {}

std::shared_ptr<http::StreamEvents> ConnectionHandler::OnRequest(
    http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) {
  auto call = std::make_shared<ServerCall>(server_, peer_, std::move(head), std::move(stream));
  call->Start(timer_, end);
  return call;
}

}  // namespace mk8s::grpc

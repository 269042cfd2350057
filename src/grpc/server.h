// Serves gRPC methods on any HTTP/2 connection: central's AgentService on grpc_port, the agent's
// ExecuteCommand on the tunnel.  Messages are serialised bytes; methods bring protobuf.
//
// `Server` is the table of methods, filled before the first connection and then only read, so that
// all loops share it.  `ConnectionHandler` binds it to one connection and its peer.
#pragma once

#include <any>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/limits.h"
#include "base/result.h"
#include "grpc/timer.h"
#include "http/stream.h"

namespace mk8s::grpc {

/// One call, as its method sees it; alive until the call ended and its reply or writer is dropped.
/// Only on the connection's thread.
class CallContext {
 public:
  virtual ~CallContext() = default;
  virtual const http::RequestHead& head() const = 0;
  /// What the owner of the connection said of the peer: the identity in its certificate.
  virtual const std::any& peer() const = 0;
  /// As the client asked when the call began (grpc-timeout).
  virtual std::optional<std::chrono::milliseconds> timeout() const = 0;
  /// The client went away or the deadline passed: replies are dropped from here on.
  virtual bool cancelled() const = 0;
  /// Called once if that happens before the reply.  Replaces what was set before.
  virtual void OnCancelled(std::function<void()> fn) = 0;
};

/// Answers a unary call, once, now or later, on the connection's thread.  Never called, the client
/// waits until its deadline.
using Reply = std::function<void(Result<std::string>)>;
/// `context` lives at least as long as `reply`.
using UnaryMethod = std::function<void(CallContext& context, std::string request, Reply reply)>;

/// The response of a server-streaming call.
class ServerWriter {
 public:
  virtual ~ServerWriter() = default;
  virtual CallContext& context() = 0;
  /// False when limits::kSendQueueBytes wait to be sent; the message is taken all the same, but the
  /// method should go on only at OnWritable.
  virtual bool Write(std::string_view message) = 0;
  /// Called each time that so much was sent that one may write again.
  virtual void OnWritable(std::function<void()> fn) = 0;
  /// Ends the call; nothing is written afterwards.  The error's message goes to the client.
  virtual void Finish(Result<void> result) = 0;
};
using ServerStreamingMethod =
    std::function<void(std::string request, std::shared_ptr<ServerWriter> writer)>;

class Server {
 public:
  /// `path` is "/package.Service/Method".
  void AddUnary(std::string path, UnaryMethod method);
  void AddServerStreaming(std::string path, ServerStreamingMethod method);
  /// Largest request.  Default: limits::kGrpcMessageBytesMax.
  void SetMessageBytesMax(std::size_t bytes) { message_bytes_max_ = bytes; }

 private:
  friend class ServerCall;
  struct Method {
    UnaryMethod unary;
    ServerStreamingMethod streaming;
  };
  const Method* Find(std::string_view path) const;

  std::unordered_map<std::string, Method> methods_;
  std::size_t message_bytes_max_ = limits::kGrpcMessageBytesMax;
};

/// Whether a request is a gRPC call (content-type application/grpc...), for connections that serve
/// other requests too.
bool IsGrpcRequest(const http::RequestHead& head);

/// Serves one connection.  `server` and `timer` outlive it and its calls.
class ConnectionHandler : public http::Handler {
 public:
  ConnectionHandler(const Server& server, Timer& timer, std::any peer);
  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) override;

 private:
  const Server& server_;
  Timer& timer_;
  const std::shared_ptr<const std::any> peer_;
};

}  // namespace mk8s::grpc

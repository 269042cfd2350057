// Calls a gRPC service over any http::ClientSession: the agent calls central's AgentService,
// central calls the agent's ExecuteCommand over the tunnel.  Messages are serialised bytes; callers
// bring protobuf.  One loop's thread; callbacks come from a later turn, never out of a call made
// here.
//
// Errors carry the server's grpc-status as their code (base/error_mapping.h) and its grpc-message
// as their message.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"
#include "grpc/timer.h"
#include "http/stream.h"

namespace mk8s::grpc {

struct CallOptions {
  // Both ends hold to it; over: kDeadlineExceeded.  Zero: none.
  std::chrono::milliseconds deadline{0};
  std::string authority;  // the server's name, as in an URL
  http::Fields metadata;  // sent beside gRPC's own fields
  std::size_t message_bytes_max = limits::kGrpcMessageBytesMax;
};

/// A call under way.  Dropping it does not cancel it.
class ClientCall {
 public:
  virtual ~ClientCall() = default;
  /// Resets the stream; the call ends with kCancelled from a later turn.
  virtual void Cancel() = 0;
  /// Streaming: a message of `bytes` was dealt with.  What the receiver holds without releasing is
  /// bounded by the stream's window; the server then waits.
  virtual void Release(std::size_t bytes) = 0;
};

/// `done` gets the one response, or why there is none; exactly once.  `path` is
/// "/package.Service/Method".
std::shared_ptr<ClientCall> UnaryCall(http::ClientSession& session, Timer& timer,
                                      std::string_view path, std::string_view request,
                                      const CallOptions& options,
                                      std::function<void(Result<std::string>)> done);

struct StreamCallbacks {
  /// Each message in turn; Release(message.size()) must follow sooner or later.
  std::function<void(std::string message)> on_message;
  /// Last, exactly once.
  std::function<void(Result<void>)> on_done;
};

std::shared_ptr<ClientCall> ServerStreamingCall(http::ClientSession& session, Timer& timer,
                                                std::string_view path, std::string_view request,
                                                const CallOptions& options,
                                                StreamCallbacks callbacks);

}  // namespace mk8s::grpc

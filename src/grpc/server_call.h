// A call being served, from its head to its status.  See server.h.
#pragma once

#include <any>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "grpc/server.h"
#include "grpc/wire.h"

namespace mk8s::grpc {

class ServerCall final : public http::StreamEvents,
                         public CallContext,
                         public ServerWriter,
                         public std::enable_shared_from_this<ServerCall> {
 public:
  ServerCall(const Server& server, std::shared_ptr<const std::any> peer, http::RequestHead head,
             std::shared_ptr<http::ResponseStream> stream)
      : head_(std::move(head)),
        peer_(std::move(peer)),
        stream_(std::move(stream)),
        method_(server.Find(head_.target)),
        reader_(server.message_bytes_max_) {}

  /// Answers what can be told from the head alone; else waits for the request's message.
  void Start(Timer& timer, bool end);

  // http::StreamEvents
  void OnBody(std::string_view bytes) override;
  void OnEnd(const http::Fields& trailers) override;
  void OnReset(http::ResetReason reason) override;
  void OnSent(std::size_t bytes) override;

  // CallContext
  const http::RequestHead& head() const override { return head_; }
  const std::any& peer() const override { return *peer_; }
  std::optional<std::chrono::milliseconds> timeout() const override { return timeout_; }
  bool cancelled() const override { return cancelled_; }
  void OnCancelled(std::function<void()> fn) override;

  // ServerWriter
  CallContext& context() override { return *this; }
  bool Write(std::string_view message) override;
  void OnWritable(std::function<void()> fn) override;
  void Finish(Result<void> result) override;

 private:
  Result<void> CheckHead();
  void Dispatch();
  void OnDeadline();
  void Refuse(int http_status);
  /// The call is over without its method's doing.
  void Cancelled();
  void Release();

  const http::RequestHead head_;
  const std::shared_ptr<const std::any> peer_;
  const std::shared_ptr<http::ResponseStream> stream_;
  const Server::Method* const method_;
  MessageReader reader_;
  std::optional<std::chrono::milliseconds> timeout_;
  std::shared_ptr<void> deadline_;
  std::optional<std::string> request_;
  std::function<void()> on_cancelled_;
  std::function<void()> on_writable_;
  std::size_t unsent_bytes_ = 0;
  bool head_sent_ = false;
  bool full_ = false;  // Write said so; OnWritable is due
  bool request_ended_ = false;
  bool ended_ = false;
  bool cancelled_ = false;
};

}  // namespace mk8s::grpc

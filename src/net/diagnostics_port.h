// The port for probes and Prometheus, in plain HTTP without login: /healthz, /readyz, /metrics. The
// same for central and agent; each says what ready means and what it counts.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/stream.h"
#include "net/listener.h"
#include "net/loop.h"

namespace mk8s::net {

class DiagnosticsPort : public http::Handler {
 public:
  /// Both are called on any loop.  `not_ready_because` gives "" when ready; `metrics` Prometheus'
  /// text format.
  DiagnosticsPort(std::function<std::string()> not_ready_because,
                  std::function<std::string()> metrics)
      : not_ready_because_(std::move(not_ready_because)), metrics_(std::move(metrics)) {}

  /// Error: that of Listener::Listen.
  Result<void> Listen(LoopGroup& loops, const std::string& bind_address, std::uint16_t port);
  const Listener& listener() const { return *listener_; }

  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) override;

 private:
  const std::function<std::string()> not_ready_because_;
  const std::function<std::string()> metrics_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace mk8s::net

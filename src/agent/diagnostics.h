// The agent's own port: /healthz, /readyz and /metrics, without TLS or login.
#pragma once

#include <memory>
#include <string>

#include "agent/status.h"
#include "base/result.h"
#include "http/stream.h"
#include "net/listener.h"
#include "net/loop.h"

namespace mk8s::agent {

class Diagnostics : public http::Handler {
 public:
  /// `status` outlives it.
  explicit Diagnostics(const Status& status) : status_(status) {}

  /// Error: kFailedPrecondition, naming address and port.
  Result<void> Listen(net::LoopGroup& loops, const std::string& bind_address, std::uint16_t port);
  const net::Listener& listener() const { return *listener_; }

  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) override;

 private:
  const Status& status_;
  std::unique_ptr<net::Listener> listener_;
};

/// Empty when the agent is ready; else why not.
std::string NotReadyBecause(const Status& status);

/// In Prometheus' text format.
std::string MetricsText(const Status& status);

}  // namespace mk8s::agent

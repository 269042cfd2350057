// The diagnostics port: /healthz, /readyz and /metrics in plain HTTP, for probes and Prometheus.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "central/metrics.h"
#include "central/services.h"
#include "http/stream.h"
#include "net/listener.h"

namespace mk8s::central {

class Diagnostics : public http::Handler {
 public:
  Diagnostics(const Services& services, const Metrics& metrics)
      : services_(services), metrics_(metrics) {}

  Result<void> Listen(net::LoopGroup& loops, const std::string& bind_address, std::uint16_t port);
  net::Listener& listener() { return *listener_; }

  /// Readiness turns false while draining, so that load balancers look elsewhere first.
  void SetDraining() { draining_.store(true); }

  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) override;

 private:
  /// Why central is not ready; empty if it is.
  std::string NotReadyBecause() const;
  std::string MetricsText() const;

  const Services& services_;
  const Metrics& metrics_;
  std::atomic<bool> draining_{false};
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace mk8s::central

// The diagnostics port: /healthz, /readyz and /metrics in plain HTTP, for probes and Prometheus.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "central/metrics.h"
#include "central/services.h"
#include "net/diagnostics_port.h"

namespace mk8s::central {

class Diagnostics {
 public:
  Diagnostics(const Services& services, const Metrics& metrics)
      : services_(services),
        metrics_(metrics),
        port_([this] { return NotReadyBecause(); }, [this] { return MetricsText(); }) {}

  Result<void> Listen(net::LoopGroup& loops, const std::string& bind_address, std::uint16_t port) {
    return port_.Listen(loops, bind_address, port);
  }
  const net::Listener& listener() const { return port_.listener(); }

  /// Readiness turns false while draining, so that load balancers look elsewhere first.
  void SetDraining() { draining_.store(true); }

 private:
  /// Why central is not ready; empty if it is.
  std::string NotReadyBecause() const;
  std::string MetricsText() const;

  const Services& services_;
  const Metrics& metrics_;
  std::atomic<bool> draining_{false};
  net::DiagnosticsPort port_;
};

}  // namespace mk8s::central

// What the agent's parts say of themselves, for /readyz, /metrics and the ready file.  Relaxed
// atomics: written on every loop, read anywhere.
#pragma once

#include <atomic>
#include <cstdint>

namespace mk8s::agent {

struct Status {
  std::atomic<bool> registered{false};          // holds a certificate that central did not refuse
  std::atomic<bool> api_server_answers{false};  // at the last look
  std::atomic<bool> draining{false};
  std::atomic<bool> used{false};  // a request came since the certificate was renewed
  std::atomic<std::int64_t> tunnels_open{0};

  std::atomic<std::uint64_t> registrations{0};
  std::atomic<std::uint64_t> renewals{0};
  std::atomic<std::uint64_t> heartbeats{0};
  std::atomic<std::uint64_t> connect_failures{0};  // of control and tunnel connections
  std::atomic<std::uint64_t> credential_failures{0};

  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::int64_t> requests_open{0};
  std::atomic<std::uint64_t> requests_failed{0};  // answered by the agent itself, or broken off
  std::atomic<std::uint64_t> request_bytes{0};
  std::atomic<std::uint64_t> response_bytes{0};
};

inline void Count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace mk8s::agent

// Central's counters, as GET /metrics shows them.  Relaxed atomics: counted on every loop, read by
// the diagnostics port.
#pragma once

#include <atomic>
#include <cstdint>

namespace mk8s::central {

struct Metrics {
  std::atomic<std::uint64_t> kube_requests_allowed{0};
  std::atomic<std::uint64_t> kube_requests_denied{0};
  std::atomic<std::uint64_t> kube_requests_failed{0};
  std::atomic<std::int64_t> kube_requests_open{0};
  std::atomic<std::uint64_t> kube_bytes_in{0};   // request bodies, from users
  std::atomic<std::uint64_t> kube_bytes_out{0};  // response bodies, to users
  std::atomic<std::uint64_t> streams_cut{0};     // ended because a right was withdrawn
  std::atomic<std::uint64_t> exec_commands{0};   // sent to agents
  std::atomic<std::uint64_t> agents_registered{0};
  std::atomic<std::uint64_t> agents_refused{0};
  std::atomic<std::uint64_t> agents_fenced{0};
};

}  // namespace mk8s::central

// What the commands of one loop share, and what all commands of an agent do.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "command/endpoint.h"
#include "command/kubectl_choice.h"
#include "http/stream.h"
#include "net/loop.h"
#include "net/work_pool.h"
#include "sandbox/plan.h"

namespace mk8s::command {

/// Numbers that tell the commands that run at once apart, and so bound them.  Thread-safe.
class Slots {
 public:
  /// Nothing when limits::kCommandsPerAgentMax run.
  std::optional<std::uint32_t> Take() {
    const std::lock_guard lock(mutex_);
    for (std::uint32_t slot = 0; slot < taken_.size(); ++slot) {
      if (!taken_[slot]) {
        taken_[slot] = true;
        return slot;
      }
    }
    return std::nullopt;
  }
  void Free(std::uint32_t slot) {
    const std::lock_guard lock(mutex_);
    taken_[slot] = false;
  }

 private:
  std::mutex mutex_;
  std::vector<bool> taken_ = std::vector<bool>(limits::kCommandsPerAgentMax);
};

/// For /metrics.
struct Counters {
  std::atomic<std::uint64_t> started{0};
  std::atomic<std::uint64_t> refused{0};  // or failed before kubectl ran
  std::atomic<std::int64_t> running{0};
};

/// Of the agent; thread-safe.
struct Shared {
  Shared(KubectlPlaces places, std::string cluster, EndpointTls endpoint_tls)
      : kubectl(std::move(places)),
        cluster_name(std::move(cluster)),
        tls(std::move(endpoint_tls)) {}

  const KubectlPlaces kubectl;
  const std::string cluster_name;
  const EndpointTls tls;
  // Set before the first command.
  sandbox::Level level = sandbox::Level::kProcess;
  std::string refusal;  // why no command runs here: a sandbox is required; empty: they do
  std::atomic<int> cluster_minor{0};  // Kubernetes 1.x; 0: not known yet
  Slots slots;
  Counters counters;
};

/// Of a loop.
struct Surroundings {
  net::Loop& loop;
  net::WorkPool& pool;           // starting and reaping wait a little
  http::ClientSession& central;  // takes requests as gateway::EncodeForCentral makes them
  Shared& shared;
};

}  // namespace mk8s::command

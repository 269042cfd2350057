// A cluster as central knows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"

namespace mk8s {

struct ClusterMetadata {
  std::string kubernetes_version;
  int node_count = 0;
  std::string agent_version;
  std::string platform;
  std::string sandbox;  // of commands beside the agent: "full", "user", ...; empty: not offered

  bool operator==(const ClusterMetadata&) const = default;
};

struct Cluster {
  std::string id;                // UUID
  std::string name;              // DNS label
  std::string agent_token_hash;  // SHA-256, hex
  std::int64_t token_generation =
      0;  // grows with each rotation; certificates carry it, older ones are refused
  std::int64_t epoch = 0;  // of the last registration; a newer one fences the older
  std::optional<WallTime> last_seen;
  ClusterMetadata metadata;
  WallTime created_at{};
};

}  // namespace mk8s

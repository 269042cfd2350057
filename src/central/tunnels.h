// The connected agents: which tunnel connections a cluster has, on which loop, under which epoch.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/stream.h"

namespace mk8s::net {
class Connection;
class Loop;
}  // namespace mk8s::net

namespace mk8s::central {

/// One tunnel connection; `session` belongs to `connection` and may be used on `loop` only.
struct Tunnel {
  std::string cluster_id;
  std::int64_t epoch = 0;
  std::shared_ptr<net::Connection> connection;
  http::ClientSession* session = nullptr;
  net::Loop* loop = nullptr;
};

class Tunnels {
 public:
  explicit Tunnels(const Clock& clock) : clock_(clock) {}

  struct State {
    bool connected = false;
    std::optional<WallTime>
        disconnected_since;  // of this process's knowledge; empty: never seen connected
  };

  /// A tunnel came up.  Older epochs of the cluster are fenced: their connections are closed. False
  /// if a newer one is here.
  bool Add(std::shared_ptr<Tunnel> tunnel);
  void Remove(const std::shared_ptr<Tunnel>& tunnel);
  /// Closes all of a cluster's tunnels: rotation, removal.
  void Cut(std::string_view cluster_id);

  /// A heartbeat came; Connected counts it for kHeartbeatInterval x kHeartbeatsMissedMax.
  void Heartbeat(std::string_view cluster_id, std::int64_t epoch);
  State StateOf(std::string_view cluster_id) const;

  /// A tunnel for a request on `here`: one on the same loop if there is one, else any.  Null: the
  /// cluster is offline.
  std::shared_ptr<Tunnel> Pick(std::string_view cluster_id, const net::Loop& here) const;
  /// The loop with the fewest tunnels of this cluster, for the next connection of the agent.
  net::Loop* LoopFor(std::string_view cluster_id, const std::vector<net::Loop*>& loops) const;

  std::size_t Connections() const;

 private:
  struct Entry {
    std::vector<std::shared_ptr<Tunnel>> tunnels;
    std::int64_t epoch = 0;
    WallTime last_heartbeat{};
    std::optional<WallTime> disconnected_since;
  };

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> clusters_;
};

}  // namespace mk8s::central

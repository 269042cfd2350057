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
#include "models/cluster.h"

namespace mk8s::net {
class Connection;
class Loop;
}  // namespace mk8s::net

namespace mk8s::central {

/// One tunnel connection; `session` belongs to `connection` and may be used on `loop` only.
struct Tunnel {
  std::string cluster_id;
  std::int64_t token_generation = 0;  // of the token that the agent registered with
  std::int64_t epoch = 0;
  std::shared_ptr<net::Connection> connection;
  http::ClientSession* session = nullptr;
  net::Loop* loop = nullptr;
};

class Tunnels {
 public:
  /// What this process knows; for what an earlier one knew see Cluster::last_seen and metadata.
  struct State {
    bool connected = false;
    std::optional<WallTime> disconnected_since;  // empty: never connected here
    std::optional<WallTime> last_seen;
    std::optional<ClusterMetadata> metadata;
  };
  struct Sighting {
    std::string cluster_id;
    State state;
  };

  explicit Tunnels(const Clock& clock) : clock_(clock) {}

  /// A tunnel came up.  Older epochs of the cluster are fenced: their connections are closed. False
  /// if a newer one is here.
  bool Add(std::shared_ptr<Tunnel> tunnel);
  void Remove(const std::shared_ptr<Tunnel>& tunnel);
  /// Closes all of a cluster's tunnels: rotation, removal.
  void Cut(std::string_view cluster_id);

  /// The agent registered under `epoch`: tunnels of older ones are refused from here on, and cut
  /// when its first one comes.  The address of the agent that it takes the place of, if one is
  /// connected.
  std::optional<std::string> NoteEpoch(std::string_view cluster_id, std::int64_t epoch);
  /// The newest epoch known here; 0 if none.
  std::int64_t EpochOf(std::string_view cluster_id) const;
  /// A heartbeat came; it keeps the cluster connected for kHeartbeatInterval x
  /// kHeartbeatsMissedMax.  False if a newer epoch is known: the caller is a ghost.
  bool Heartbeat(std::string_view cluster_id, std::int64_t epoch, ClusterMetadata metadata);
  /// Whom we heard of since the last call, for the database.
  std::vector<Sighting> TakeSightings();
  State StateOf(std::string_view cluster_id) const;

  /// A tunnel for a request on `here`: one on the same loop if there is one, else any.  Null: the
  /// cluster is offline.
  std::shared_ptr<Tunnel> Pick(std::string_view cluster_id, const net::Loop& here) const;
  /// Gives an arriving tunnel the loop with the fewest of its cluster.  Those that are still on
  /// their way count, since an agent opens all of its connections at once; it counts until Add or
  /// Remove.
  void Place(const std::shared_ptr<Tunnel>& tunnel, const std::vector<net::Loop*>& loops);

  std::size_t Connections() const;
  /// Of each connected cluster, the token generation of its tunnels (of one epoch, so of one
  /// generation).
  std::vector<std::pair<std::string, std::int64_t>> Generations() const;

 private:
  struct Entry {
    std::vector<std::shared_ptr<Tunnel>> tunnels;
    std::vector<std::shared_ptr<Tunnel>> arriving;  // placed, not yet added
    std::int64_t epoch = 0;
    WallTime last_heartbeat{};
    std::optional<WallTime> disconnected_since;
    std::optional<ClusterMetadata> metadata;
    bool changed = false;  // since TakeSightings
  };

  State StateLocked(const Entry& entry) const;

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> clusters_;
};

}  // namespace mk8s::central

// See tunnels.h.
#include "central/tunnels.h"

#include <algorithm>

#include "base/limits.h"
#include "net/connection.h"
#include "net/loop.h"

namespace mk8s::central {
namespace {

// Connections live on their loops, and the registry is used from all of them.
void CloseOnItsLoop(const std::shared_ptr<Tunnel>& tunnel) {
  tunnel->loop->Post([tunnel] { tunnel->connection->Close(); });
}

}  // namespace

bool Tunnels::Add(std::shared_ptr<Tunnel> tunnel) {
  std::vector<std::shared_ptr<Tunnel>> fenced;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = clusters_[tunnel->cluster_id];
    std::erase(entry.arriving, tunnel);
    if (tunnel->epoch < entry.epoch) return false;
    // By the tunnels' own epochs: the registration has already raised the entry's.
    std::erase_if(entry.tunnels, [&](const std::shared_ptr<Tunnel>& old) {
      if (old->epoch >= tunnel->epoch) return false;
      fenced.push_back(old);
      return true;
    });
    entry.epoch = tunnel->epoch;
    entry.last_heartbeat = clock_.Now();
    entry.disconnected_since.reset();
    entry.changed = true;
    entry.tunnels.push_back(std::move(tunnel));
  }
  for (const auto& old : fenced) CloseOnItsLoop(old);
  return true;
}

void Tunnels::Remove(const std::shared_ptr<Tunnel>& tunnel) {
  const std::lock_guard lock(mutex_);
  const auto entry = clusters_.find(tunnel->cluster_id);
  if (entry == clusters_.end()) return;
  std::erase(entry->second.arriving, tunnel);
  auto& tunnels = entry->second.tunnels;
  if (std::erase(tunnels, tunnel) != 0 && tunnels.empty()) {
    entry->second.disconnected_since = clock_.Now();
    entry->second.changed = true;
  }
}

void Tunnels::Cut(std::string_view cluster_id) {
  std::vector<std::shared_ptr<Tunnel>> cut;
  {
    const std::lock_guard lock(mutex_);
    const auto entry = clusters_.find(cluster_id);
    if (entry == clusters_.end()) return;
    cut.swap(entry->second.tunnels);
    if (cut.empty()) return;
    entry->second.disconnected_since = clock_.Now();
    entry->second.changed = true;
  }
  for (const auto& tunnel : cut) CloseOnItsLoop(tunnel);
}

std::optional<std::string> Tunnels::NoteEpoch(std::string_view cluster_id, std::int64_t epoch) {
  const std::lock_guard lock(mutex_);
  Entry& entry = clusters_[std::string(cluster_id)];
  entry.epoch = std::max(entry.epoch, epoch);
  if (entry.tunnels.empty() || entry.tunnels.front()->epoch >= epoch) return std::nullopt;
  return entry.tunnels.front()->connection->peer_ip();
}

std::int64_t Tunnels::EpochOf(std::string_view cluster_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = clusters_.find(cluster_id);
  return found == clusters_.end() ? 0 : found->second.epoch;
}

bool Tunnels::Heartbeat(std::string_view cluster_id, std::int64_t epoch, ClusterMetadata metadata) {
  const std::lock_guard lock(mutex_);
  Entry& entry = clusters_[std::string(cluster_id)];
  if (epoch < entry.epoch) return false;
  entry.last_heartbeat = clock_.Now();
  entry.metadata = std::move(metadata);
  entry.changed = true;
  return true;
}

std::vector<Tunnels::Sighting> Tunnels::TakeSightings() {
  const std::lock_guard lock(mutex_);
  std::vector<Sighting> sightings;
  for (auto& [id, entry] : clusters_) {
    if (!std::exchange(entry.changed, false)) continue;
    sightings.push_back({.cluster_id = id, .state = StateLocked(entry)});
  }
  return sightings;
}

Tunnels::State Tunnels::StateOf(std::string_view cluster_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = clusters_.find(cluster_id);
  return found == clusters_.end() ? State{} : StateLocked(found->second);
}

Tunnels::State Tunnels::StateLocked(const Entry& entry) const {
  State state{.metadata = entry.metadata};
  if (entry.last_heartbeat != WallTime{}) state.last_seen = entry.last_heartbeat;
  const WallTime stale_at =
      entry.last_heartbeat + limits::kHeartbeatInterval * limits::kHeartbeatsMissedMax;
  if (entry.tunnels.empty()) {
    state.disconnected_since = entry.disconnected_since;
  } else if (clock_.Now() > stale_at) {
    state.disconnected_since = entry.last_heartbeat;
  } else {
    state.connected = true;
  }
  return state;
}

std::shared_ptr<Tunnel> Tunnels::Pick(std::string_view cluster_id, const net::Loop& here) const {
  const std::lock_guard lock(mutex_);
  const auto entry = clusters_.find(cluster_id);
  if (entry == clusters_.end() || entry->second.tunnels.empty()) return nullptr;
  const auto& tunnels = entry->second.tunnels;
  const auto local = std::find_if(tunnels.begin(), tunnels.end(),
                                  [&](const auto& tunnel) { return tunnel->loop == &here; });
  return local != tunnels.end() ? *local : tunnels.front();
}

void Tunnels::Place(const std::shared_ptr<Tunnel>& tunnel, const std::vector<net::Loop*>& loops) {
  const std::lock_guard lock(mutex_);
  Entry& entry = clusters_[tunnel->cluster_id];
  const auto count = [&](const net::Loop* loop) {
    std::ptrdiff_t on_loop = 0;
    for (const auto* tunnels : {&entry.tunnels, &entry.arriving}) {
      on_loop += std::count_if(tunnels->begin(), tunnels->end(),
                               [&](const auto& other) { return other->loop == loop; });
    }
    return on_loop;
  };
  // Among equals not always the first: most clusters are idle, and have one.
  std::vector<net::Loop*> turned = loops;
  const std::size_t first = std::hash<std::string>()(tunnel->cluster_id) % loops.size();
  std::rotate(turned.begin(), turned.begin() + static_cast<std::ptrdiff_t>(first), turned.end());
  tunnel->loop = *std::min_element(
      turned.begin(), turned.end(),
      [&](const net::Loop* a, const net::Loop* b) { return count(a) < count(b); });
  entry.arriving.push_back(tunnel);
}

std::size_t Tunnels::Connections() const {
  const std::lock_guard lock(mutex_);
  std::size_t connections = 0;
  for (const auto& [id, entry] : clusters_) connections += entry.tunnels.size();
  return connections;
}

std::vector<std::pair<std::string, std::int64_t>> Tunnels::Generations() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, std::int64_t>> generations;
  for (const auto& [id, entry] : clusters_) {
    if (!entry.tunnels.empty()) {
      generations.emplace_back(id, entry.tunnels.front()->token_generation);
    }
  }
  return generations;
}

}  // namespace mk8s::central

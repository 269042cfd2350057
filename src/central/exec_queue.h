// Whose command may start beside an agent, and when.  Commands cost the agent's machine a process
// each, so that users and clusters have bounds on what runs, and a cluster one on what starts at
// once; beyond them commands wait in turn.  Thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace mk8s::central {

struct ExecBounds {
  std::size_t per_user_max = limits::kExecPerUserMax;
  std::size_t per_cluster_max = limits::kExecPerClusterMax;
  std::size_t starting_per_cluster_max = limits::kExecStartingPerClusterMax;
  std::size_t waiting_per_cluster_max = limits::kExecWaitingPerClusterMax;
};

class ExecQueue {
 public:
  explicit ExecQueue(const ExecBounds& bounds = {}) : bounds_(bounds) {}

  class Ticket;

  /// `go` is called once when the command may start, now or from a later call of another thread; it
  /// must not call back.  The user with the fewest running commands is next.  Error:
  /// kResourceExhausted when too many wait.
  Result<std::shared_ptr<Ticket>> Enter(const std::string& user_id, const std::string& cluster_id,
                                        std::function<void()> go);
  /// The command has got going: it counts as running only.
  void Started(const std::shared_ptr<Ticket>& ticket);
  /// It ended, or waits no longer.  After the first call of it does nothing.
  void Leave(const std::shared_ptr<Ticket>& ticket);

  std::size_t Running() const;
  std::size_t Waiting() const;

 private:
  struct Cluster {
    std::size_t running = 0;
    std::size_t starting = 0;
    std::list<std::shared_ptr<Ticket>> waiting;
  };
  // Whose turn it is now; they count as running from here on.
  std::vector<std::shared_ptr<Ticket>> TakeNextLocked();
  static void Call(const std::vector<std::shared_ptr<Ticket>>& next);

  const ExecBounds bounds_;
  mutable std::mutex mutex_;
  std::map<std::string, Cluster> clusters_;   // only those with commands
  std::map<std::string, std::size_t> users_;  // running, likewise
};

}  // namespace mk8s::central

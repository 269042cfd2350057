// See exec_queue.h.
#include "central/exec_queue.h"

#include <algorithm>

namespace mk8s::central {

class ExecQueue::Ticket {
 public:
  enum class State { kWaiting, kStarting, kRunning, kLeft };
  std::string user_id;
  std::string cluster_id;
  std::function<void()> go;
  State state = State::kWaiting;
};

Result<std::shared_ptr<ExecQueue::Ticket>> ExecQueue::Enter(const std::string& user_id,
                                                            const std::string& cluster_id,
                                                            std::function<void()> go) {
  auto ticket = std::make_shared<Ticket>();
  ticket->user_id = user_id;
  ticket->cluster_id = cluster_id;
  ticket->go = std::move(go);
  std::vector<std::shared_ptr<Ticket>> next;
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    Cluster& cluster = clusters_[cluster_id];
    cluster.waiting.push_back(ticket);
    next = TakeNextLocked();
    if (cluster.waiting.size() > bounds_.waiting_per_cluster_max) {
      cluster.waiting.remove(ticket);
      full = true;
    }
  }
  Call(next);
  if (full) {
    return MakeError(ErrorCode::kResourceExhausted,
                     "too many commands wait for this cluster already; try again later, or run it "
                     "with mk8s kubectl on your machine");
  }
  return ticket;
}

void ExecQueue::Started(const std::shared_ptr<Ticket>& ticket) {
  std::vector<std::shared_ptr<Ticket>> next;
  {
    const std::lock_guard lock(mutex_);
    if (ticket->state != Ticket::State::kStarting) return;
    ticket->state = Ticket::State::kRunning;
    --clusters_[ticket->cluster_id].starting;
    next = TakeNextLocked();
  }
  Call(next);
}

void ExecQueue::Leave(const std::shared_ptr<Ticket>& ticket) {
  std::vector<std::shared_ptr<Ticket>> next;
  {
    const std::lock_guard lock(mutex_);
    if (ticket->state == Ticket::State::kLeft) return;
    Cluster& cluster = clusters_[ticket->cluster_id];
    if (ticket->state == Ticket::State::kWaiting) {
      cluster.waiting.remove(ticket);
    } else {
      if (ticket->state == Ticket::State::kStarting) --cluster.starting;
      --cluster.running;
      if (--users_[ticket->user_id] == 0) users_.erase(ticket->user_id);
    }
    ticket->state = Ticket::State::kLeft;
    next = TakeNextLocked();
    if (cluster.running == 0 && cluster.waiting.empty()) clusters_.erase(ticket->cluster_id);
  }
  Call(next);
}

// A user may have held up commands of several clusters, so all of them are looked at.
std::vector<std::shared_ptr<ExecQueue::Ticket>> ExecQueue::TakeNextLocked() {
  std::vector<std::shared_ptr<Ticket>> next;
  const auto running_of = [this](const std::shared_ptr<Ticket>& ticket) {
    const auto found = users_.find(ticket->user_id);
    return found == users_.end() ? 0 : found->second;
  };
  for (auto& [id, cluster] : clusters_) {
    while (!cluster.waiting.empty() && cluster.running < bounds_.per_cluster_max &&
           cluster.starting < bounds_.starting_per_cluster_max) {
      const auto first = std::min_element(
          cluster.waiting.begin(), cluster.waiting.end(),
          [&](const auto& a, const auto& b) { return running_of(a) < running_of(b); });
      if (running_of(*first) >= bounds_.per_user_max) break;
      const std::shared_ptr<Ticket> ticket = *first;
      cluster.waiting.erase(first);
      ticket->state = Ticket::State::kStarting;
      ++cluster.starting;
      ++cluster.running;
      ++users_[ticket->user_id];
      next.push_back(ticket);
    }
  }
  return next;
}

void ExecQueue::Call(const std::vector<std::shared_ptr<Ticket>>& next) {
  for (const auto& ticket : next) ticket->go();
}

std::size_t ExecQueue::Running() const {
  const std::lock_guard lock(mutex_);
  std::size_t running = 0;
  for (const auto& [id, cluster] : clusters_) running += cluster.running;
  return running;
}

std::size_t ExecQueue::Waiting() const {
  const std::lock_guard lock(mutex_);
  std::size_t waiting = 0;
  for (const auto& [id, cluster] : clusters_) waiting += cluster.waiting.size();
  return waiting;
}

}  // namespace mk8s::central

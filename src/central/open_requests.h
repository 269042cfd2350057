// The requests under way, each known on its loop only, so that a withdrawn right reaches them all.
#pragma once

#include <memory>
#include <unordered_set>
#include <vector>

#include "central/snapshot.h"
#include "net/loop.h"

namespace mk8s::central {

/// `Request` is made by make_shared, derives from enable_shared_from_this and has
/// Recheck(snapshot).
template <typename Request>
class OpenRequests {
 public:
  explicit OpenRequests(net::LoopGroup& loops) : loops_(loops), by_loop_(loops.size()) {}

  // On `loop`, the request's own.
  void Add(Request& request, const net::Loop& loop) { by_loop_[loop.index()].insert(&request); }
  /// True if it was there.
  bool Remove(Request& request, const net::Loop& loop) {
    return by_loop_[loop.index()].erase(&request) != 0;
  }

  /// Has every one decided again on its loop, as of `snapshot`.  Thread-safe.
  void Recheck(const std::shared_ptr<const Snapshot>& snapshot) {
    for (std::size_t index = 0; index < loops_.size(); ++index) {
      loops_.at(index).Post([this, index, snapshot] {
        // A cut request leaves the set, so walk a copy that keeps all of them alive.
        std::vector<std::shared_ptr<Request>> requests;
        for (Request* request : by_loop_[index]) requests.push_back(request->shared_from_this());
        for (const auto& request : requests) request->Recheck(snapshot);
      });
    }
  }

 private:
  net::LoopGroup& loops_;
  std::vector<std::unordered_set<Request*>> by_loop_;  // each touched on its loop only
};

}  // namespace mk8s::central

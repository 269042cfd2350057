// Threads for what may block: bcrypt, SQL, files, name resolution.  Results go back to a loop by
// Loop::Post.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/limits.h"

namespace mk8s::net {

class WorkPool {
 public:
  explicit WorkPool(std::size_t threads, std::size_t queue_max = limits::kPoolQueueMax);
  /// As Stop.
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  /// False, and `fn` is not run, when `queue_max` wait already or the pool stopped.  Thread-safe.
  [[nodiscard]] bool Submit(std::function<void()> fn);
  /// Refuses new work, finishes what is queued, joins.
  void Stop();
  std::size_t queued() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mk8s::net

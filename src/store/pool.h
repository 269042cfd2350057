// A bounded set of connections: made when first needed, kept for the next caller, dropped when
// broken.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace mk8s::store {

/// Threads: any.  The pool outlives its leases.
template <typename T>
class Pool {
 public:
  using Factory = std::function<Result<std::unique_ptr<T>>()>;

  Pool(int size_max, Factory factory) : free_slots_(size_max), factory_(std::move(factory)) {}

  /// A connection of the caller's own, back in the pool when the lease ends.
  class Lease {
   public:
    Lease(Pool& pool, std::unique_ptr<T> connection)
        : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_) pool_->Return(std::move(connection_));
    }
    T& operator*() { return *connection_; }
    T* operator->() { return connection_.get(); }
    /// It is broken: close it instead of giving it back.
    void Discard() { connection_.reset(); }

   private:
    friend class Pool;
    Pool* pool_;
    std::unique_ptr<T> connection_;
  };

  /// Waits at most limits::kStoreDeadline.  kUnavailable if none came free; the factory's error.
  Result<Lease> Acquire() {
    std::unique_ptr<T> connection;
    {
      std::unique_lock lock(mutex_);
      if (!returned_.wait_for(lock, limits::kStoreDeadline, [&] { return free_slots_ > 0; })) {
        return MakeError(ErrorCode::kUnavailable, "the database is overloaded; try again later");
      }
      --free_slots_;
      if (!idle_.empty()) {
        connection = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    Lease lease(*this, std::move(connection));
    if (!lease.connection_) {
      auto made = factory_();
      if (!made) return std::move(made).error();
      lease.connection_ = *std::move(made);
    }
    return Result<Lease>(std::move(lease));
  }

  /// Closes the idle ones: after one turned out to be broken, the others are too.
  void Clear() {
    std::vector<std::unique_ptr<T>> closing;
    const std::lock_guard lock(mutex_);
    closing.swap(idle_);
  }

 private:
  void Return(std::unique_ptr<T> connection) {
    const std::lock_guard lock(mutex_);
    ++free_slots_;
    if (connection) idle_.push_back(std::move(connection));
    returned_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable returned_;
  int free_slots_;
  std::vector<std::unique_ptr<T>> idle_;
  Factory factory_;
};

}  // namespace mk8s::store

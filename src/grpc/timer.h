// Time for deadlines, given by whoever runs the loop (net::Loop by a small adapter; tests by hand).
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace mk8s::grpc {

class Timer {
 public:
  virtual ~Timer() = default;
  /// Runs `task` once, on the loop's thread, `delay` from now and never synchronously; dropping the
  /// last reference to the handle cancels it.  The handle may be dropped from within `task`.
  virtual std::shared_ptr<void> After(std::chrono::milliseconds delay,
                                      std::function<void()> task) = 0;
};

}  // namespace mk8s::grpc

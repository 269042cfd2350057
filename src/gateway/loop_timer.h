// Gives gRPC its deadlines from a net::Loop.  It stands here because net and grpc are siblings that
// do not know each other, and this is the lowest folder above both; central's agent port and the
// agent use it.
#pragma once

#include "grpc/timer.h"
#include "net/loop.h"

namespace mk8s::gateway {

class LoopTimer : public grpc::Timer {
 public:
  explicit LoopTimer(net::Loop& loop) : loop_(loop) {}
  std::shared_ptr<void> After(std::chrono::milliseconds delay,
                              std::function<void()> task) override {
    return std::make_shared<net::Timer>(loop_.After(delay, std::move(task)));
  }

 private:
  net::Loop& loop_;
};

}  // namespace mk8s::gateway

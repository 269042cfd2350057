// Gives gRPC its deadlines from a net::Loop: net and grpc are siblings and do not know each other.
#pragma once

#include "grpc/timer.h"
#include "net/loop.h"

namespace mk8s::agent {

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

}  // namespace mk8s::agent

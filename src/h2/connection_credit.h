// The connection's receive window: when to give back what streams received.  Below a bound at once,
// so that a stream nobody reads does not stop the others; above it only as bytes are consumed, so
// that what one connection holds never exceeds the bound plus its window.  Pure arithmetic.
#pragma once

#include <cstddef>

namespace mk8s::h2 {

class ConnectionCredit {
 public:
  explicit ConnectionCredit(std::size_t unconsumed_max) : unconsumed_max_(unconsumed_max) {}

  /// `bytes` arrived; returns how many to give back now.
  std::size_t Received(std::size_t bytes) {
    const std::size_t withheld_before = Withheld();
    unconsumed_ += bytes;
    return bytes - (Withheld() - withheld_before);
  }

  /// `bytes` of those were consumed, or their stream is gone; returns how many to give back now.
  std::size_t Consumed(std::size_t bytes) {
    const std::size_t withheld_before = Withheld();
    unconsumed_ -= bytes;
    return withheld_before - Withheld();
  }

  std::size_t unconsumed() const { return unconsumed_; }

 private:
  std::size_t Withheld() const {
    return unconsumed_ > unconsumed_max_ ? unconsumed_ - unconsumed_max_ : 0;
  }

  const std::size_t unconsumed_max_;
  std::size_t unconsumed_ = 0;
};

}  // namespace mk8s::h2

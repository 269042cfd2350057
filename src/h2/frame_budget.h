// Counts frames that cost us work but move nothing: RST_STREAM, PING, SETTINGS, empty DATA and the
// like (CVE-2019-9512 to -9518, CVE-2023-44487, and resets that a peer provokes from us,
// CVE-2025-8671).
#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace mk8s::h2 {

class FrameBudget {
 public:
  FrameBudget(std::uint32_t frames_max, const Clock& clock)
      : frames_max_(frames_max), clock_(clock), since_(clock.Monotonic()) {}

  /// One more frame; false when more than frames_max came within the window.  The clock is only
  /// read when the count is full.
  bool Spend() {
    if (++count_ <= frames_max_) return true;
    const MonotonicTime now = clock_.Monotonic();
    if (now - since_ < kWindow) return false;
    since_ = now;
    count_ = 1;
    return true;
  }

 private:
  static constexpr std::chrono::seconds kWindow{10};

  const std::uint32_t frames_max_;
  const Clock& clock_;
  MonotonicTime since_;
  std::uint32_t count_ = 0;
};

}  // namespace mk8s::h2

// How long to wait before the next attempt to reach central: full jitter over a ceiling that
// doubles from limits::kReconnectMin to kReconnectMax, so that many agents that lost central at
// once come back spread out.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "base/clock.h"

namespace mk8s::agent {

/// A connection must have been up this long for the ceiling to fall back.
inline constexpr std::chrono::seconds kStableAfter{30};

class Backoff {
 public:
  /// `random` gives numbers from [0, 1).
  explicit Backoff(const Clock& clock = SystemClock(), std::function<double()> random = {});

  /// The connection is up.
  void Up() { up_since_ = clock_.Monotonic(); }

  /// After a failure or the loss of a connection.
  std::chrono::milliseconds Next();

  /// After a refusal that only a person can mend: near the maximum at once.
  std::chrono::milliseconds AfterRefusal();

  /// As if nothing had failed yet.
  void Reset() { attempts_ = 0; }

 private:
  const Clock& clock_;
  std::function<double()> random_;
  int attempts_ = 0;
  std::optional<MonotonicTime> up_since_;
};

}  // namespace mk8s::agent

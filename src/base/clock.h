// Time behind an interface, so that expiry, lockout and back-off can be tested without waiting.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mk8s {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using MonotonicTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime Now() const = 0;
  virtual MonotonicTime Monotonic() const = 0;
};

/// The machine's clocks.  Thread-safe.
const Clock& SystemClock();

/// Stands still until told to move.  For tests; one thread.
class ManualClock : public Clock {
 public:
  explicit ManualClock(WallTime now) : now_(now) {}
  WallTime Now() const override { return now_; }
  MonotonicTime Monotonic() const override { return monotonic_; }
  void Advance(std::chrono::milliseconds by) {
    now_ += by;
    monotonic_ += by;
  }

 private:
  WallTime now_;
  MonotonicTime monotonic_{};
};

/// RFC 3339 in UTC with milliseconds: "2026-11-24T10:34:31.123Z".
std::string FormatTime(WallTime time);

/// Accepts RFC 3339 with any fraction and offset.  Error: kInvalidArgument.
Result<WallTime> ParseTime(std::string_view text);

/// "2h5m", "45s", "3d", for people: the two largest units that are not zero.
std::string FormatDuration(std::chrono::milliseconds duration);

/// "24h", "15m", "90s", "1h30m", "250ms", "7d".  Error: kInvalidArgument.
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);

}  // namespace mk8s

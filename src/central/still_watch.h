// Bounds the waits that no deadline of a connection bounds: for a request's body of which no more
// comes, and for the silent half of an upgraded exchange whose other half has ended.  Either would
// hold its place here and in the cluster for ever.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "gateway/relay.h"

namespace mk8s::central {

/// Of one exchange, looked at from time to time.  Pure.
class StillWatch {
 public:
  /// Why to cut the exchange, if it has waited for the same without moving a byte for
  /// limits::kRequestBodyStall or limits::kHalfOpenStall: kDeadlineExceeded.
  std::optional<Error> Look(gateway::RelayWait wait, std::uint64_t moved_bytes, MonotonicTime now);

 private:
  gateway::RelayWait wait_ = gateway::RelayWait::kNone;
  std::uint64_t moved_bytes_ = 0;
  MonotonicTime since_{};
};

}  // namespace mk8s::central

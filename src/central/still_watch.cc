// See still_watch.h.
#include "central/still_watch.h"

#include "base/limits.h"

namespace mk8s::central {

std::optional<Error> StillWatch::Look(gateway::RelayWait wait, std::uint64_t moved_bytes,
                                      MonotonicTime now) {
  if (wait != wait_ || moved_bytes != moved_bytes_) {
    wait_ = wait;
    moved_bytes_ = moved_bytes;
    since_ = now;
    return std::nullopt;
  }
  switch (wait) {
    case gateway::RelayWait::kNone:
      return std::nullopt;
    case gateway::RelayWait::kBody:
      if (now - since_ < limits::kRequestBodyStall) return std::nullopt;
      return MakeError(ErrorCode::kDeadlineExceeded, "the request's body did not come in time");
    case gateway::RelayWait::kOtherEnd:
      if (now - since_ < limits::kHalfOpenStall) return std::nullopt;
      return MakeError(ErrorCode::kDeadlineExceeded,
                       "one direction had ended, and nothing came in the other");
  }
  return std::nullopt;
}

}  // namespace mk8s::central

// See connection_shares.h.
#include "central/connection_shares.h"

#include <algorithm>
#include <string>

#include "base/limits.h"

namespace mk8s::central {

Result<ConnectionShares> ShareDescriptors(std::size_t descriptors_max, std::size_t loops,
                                          std::size_t database_connections) {
  const std::size_t own =
      limits::kDescriptorsReserved + loops * limits::kDescriptorsPerLoop + database_connections;
  const std::size_t needed = own + limits::kConnectionsMin;
  if (descriptors_max < needed) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     "the limit of open files (ulimit -n) is " + std::to_string(descriptors_max) +
                         "; central needs at least " + std::to_string(needed) +
                         ", and one more for each connection");
  }
  const std::size_t rest = descriptors_max - own;
  const std::size_t agents = std::min(rest / 3, limits::kAgentConnectionsMax);
  return ConnectionShares{.front = std::min(rest - agents, limits::kFrontConnectionsMax),
                          .agents = agents};
}

}  // namespace mk8s::central

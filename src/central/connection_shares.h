// How many connections each port may hold, so that descriptors never run out: a flood on the users'
// port must leave agents, the database and diagnostics theirs.
#pragma once

#include <cstddef>

#include "base/result.h"

namespace mk8s::central {

struct ConnectionShares {
  std::size_t front = 0;   // at most limits::kFrontConnectionsMax
  std::size_t agents = 0;  // at most limits::kAgentConnectionsMax
};

/// Of `descriptors_max`, less what limits::kDescriptorsReserved, the loops and the database need,
/// agents get a third, and users what is left.  Error: kFailedPrecondition where that is under
/// limits::kConnectionsMin; it says what the limit must be.
Result<ConnectionShares> ShareDescriptors(std::size_t descriptors_max, std::size_t loops,
                                          std::size_t database_connections);

}  // namespace mk8s::central

// What the agent's diagnostics port (net/diagnostics_port.h) says: whether it is ready, and its
// counters.
#pragma once

#include <string>

#include "agent/status.h"
#include "command/surroundings.h"

namespace mk8s::agent {

/// Empty when the agent is ready; else why not.
std::string NotReadyBecause(const Status& status);

/// In Prometheus' text format.
std::string MetricsText(const Status& status, const command::Counters& commands);

}  // namespace mk8s::agent

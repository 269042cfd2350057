// The process of mk8s-agent: signals, the ready file, the end.
#pragma once

#include <string>

#include "base/result.h"
#include "config/agent_config.h"

namespace mk8s::agent {

/// Runs until SIGTERM or SIGINT, then drains; a second signal ends at once.  Writes `ready_file`,
/// where not empty, once the agent is ready.  Error: why it could not start.
Result<void> Run(const config::AgentConfig& config, const std::string& ready_file);

}  // namespace mk8s::agent

// Builds central from a configuration and serves until a signal.
#pragma once

#include <string>

#include "base/result.h"

namespace mk8s::config {
struct CentralConfig;
}

namespace mk8s::central {

struct ServeOptions {
  std::string ready_file;  // empty: none is written
};

/// Blocks until SIGTERM or SIGINT, drains for at most limits::kShutdownGrace, returns.  A second
/// signal ends at once. Errors: what could not be opened or bound, with the next step.
Result<void> Serve(const config::CentralConfig& config, const ServeOptions& options);

}  // namespace mk8s::central

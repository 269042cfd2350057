// The command line of mk8s-central: `serve`, and the commands that work on the database directly,
// safe beside a running server.
#pragma once

namespace mk8s::central {

/// Parses, runs, prints; returns the exit code (contract: 0 ok, 1 failed, 2 usage).
int RunCommandLine(int argc, const char* const* argv);

}  // namespace mk8s::central

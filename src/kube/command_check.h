// What kubectl may be told where it runs beside the agent: the second line behind the sandbox and
// behind central's decision on each request, so that a command that cannot work there ends with a
// sentence that says why, and what works.  Asked by the CLI before it sends a command, by central
// before it passes it on, and by the agent before it starts kubectl.
#pragma once

#include <span>
#include <string>

#include "base/result.h"

namespace mk8s::kube {

/// Refuses what would choose another server, credential or identity, run other programs, listen,
/// fetch, write files, or read files that did not come with the command.  Error: kInvalidArgument,
/// whose message names the reason and the way that works.
Result<void> CheckCommandArguments(std::span<const std::string> arguments);

}  // namespace mk8s::kube

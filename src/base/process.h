// What a server program arranges with the system before and after it serves; the same for
// mk8s-central and mk8s-agent.
#pragma once

#include <signal.h>

#include <cstddef>
#include <initializer_list>
#include <string>

#include "base/result.h"

namespace mk8s {

/// Blocks `signals` in this thread and all that it starts, to be taken by sigtimedwait; ignores
/// SIGPIPE.  Call before any other thread starts.
sigset_t BlockSignals(std::initializer_list<int> signals);

/// Takes as many descriptors as the system allows: each connection costs one.  Only warns.
void RaiseDescriptorLimit();

/// How many descriptors this process may have open at once.
std::size_t DescriptorLimit();

/// Puts `line` in `path` whole or not at all, since whoever waits for the file reads it at once.
/// Nothing where `path` is empty.  Error: kUnavailable, naming the file.
Result<void> WriteReadyFile(const std::string& path, const std::string& line);

}  // namespace mk8s

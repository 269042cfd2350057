// The context of the real process: its environment, terminal, streams and network.
#pragma once

#include <memory>

#include "cli/context.h"

namespace mk8s::cli {

/// `prompt` must outlive the context.
Context ProcessContext(Prompt& prompt);

}  // namespace mk8s::cli

// The shells' side of completion: scripts that call `mk8s __complete`.
#pragma once

#include <string_view>

namespace mk8s::cli {

/// For "bash", "zsh" or "fish"; empty for any other.
std::string_view CompletionScript(std::string_view shell);

}  // namespace mk8s::cli

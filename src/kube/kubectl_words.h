// What must be known of kubectl's own command line to read words out of it.  Nothing is decided by
// it: for the audit log's masking, for hints, for finding the files that a command names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mk8s::kube {

/// The words that are no flags and no flags' values, up to "--".  Flags are known well enough to
/// tell `get -n kube-system pods` apart; an unknown flag with a separate value gives one word more.
std::vector<std::string> Positionals(const std::vector<std::string>& arguments);

/// Whether a flag, given alone, takes the next word as its value; known as well as Positionals
/// needs.
bool TakesValue(std::string_view flag);

/// True for the sub-commands of kubectl itself; others are plugins.
bool IsKubectlCommand(std::string_view word);

}  // namespace mk8s::kube

// What mk8s must know of kubectl's own command line; all else passes through unread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mk8s::cli {

/// The words that are no flags and no flags' values, up to "--".  Flags are known well enough to
/// tell `get -n kube-system pods` apart; an unknown flag with a separate value gives one word more.
std::vector<std::string> Positionals(const std::vector<std::string>& arguments);

/// mk8s chooses server, credential and context, and makes the kubeconfig anew for each call: flags
/// that would choose others, and `config` commands whose change would be lost, are refused here
/// with the mk8s way to say it.  Plugins keep their flags.  Error: kInvalidArgument.
Result<void> CheckArguments(const std::vector<std::string>& arguments);

/// A line for standard error where kubectl alone would mislead; else empty.
std::string_view HintFor(const std::vector<std::string>& arguments);

/// True for the sub-commands of kubectl itself; others are plugins.
bool IsKubectlCommand(std::string_view word);

}  // namespace mk8s::cli

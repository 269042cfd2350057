// What mk8s must know of kubectl's own command line; all else passes through unread.
#pragma once

#include <string_view>

#include "base/result.h"
#include "kube/kubectl_line.h"

namespace mk8s::cli {

/// mk8s chooses server, credential and context, and makes the kubeconfig anew for each call: flags
/// that would choose others, and `config` commands whose change would be lost, are refused here
/// with the mk8s way to say it.  Plugins keep their flags.  Error: kInvalidArgument.
Result<void> CheckArguments(const kube::KubectlLine& line);

/// A line for standard error where kubectl alone would mislead; else empty.
std::string_view HintFor(const kube::KubectlLine& line);

}  // namespace mk8s::cli

// The whole of `mk8s` behind main: words in, exit code out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/context.h"

namespace mk8s::cli {

/// `words` without the program's name.  Never throws.
int Dispatch(Context& context, std::vector<std::string> words);

struct KubectlCall {
  bool remote = false;  // beside the agent
  std::vector<std::string> arguments;
};

/// "--cluster C kubectl ARGS", "k --cluster C ARGS", "exec-remote ARGS": the global flags before
/// and after the word go to `flags`, all the rest is kubectl's.  Nothing when the first word is
/// another.
std::optional<KubectlCall> TakeKubectlCall(const std::vector<std::string>& words,
                                           GlobalFlags& flags);

}  // namespace mk8s::cli

// What kubectl may be told where it runs beside the agent: the second line behind the sandbox and
// behind central's decision on each request, so that a command that cannot work there ends with a
// sentence that says why and what does.  The agent asks before it starts kubectl.  Pure.
//
// Facts from k8s.io/kubectl 1.36 (pkg/cmd), cli-runtime's ConfigFlags, spf13/pflag and spf13/cobra.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mk8s::kube {

struct CommandFlag {
  std::string name;  // the long one, without dashes, '_' as '-': "filename" for -f
  std::optional<std::string> value;
};

/// kubectl's arguments as pflag and cobra would read them.
struct CommandLine {
  std::vector<std::string> words;  // sub-commands and objects, not flags' values
  /// Every argument before "--" that can be a flag, also where it may be another flag's value: what
  /// is refused must not hide behind a flag that is not known here.
  std::vector<CommandFlag> flags;
};

CommandLine ReadCommandLine(const std::vector<std::string>& arguments);

/// Error: kInvalidArgument, whose message names the reason and the way that works.
Result<void> CheckCommandArguments(const std::vector<std::string>& arguments);

}  // namespace mk8s::kube

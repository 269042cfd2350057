// kubectl's arguments as cobra and pflag read them: for the files that a command takes along, for
// masking in the audit log, for what is refused beside the agent.  No right depends on it.
//
// Sources: spf13/cobra (command.go: Find, stripFlags), spf13/pflag (flag.go: parseArgs).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mk8s::kube {

struct KubectlFlag {
  /// Where its value stands: the rest of one argument.
  struct Value {
    std::size_t argument = 0;
    std::size_t begin = 0;
  };
  std::string name;  // the long one, without dashes: "filename" for -f; of an unknown letter itself
  std::size_t argument = 0;  // where it stands
  std::optional<Value> value;
};

/// Views of the arguments, which must outlive it.
struct KubectlLine {
  std::span<const std::string> arguments;
  std::vector<std::size_t>
      words;  // the sub-command first, then what is no flag and no flag's value
  std::vector<KubectlFlag> flags;
  /// Values that look like flags, read as such: they are, should the flag before them be one that
  /// stands alone and is not known here.
  std::vector<KubectlFlag> doubtful;

  /// The number-th word; empty if there are less.
  std::string_view Word(std::size_t number) const;
  /// Empty if it has none.
  std::string_view ValueOf(const KubectlFlag& flag) const;
  bool Has(std::string_view flag) const;
  /// A boolean flag is given, and last not as "=false".
  bool IsOn(std::string_view flag) const;
};

KubectlLine ReadKubectlLine(std::span<const std::string> arguments);

}  // namespace mk8s::kube

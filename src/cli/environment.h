// What surrounds the command: environment variables and the terminal, read once at the start and
// passed along, so that tests bring their own.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mk8s::cli {

class Environment {
 public:
  Environment() = default;
  explicit Environment(std::map<std::string, std::string, std::less<>> variables)
      : variables_(std::move(variables)) {}

  static Environment OfProcess();

  /// Unset and empty are the same: "".
  std::string Get(std::string_view name) const;
  void Set(const std::string& name, std::string value) { variables_[name] = std::move(value); }

  /// "NAME=value" entries for a child process.
  std::vector<std::string> Entries() const;

 private:
  std::map<std::string, std::string, std::less<>> variables_;
};

/// Which of the three standard streams are terminals.
struct Terminal {
  bool in = false;
  bool out = false;
  bool err = false;
};

Terminal TerminalOfProcess();

/// NO_COLOR (no-color.org) turns colour off, CLICOLOR_FORCE (bixense.com/clicolors) on; else a
/// terminal that is not "dumb" has it.
bool UsesColour(const Environment& environment, bool is_terminal);

}  // namespace mk8s::cli

// See environment.h.
#include "cli/environment.h"

#include <unistd.h>

extern char** environ;

namespace mk8s::cli {

Environment Environment::OfProcess() {
  std::map<std::string, std::string, std::less<>> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return Environment(std::move(variables));
}

std::string Environment::Get(std::string_view name) const {
  const auto found = variables_.find(name);
  return found == variables_.end() ? std::string() : found->second;
}

std::vector<std::string> Environment::Entries() const {
  std::vector<std::string> entries;
  entries.reserve(variables_.size());
  for (const auto& [name, value] : variables_) entries.push_back(name + "=" + value);
  return entries;
}

Terminal TerminalOfProcess() {
  return {isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1, isatty(STDERR_FILENO) == 1};
}

bool UsesColour(const Environment& environment, bool is_terminal) {
  if (!environment.Get("NO_COLOR").empty()) return false;
  const std::string force = environment.Get("CLICOLOR_FORCE");
  if (!force.empty() && force != "0") return true;
  return is_terminal && environment.Get("TERM") != "dumb";
}

}  // namespace mk8s::cli

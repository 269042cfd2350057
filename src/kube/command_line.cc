// kubectl's command line as pflag and cobra read it.  See command_arguments.h.
#include <algorithm>
#include <span>

#include "kube/command_arguments.h"

namespace mk8s::kube {
namespace {

struct Shorthand {
  char letter;
  std::string_view name;
  bool takes_value;
};

constexpr Shorthand kShorthands[] = {
    {'A', "all-namespaces", false}, {'L', "label-columns", true}, {'R', "recursive", false},
    {'c', "container", true},       {'e', "env", true},           {'f', "filename", true},
    {'h', "help", false},           {'i', "stdin", false},        {'k', "kustomize", true},
    {'l', "selector", true},        {'n', "namespace", true},     {'o', "output", true},
    {'p', "patch", true},           {'q', "quiet", false},        {'r', "replicas", true},
    {'s', "server", true},          {'t', "tty", false},          {'v', "v", true},
    {'w', "watch", false},
};
constexpr Shorthand kShorthandsOfLogs[] = {{'f', "follow", false}, {'p', "previous", false}};

// Flags that stand alone; all others take the next argument where they have no "=".
constexpr std::string_view kAlone[] = {
    "all",
    "all-containers",
    "all-namespaces",
    "all-pods",
    "allow-missing-template-keys",
    "arguments-only",
    "attach",
    "cascade",
    "command",
    "delete-emptydir-data",
    "disable-compression",
    "disable-eviction",
    "dry-run",
    "expose",
    "follow",
    "force",
    "force-conflicts",
    "help",
    "ignore-daemonsets",
    "ignore-errors",
    "ignore-not-found",
    "insecure-skip-tls-verify",
    "keep-annotations",
    "keep-init-containers",
    "keep-labels",
    "keep-liveness",
    "keep-readiness",
    "keep-startup",
    "leave-stdin-open",
    "list",
    "local",
    "match-server-version",
    "namespaced",
    "no-headers",
    "now",
    "output-watch-events",
    "overwrite",
    "prefix",
    "previous",
    "privileged",
    "prune",
    "quiet",
    "recursive",
    "replace",
    "rm",
    "same-node",
    "save-config",
    "server-print",
    "server-side",
    "share-processes",
    "show-capacity",
    "show-events",
    "show-kind",
    "show-labels",
    "show-managed-fields",
    "stdin",
    "timestamps",
    "tty",
    "validate",
    "wait",
    "warnings-as-errors",
    "watch",
    "watch-only",
};

static_assert(std::is_sorted(std::begin(kAlone), std::end(kAlone)));

bool StandsAlone(std::string_view name) {
  return std::binary_search(std::begin(kAlone), std::end(kAlone), name);
}

bool IsFlag(std::string_view argument) {
  return argument.size() > 1 && argument.front() == '-' && argument != "--";
}

Shorthand Lookup(char letter, std::string_view command) {
  const auto find = [letter](std::span<const Shorthand> table) {
    return std::find_if(table.begin(), table.end(),
                        [letter](const Shorthand& entry) { return entry.letter == letter; });
  };
  if (command == "logs") {
    if (const auto of_logs = find(kShorthandsOfLogs);
        of_logs != std::span<const Shorthand>(kShorthandsOfLogs).end()) {
      return *of_logs;
    }
  }
  const auto found = find(kShorthands);
  return found != std::span<const Shorthand>(kShorthands).end() ? *found
                                                                : Shorthand{letter, {}, true};
}

// Reads one argument that looks like a flag; true if the next one is its value.
bool ReadFlag(std::string_view argument, std::string_view command,
              std::vector<CommandFlag>& flags) {
  if (argument.starts_with("--")) {
    const std::size_t equals = argument.find('=');
    CommandFlag flag{.name = std::string(argument.substr(2, equals - 2))};
    // kubectl takes --from_literal for --from-literal (component-base's WordSepNormalizeFunc).
    std::replace(flag.name.begin(), flag.name.end(), '_', '-');
    if (equals != argument.npos) flag.value = argument.substr(equals + 1);
    const bool wants_value = !flag.value && !StandsAlone(flag.name);
    flags.push_back(std::move(flag));
    return wants_value;
  }
  for (std::string_view rest = argument.substr(1); !rest.empty(); rest.remove_prefix(1)) {
    const Shorthand shorthand = Lookup(rest.front(), command);
    CommandFlag flag{.name = shorthand.name.empty() ? std::string(1, rest.front())
                                                    : std::string(shorthand.name)};
    const std::string_view behind = rest.substr(1);
    if (behind.starts_with('=')) {
      flag.value = behind.substr(1);
    } else if (shorthand.takes_value && !behind.empty()) {
      flag.value = behind;
    }
    const bool done = flag.value.has_value();
    flags.push_back(std::move(flag));
    if (done) return false;
    if (shorthand.takes_value) return true;
  }
  return false;
}

// The first word: what -f and -p mean depends on it.
std::string_view FirstWord(const std::vector<std::string>& arguments) {
  bool is_value = false;
  for (const std::string& argument : arguments) {
    const bool flag = IsFlag(argument);
    if (!flag && !is_value) return argument;
    std::vector<CommandFlag> ignored;
    is_value = !is_value && flag && ReadFlag(argument, {}, ignored);
  }
  return {};
}

}  // namespace

CommandLine ReadCommandLine(const std::vector<std::string>& arguments) {
  CommandLine line;
  const std::string_view command = FirstWord(arguments);
  bool is_value = false;  // of the flag before
  for (const std::string& argument : arguments) {
    if (is_value && !line.flags.empty() && !line.flags.back().value) {
      line.flags.back().value = argument;
    }
    if (argument == "--" && !is_value) break;
    if (IsFlag(argument)) {
      const bool wants_value = ReadFlag(argument, command, line.flags);
      is_value = wants_value && !is_value;
    } else {
      if (!is_value) line.words.push_back(argument);
      is_value = false;
    }
  }
  return line;
}

}  // namespace mk8s::kube

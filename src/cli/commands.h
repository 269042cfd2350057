// How a command joins the command line, and the list of those that do.  Each command_*.cc adds its
// commands to CLI11's tree; the chosen one's action runs after the whole line was understood.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/context.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace mk8s::cli {

/// The value is the exit code of a command that has more to say than ok or an error.
using Action = std::function<Result<int>(Context&)>;

/// Where the parsed command leaves its action.
struct Registry {
  CLI::App& root;
  Action chosen;
};

/// A word that only has sub-commands.
CLI::App* AddGroup(CLI::App& parent, std::string_view name, std::string_view summary);

/// `examples`: lines of "mk8s ..." for the help.  `action` is kept by the command.
CLI::App* AddCommand(Registry& registry, CLI::App& parent, std::string_view name,
                     std::string_view summary, std::string_view examples, Action action);

/// -o and --no-headers.
void AddOutputFlags(CLI::App* command, OutputFlags& flags);

/// --yes
void AddYesFlag(CLI::App* command, bool& yes);

void AddLoginCommands(Registry& registry);
void AddStatusCommand(Registry& registry);
void AddClusterCommands(Registry& registry);
void AddKubeconfigCommands(Registry& registry);
void AddUserCommands(Registry& registry);
void AddRoleCommands(Registry& registry);
void AddAuditCommands(Registry& registry);
void AddCompletionCommand(Registry& registry);
void AddVersionCommand(Registry& registry);

/// `mk8s kubectl ARGS`: not in CLI11's hands, since ARGS belong to kubectl.
Result<int> RunKubectl(Context& context, const std::vector<std::string>& arguments);

/// `mk8s exec-remote ARGS`: likewise, beside the cluster's agent.
Result<int> RunExecRemote(Context& context, const std::vector<std::string>& arguments);

/// `mk8s __complete WORDS`: one candidate a line with a tab and its description, then ":N" as
/// cobra's directive (4: no file names), so that one protocol serves kubectl's completion too.
int Complete(Context& context, const CLI::App& root, const std::vector<std::string>& words);

}  // namespace mk8s::cli

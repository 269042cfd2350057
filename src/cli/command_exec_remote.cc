// `mk8s exec-remote ARGS`: the same kubectl, run beside the cluster's agent by central's exec
// route. The files that the arguments name travel along; output, exit code and terminal are as if
// it ran here.
#include <filesystem>

#include "cli/cluster_choice.h"
#include "cli/commands.h"
#include "cli/exec_files.h"
#include "cli/remote_command.h"

namespace mk8s::cli {

Result<int> RunExecRemote(Context& context, const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "exec-remote needs kubectl's arguments\n  next: mk8s exec-remote get pods");
  }
  std::error_code failure;
  const std::filesystem::path here = std::filesystem::current_path(failure);
  if (failure) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     "the working folder is gone: " + failure.message());
  }
  MK8S_ASSIGN_OR_RETURN(const PackedCommand command, PackCommand(arguments, here));
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_RETURN_IF_ERROR(workspace->keeper.Fresh());
  MK8S_ASSIGN_OR_RETURN(const std::string cluster, ChosenCluster(*workspace));

  const bool terminal = command.terminal && context.terminal.in && context.terminal.out;
  const auto size = terminal ? std::optional(CurrentTerminalSize()) : std::nullopt;
  RemoteCommand remote(ExecOrderMessage(command, size), command.reads_stdin, terminal, context.out,
                       context.err);
  const Result<void> opened = workspace->client.RunRemoteCommand(cluster, remote);
  if (!opened && !remote.Done()) return opened.error();
  MK8S_ASSIGN_OR_RETURN(const RemoteEnd end, remote.End());
  context.raise_signal = end.signal;
  return end.exit_code;
}

}  // namespace mk8s::cli

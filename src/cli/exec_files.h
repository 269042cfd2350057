// What of this machine a kubectl command line names: files, folders, kustomizations, stdin.  They
// travel with a command that runs beside the agent and land in its working folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace mk8s::cli {

struct PackedFile {
  std::string path;  // relative, as the arguments name it
  std::string content;
};

struct PackedCommand {
  /// The arguments; only a path that leads out of the working folder is another here:
  /// "../a.yaml" and "/etc/a.yaml" become "mk8s-outside/" and the absolute path.
  std::vector<std::string> arguments;
  std::vector<PackedFile> files;
  bool reads_stdin = false;
  bool terminal = false;  // -t of exec, attach, run or debug
};

/// Reads the files, relative to `folder` (absolute).  One that is not there is named all the same:
/// kubectl then says so in its own words.  Errors: kInvalidArgument for what is refused beside the
/// agent (kube/command_check.h), kTooLarge over limits::kExecInputBytesMax or kExecFilesMax,
/// kFailedPrecondition for a file that cannot be read.
Result<PackedCommand> PackCommand(const std::vector<std::string>& arguments,
                                  const std::filesystem::path& folder);

}  // namespace mk8s::cli

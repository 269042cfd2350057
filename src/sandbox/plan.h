// What the agent tells the process that becomes a confined kubectl, and what that one answers.
//
//   agent --posix_spawn--> `mk8s-agent sandbox` --fork--> first process of the namespaces: sets
//   itself up (setup.cc), then becomes kubectl.  The one between waits and tells how it ended.
//
// The plan lies in a memory file at kPlanFd; answers come over a socket at kControlFd.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mk8s::sandbox {

/// How well a command is confined, weakest first.
enum class Level {
  kProcess,   // seccomp, limits, an empty environment; shares files and network with the agent
  kLandlock,  // and Landlock: of files only its own folder and kubectl, of the network one port
  kUser,      // own namespaces by way of a user namespace
  kFull,      // own namespaces and a uid of its own
};

/// "process", "landlock", "user", "full".
std::string_view Name(Level level);

/// Whether mount, pid and network namespaces are the command's own.
inline bool HasNamespaces(Level level) { return level >= Level::kUser; }

inline constexpr std::string_view kSubCommand = "sandbox";
inline constexpr int kPlanFd = 3;
inline constexpr int kControlFd = 4;
/// Where kubectl's requests are taken, in the command's own network namespace.
inline constexpr std::uint16_t kOwnPort = 6443;

struct PlannedFile {
  std::string path;  // relative, without ".."
  std::string content;
};

struct Plan {
  Level level = Level::kProcess;
  bool probe = false;  // set up, say so, and end
  bool terminal = false;
  std::uint32_t slot = 0;  // tells commands that run at once apart: the uid of kFull
  std::int32_t parent = 0;
  std::uint16_t port = kOwnPort;  // that kubectl may connect to
  std::string program;            // kubectl
  std::string folder;             // without namespaces: exists, is empty, and the agent removes it
  std::string kubeconfig;         // the file's content
  std::vector<std::string> arguments;  // behind argv[0]
  std::vector<PlannedFile> files;      // for the working folder
};

std::string Serialize(const Plan& plan);
/// Error: kInternal.
Result<Plan> ParsePlan(std::string_view bytes);

/// Relative, no empty part, no "." nor "..", no NUL, not too deep.
bool IsFilePath(std::string_view path);

/// First byte of an answer.
enum class Answer : char {
  kListening = 'L',  // with the listening socket
  kReady = 'R',      // of a probe
  kFailed = 'E',     // then why
  kEnded = 'X',      // then the exit code, four bytes
};

}  // namespace mk8s::sandbox

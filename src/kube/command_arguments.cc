// See command_arguments.h.
#include "kube/command_arguments.h"

#include <algorithm>
#include <span>

#include "base/text.h"

namespace mk8s::kube {
namespace {

constexpr std::string_view kAllowed[] = {
    "annotate",    "api-resources", "api-versions", "apply",  "attach",  "auth",   "autoscale",
    "certificate", "cluster-info",  "completion",   "cordon", "create",  "debug",  "delete",
    "describe",    "drain",         "events",       "exec",   "explain", "expose", "get",
    "help",        "kustomize",     "label",        "logs",   "options", "patch",  "replace",
    "rollout",     "run",           "scale",        "set",    "taint",   "top",    "uncordon",
    "version",     "wait",
};

struct Reason {
  std::string_view name;
  std::string_view why;
};

constexpr Reason kRefusedCommands[] = {
    {"config", "it would change a kubeconfig that lives as long as this command"},
    {"cp", "the files would stay beside the agent"},
    {"diff", "it runs a diff program, and no program but kubectl is there"},
    {"edit", "it starts an editor, and no program but kubectl is there"},
    {"kuberc", "it would change preferences that live as long as this command"},
    {"plugin", "plugins are programs, and no program but kubectl is there"},
    {"port-forward", "it would listen beside the agent, where you cannot connect to it"},
    {"proxy", "it would listen beside the agent, where you cannot connect to it"},
};

constexpr std::string_view kOtherServer =
    "the command's requests go to this cluster, through mk8s, as you";
constexpr std::string_view kWritesFile = "it writes a file beside the agent";
constexpr std::string_view kRunsProgram = "it runs a program, and none but kubectl is there";

constexpr Reason kRefusedFlags[] = {
    {"as", "mk8s decides as you; impersonation does not pass"},
    {"as-group", "mk8s decides as you; impersonation does not pass"},
    {"as-uid", "mk8s decides as you; impersonation does not pass"},
    {"as-user-extra", "mk8s decides as you; impersonation does not pass"},
    {"cache-dir", kWritesFile},
    {"certificate-authority", kOtherServer},
    {"client-certificate", kOtherServer},
    {"client-key", kOtherServer},
    {"cluster", kOtherServer},
    {"context", kOtherServer},
    {"cpu-profile", kWritesFile},
    {"edit", "it starts an editor, and no program but kubectl is there"},
    {"editor", "it starts an editor, and no program but kubectl is there"},
    {"enable-alpha-plugins", kRunsProgram},
    {"enable-helm", kRunsProgram},
    {"helm-command", kRunsProgram},
    {"insecure-skip-tls-verify", kOtherServer},
    {"kubeconfig", kOtherServer},
    {"kuberc", "preferences can name programs to run"},
    {"log-dir", kWritesFile},
    {"log-file", kWritesFile},
    {"password", kOtherServer},
    {"profile", kWritesFile},
    {"profile-output", kWritesFile},
    {"server", kOtherServer},
    {"tls-server-name", kOtherServer},
    {"token", kOtherServer},
    {"user", kOtherServer},
    {"username", kOtherServer},
};

// Those whose value is a file that kubectl reads.
constexpr std::string_view kFileFlags[] = {
    "cert", "custom", "filename", "from-env-file", "from-file", "key", "kustomize", "patch-file",
};

const Reason* Find(std::span<const Reason> table, std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [name](const Reason& entry) { return entry.name == name; });
  return found == table.end() ? nullptr : &*found;
}

Error Refused(std::string_view what, std::string_view why, std::string_view command) {
  return MakeError(ErrorCode::kInvalidArgument,
                   std::string(what) + " is refused for a command beside the agent: " +
                       std::string(why) + ". Run it on your machine: mk8s kubectl " +
                       Printable(command, 64) + (command.empty() ? "..." : " ..."));
}

// Their own flag of that name, which shadows kubectl's global one.
bool IsCommandsOwn(std::string_view flag, const std::vector<std::string>& words) {
  const auto is = [&](std::string_view first, std::string_view second) {
    return words.size() > 1 && words[0] == first && words[1] == second;
  };
  if (flag == "profile") return !words.empty() && words[0] == "debug";
  return flag == "user" && (is("create", "rolebinding") || is("create", "clusterrolebinding") ||
                            is("set", "subject"));
}

bool IsFetched(std::string_view path, bool kustomization) {
  const std::string lower = ToLower(path);
  if (lower.find("://") != lower.npos) return true;
  if (!kustomization) return false;
  // What kustomize would clone (kustomize/api/internal/git, repospec.go).
  return lower.find_first_of("@?") != lower.npos || lower.find("//") != lower.npos ||
         lower.starts_with("github.com") || lower.ends_with(".git");
}

bool LeavesFolder(std::string_view path) {
  if (path.starts_with('/')) return true;
  const auto parts = Split(path, '/');
  return std::find(parts.begin(), parts.end(), "..") != parts.end();
}

Result<void> CheckPath(const std::string& flag, std::string_view path, std::string_view command,
                       bool kustomization) {
  const std::string what = flag + " " + Printable(path, 200);
  if (IsFetched(path, kustomization)) {
    return Refused(what, "the agent fetches nothing for a user", command);
  }
  if (LeavesFolder(path)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     what +
                         " is refused: a command beside the agent reads only the files that came "
                         "with it, by a relative path. Run it on your machine: mk8s kubectl " +
                         Printable(command, 64) + " ...");
  }
  return {};
}

Result<void> CheckFiles(const CommandLine& line, std::string_view command) {
  const auto outputs_by_file = [&] {
    return std::any_of(line.flags.begin(), line.flags.end(), [](const CommandFlag& flag) {
      return flag.name == "output" && flag.value && flag.value->find("-file") != std::string::npos;
    });
  };
  for (const CommandFlag& flag : line.flags) {
    if (!flag.value) continue;
    std::string_view value = *flag.value;
    const std::string shown = "--" + flag.name;
    if (flag.name == "output") {
      const std::size_t file = value.find("-file=");
      if (file != value.npos) {
        MK8S_RETURN_IF_ERROR(CheckPath(shown, value.substr(file + 6), command, false));
      } else if (command == "kustomize") {
        MK8S_RETURN_IF_ERROR(CheckPath(shown, value, command, false));
      }
    } else if (flag.name == "template" && outputs_by_file()) {
      MK8S_RETURN_IF_ERROR(CheckPath(shown, value, command, false));
    } else if (std::find(std::begin(kFileFlags), std::end(kFileFlags), flag.name) !=
               std::end(kFileFlags)) {
      for (std::string_view path : Split(value, ',')) {
        // --from-file=key=path
        if (flag.name == "from-file") path.remove_prefix(path.find('=') + 1);
        MK8S_RETURN_IF_ERROR(CheckPath(shown, path, command, flag.name == "kustomize"));
      }
    }
  }
  if (command != "kustomize") return {};
  for (std::size_t i = 1; i < line.words.size(); ++i) {
    MK8S_RETURN_IF_ERROR(CheckPath("kustomize", line.words[i], command, true));
  }
  return {};
}

Result<void> CheckCommand(const CommandLine& line) {
  if (line.words.empty()) return {};
  const std::string& command = line.words[0];
  const std::string shown = "kubectl " + Printable(command, 64);
  if (const Reason* refused = Find(kRefusedCommands, command)) {
    return Refused(shown, refused->why, command);
  }
  if (command == "apply" && line.words.size() > 1 && line.words[1] == "edit-last-applied") {
    return Refused(shown + " edit-last-applied", Find(kRefusedCommands, "edit")->why,
                   "apply edit-last-applied");
  }
  if (std::find(std::begin(kAllowed), std::end(kAllowed), command) != std::end(kAllowed)) return {};
  return Refused(shown, "it is no command of kubectl itself, and plugins do not run there",
                 command);
}

}  // namespace

Result<void> CheckCommandArguments(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument.find('\0') != argument.npos) {
      return MakeError(ErrorCode::kInvalidArgument, "An argument holds a NUL byte.");
    }
  }
  const CommandLine line = ReadCommandLine(arguments);
  MK8S_RETURN_IF_ERROR(CheckCommand(line));
  const std::string_view command = line.words.empty() ? std::string_view() : line.words[0];
  for (const CommandFlag& flag : line.flags) {
    const Reason* refused = Find(kRefusedFlags, flag.name);
    if (refused != nullptr && !IsCommandsOwn(flag.name, line.words)) {
      return Refused("--" + flag.name, refused->why, command);
    }
  }
  return CheckFiles(line, command);
}

}  // namespace mk8s::kube

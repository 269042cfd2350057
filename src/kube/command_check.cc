// See command_check.h.  Facts from k8s.io/kubectl 1.36 (pkg/cmd) and kustomize.
#include "kube/command_check.h"

#include <algorithm>

#include "base/text.h"
#include "kube/kubectl_line.h"
#include "kube/kubectl_words.h"

namespace mk8s::kube {
namespace {

constexpr std::size_t kShownBytesMax = 200;

constexpr std::string_view kNoPrograms = "no program but kubectl is there";
constexpr std::string_view kListens = "it would listen there, where you cannot connect to it";
constexpr std::string_view kOtherServer =
    "a command's requests go to its cluster, through mk8s, as you";
constexpr std::string_view kOtherIdentity = "a command's requests are decided as yours";
constexpr std::string_view kWritesFile = "it writes files, which would stay there";

// The way that works.
enum class Instead { kOnYourMachine, kOtherCluster, kOtherLogin };

struct Refusal {
  std::string_view name;
  std::string_view why;
  Instead instead = Instead::kOnYourMachine;
};

constexpr Refusal kCommands[] = {
    {"config", "it shows or changes a kubeconfig that lives as long as this command"},
    {"cp", kWritesFile},
    {"diff", kNoPrograms},
    {"edit", kNoPrograms},
    {"kuberc", "it shows or changes preferences that live as long as this command"},
    {"plugin", kNoPrograms},
    {"port-forward", kListens},
    {"proxy", kListens},
};

constexpr Refusal kFlags[] = {
    {"as", kOtherIdentity},
    {"as-group", kOtherIdentity},
    {"as-uid", kOtherIdentity},
    {"as-user-extra", kOtherIdentity},
    {"cache-dir", kWritesFile},
    {"certificate-authority", kOtherServer, Instead::kOtherCluster},
    {"client-certificate", kOtherServer, Instead::kOtherLogin},
    {"client-key", kOtherServer, Instead::kOtherLogin},
    {"cluster", kOtherServer, Instead::kOtherCluster},
    {"context", kOtherServer, Instead::kOtherCluster},
    {"edit", kNoPrograms},
    {"enable-alpha-plugins", kNoPrograms},
    {"enable-helm", kNoPrograms},
    {"helm-command", kNoPrograms},
    {"insecure-skip-tls-verify", kOtherServer, Instead::kOtherCluster},
    {"kubeconfig", kOtherServer, Instead::kOtherCluster},
    {"kuberc", "preferences can name programs to run"},
    {"log-dir", kWritesFile},
    {"log-file", kWritesFile},
    {"output-directory", kWritesFile},
    {"password", kOtherServer, Instead::kOtherLogin},
    {"profile", kWritesFile},
    {"profile-output", kWritesFile},
    {"proxy-url", kOtherServer, Instead::kOtherCluster},
    {"server", kOtherServer, Instead::kOtherCluster},
    {"tls-server-name", kOtherServer, Instead::kOtherCluster},
    {"token", kOtherServer, Instead::kOtherLogin},
    {"user", kOtherServer, Instead::kOtherLogin},
    {"username", kOtherServer, Instead::kOtherLogin},
};

template <typename Table>
const Refusal* Find(const Table& table, std::string_view name) {
  const auto* found = std::find_if(std::begin(table), std::end(table),
                                   [name](const Refusal& entry) { return entry.name == name; });
  return found == std::end(table) ? nullptr : found;
}

Error Refused(std::string_view what, const Refusal& refusal, std::string_view command) {
  std::string message =
      Printable(what, kShownBytesMax) + " is refused beside the agent: " + std::string(refusal.why);
  switch (refusal.instead) {
    case Instead::kOnYourMachine:
      message += "; run it on your machine: mk8s kubectl " +
                 (command.empty() ? "" : Printable(command, kShownBytesMax) + " ") + "...";
      break;
    case Instead::kOtherCluster:
      message += "; leave it out, or for another cluster run mk8s kubectl --cluster NAME ...";
      break;
    case Instead::kOtherLogin:
      message += "; leave it out, or as somebody else run mk8s login and mk8s kubectl ...";
      break;
  }
  return MakeError(ErrorCode::kInvalidArgument, message);
}

// Their own flag, which shadows kubectl's global one of that name.
bool IsCommandsOwn(const KubectlLine& line, std::string_view flag) {
  const std::string_view command = line.Word(0), sub = line.Word(1);
  if (flag == "profile") return command == "debug";
  return flag == "user" && ((command == "create" && sub.ends_with("rolebinding")) ||
                            (command == "set" && sub == "subject"));
}

class Checker {
 public:
  explicit Checker(const KubectlLine& line) : line_(line), command_(line.Word(0)) {}

  Result<void> Check() {
    MK8S_RETURN_IF_ERROR(CheckCommand());
    for (const auto* flags : {&line_.flags, &line_.doubtful}) {
      for (const KubectlFlag& flag : *flags) {
        const Refusal* refusal = Find(kFlags, flag.name);
        if (refusal == nullptr || IsCommandsOwn(line_, flag.name)) continue;
        return Refused("--" + flag.name, *refusal, command_);
      }
    }
    for (const KubectlFlag& flag : line_.flags) MK8S_RETURN_IF_ERROR(CheckFiles(flag));
    if (command_ != "kustomize") return {};
    for (std::size_t i = 1; i < line_.words.size(); ++i) {
      MK8S_RETURN_IF_ERROR(CheckPath("kubectl kustomize", line_.Word(i), true));
    }
    return {};
  }

 private:
  Result<void> CheckCommand() const {
    if (command_.empty()) return {};
    std::string shown = "kubectl " + std::string(command_);
    if (const Refusal* refusal = Find(kCommands, command_)) {
      return Refused(shown, *refusal, command_);
    }
    const bool edits = std::any_of(line_.words.begin(), line_.words.end(), [this](std::size_t at) {
      return line_.arguments[at] == "edit-last-applied";
    });
    if (command_ == "apply" && edits) {
      shown += " edit-last-applied";
      return Refused(shown, {.name = {}, .why = kNoPrograms}, command_);
    }
    if (IsKubectlCommand(command_)) return {};
    return Refused(shown,
                   {.name = {},
                    .why = "it is none of kubectl's own commands, and plugins "
                           "are programs that are not there"},
                   command_);
  }

  Result<void> CheckFiles(const KubectlFlag& flag) const {
    const std::string_view value = line_.ValueOf(flag);
    const std::string shown = "--" + flag.name;
    switch (WhatFlagReads(flag.name)) {
      case FlagReads::kNothing:
        return {};
      case FlagReads::kOutput: {
        if (command_ == "kustomize") {
          return Refused(shown, {.name = {}, .why = kWritesFile}, command_);
        }
        const std::size_t file = value.find("-file=");
        return file == value.npos ? Result<void>() : CheckPath(shown, value.substr(file + 6));
      }
      case FlagReads::kTemplate: {
        const bool is_file =
            std::any_of(line_.flags.begin(), line_.flags.end(), [this](const KubectlFlag& other) {
              return other.name == "output" && line_.ValueOf(other).ends_with("-file");
            });
        return is_file ? CheckPath(shown, value) : Result<void>();
      }
      case FlagReads::kKustomization:
        return CheckPath(shown, value, true);
      case FlagReads::kFile:
        return CheckPath(shown, value);
      case FlagReads::kManifests:
      case FlagReads::kPairs:
        break;
    }
    for (std::string_view path : Split(value, ',')) {
      if (WhatFlagReads(flag.name) == FlagReads::kPairs) path.remove_prefix(path.find('=') + 1);
      MK8S_RETURN_IF_ERROR(CheckPath(shown, path));
    }
    return {};
  }

  Result<void> CheckPath(const std::string& shown, std::string_view path,
                         bool kustomization = false) const {
    const std::string what = shown + " " + std::string(path);
    if (IsFetched(path, kustomization)) {
      return Refused(what, {.name = {}, .why = "the agent fetches nothing for you"}, command_);
    }
    const auto parts = Split(path, '/');
    if (path.starts_with('/') || std::find(parts.begin(), parts.end(), "..") != parts.end()) {
      return Refused(what,
                     {.name = {},
                      .why = "it reads only the files that come with the "
                             "command, by their paths in its folder"},
                     command_);
    }
    return {};
  }

  static bool IsFetched(std::string_view path, bool kustomization) {
    const std::string lower = ToLower(path);
    if (lower.find("://") != lower.npos) return true;
    if (!kustomization) return false;
    // What kustomize would clone (kustomize/api/internal/git, repospec.go).
    return lower.find_first_of("@?") != lower.npos || lower.find("//") != lower.npos ||
           lower.starts_with("github.com") || lower.ends_with(".git");
  }

  const KubectlLine& line_;
  const std::string_view command_;
};

}  // namespace

Result<void> CheckCommandArguments(std::span<const std::string> arguments) {
  for (const std::string& argument : arguments) {
    if (argument.find('\0') == argument.npos) continue;
    return MakeError(ErrorCode::kInvalidArgument, "an argument must not contain a NUL");
  }
  const KubectlLine line = ReadKubectlLine(arguments);
  return Checker(line).Check();
}

}  // namespace mk8s::kube

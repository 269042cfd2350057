// See kubectl_words.h.  Lists from k8s.io/kubectl 1.36 (pkg/cmd) and cli-runtime's ConfigFlags.
#include "kube/kubectl_words.h"

#include <algorithm>

namespace mk8s::kube {
namespace {

constexpr std::string_view kCommands[] = {
    "alpha",        "annotate",    "api-resources", "api-versions", "apply",    "attach",  "auth",
    "autoscale",    "certificate", "cluster-info",  "completion",   "config",   "convert", "cordon",
    "cp",           "create",      "debug",         "delete",       "describe", "diff",    "drain",
    "edit",         "events",      "exec",          "explain",      "expose",   "get",     "help",
    "kuberc",       "kustomize",   "label",         "logs",         "options",  "patch",   "plugin",
    "port-forward", "proxy",       "replace",       "rollout",      "run",      "scale",   "set",
    "taint",        "top",         "uncordon",      "version",      "wait",
};

// The flags with a value that come before sub-commands and objects often enough.
constexpr std::string_view kValueFlags[] = {
    "-n",
    "--namespace",
    "-o",
    "--output",
    "-l",
    "--selector",
    "-f",
    "--filename",
    "-k",
    "--kustomize",
    "-c",
    "--container",
    "--as",
    "--as-group",
    "--as-uid",
    "--cache-dir",
    "--field-selector",
    "--from-literal",
    "--from-file",
    "--from-env-file",
    "-p",
    "--patch",
    "--patch-file",
    "--type",
    "--image",
    "--env",
    "-e",
    "--overrides",
    "--request-timeout",
    "--sort-by",
    "--template",
    "-v",
    "--v",
    "--token",
    "--password",
    "--docker-password",
    "--docker-username",
    "--docker-server",
    "--docker-email",
    "--cert",
    "--key",
    "--replicas",
    "--timeout",
    "--tail",
    "--since",
    "--since-time",
    "--for",
    "--context",
    "--cluster",
    "--user",
    "--kubeconfig",
    "-s",
    "--server",
};

}  // namespace

std::vector<std::string> Positionals(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--") break;
    if (!word.starts_with("-") || word == "-") {
      words.push_back(word);
    } else if (TakesValue(word)) {
      ++i;
    }
  }
  return words;
}

bool TakesValue(std::string_view flag) {
  return std::find(std::begin(kValueFlags), std::end(kValueFlags), flag) != std::end(kValueFlags);
}

bool IsKubectlCommand(std::string_view word) {
  return std::find(std::begin(kCommands), std::end(kCommands), word) != std::end(kCommands);
}

}  // namespace mk8s::kube

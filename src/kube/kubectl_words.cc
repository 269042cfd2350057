// See kubectl_words.h.  From k8s.io/kubectl (pkg/cmd), cli-runtime's ConfigFlags and kustomize as
// of kubectl 1.20 to 1.36; test/functional/test_kubectl_words.py holds it to a real kubectl.
#include "kube/kubectl_words.h"

#include <algorithm>
#include <iterator>

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
static_assert(std::is_sorted(std::begin(kCommands), std::end(kCommands)));

// Flags that stand alone: booleans, and those whose value may only follow "=" (--dry-run).
constexpr std::string_view kSwitches[] = {
    "add-dir-header",
    "all",
    "all-containers",
    "all-namespaces",
    "all-pods",
    "allow-missing-template-keys",
    "alsologtostderr",
    "append-hash",
    "append-server-path",
    "arguments-only",
    "as-current-user",
    "attach",
    "cached",
    "cascade",
    "client",
    "create-annotation",
    "current",
    "delete-emptydir-data",
    "disable-compression",
    "disable-eviction",
    "disable-filter",
    "dry-run",
    "edit",
    "embed-certs",
    "enable-alpha-plugins",
    "enable-helm",
    "exec-provide-cluster-info",
    "expose",
    "flatten",
    "follow",
    "force",
    "force-conflicts",
    "global-default",
    "helm-debug",
    "help",
    "ignore-daemonsets",
    "ignore-errors",
    "ignore-not-found",
    "insecure-skip-tls-verify",
    "insecure-skip-tls-verify-backend",
    "interactive",
    "keep-annotations",
    "keep-init-containers",
    "keep-labels",
    "keep-liveness",
    "keep-readiness",
    "keep-startup",
    "leave-stdin-open",
    "list",
    "local",
    "logtostderr",
    "match-server-version",
    "merge",
    "minify",
    "name-only",
    "namespaced",
    "network",
    "no-headers",
    "no-preserve",
    "now",
    "one-output",
    "openapi-patch",
    "output-patch",
    "output-watch-events",
    "overwrite",
    "previous",
    "privileged",
    "prune",
    "quiet",
    "record",
    "recursive",
    "remove-extra-permissions",
    "remove-extra-subjects",
    "replace",
    "resolve",
    "rm",
    "same-node",
    "save-config",
    "server-print",
    "server-side",
    "set-raw-bytes",
    "share-processes",
    "short",
    "show-capacity",
    "show-events",
    "show-kind",
    "show-labels",
    "show-managed-fields",
    "show-secrets",
    "show-swap",
    "skip-headers",
    "skip-log-headers",
    "stdin",
    "sum",
    "timestamps",
    "tty",
    "use-protocol-buffers",
    "validate",
    "wait",
    "warnings-as-errors",
    "watch",
    "watch-only",
    "windows-line-endings",
};
static_assert(std::is_sorted(std::begin(kSwitches), std::end(kSwitches)));

// The same name, another flag.
struct OwnFlag {
  std::string_view command, sub_command, name;
};
constexpr OwnFlag kOwnSwitches[] = {
    {"config", "view", "raw"},
    {"logs", "", "prefix"},
    {"run", "", "command"},
    {"top", "", "containers"},
};

constexpr std::string_view kGlobalSwitches[] = {"disable-compression", "insecure-skip-tls-verify",
                                                "match-server-version", "warnings-as-errors"};

struct Letter {
  char letter;
  std::string_view name;
};
constexpr Letter kLetters[] = {
    {'A', "all-namespaces"}, {'L', "label-columns"}, {'P', "www-prefix"},  {'R', "recursive"},
    {'c', "container"},      {'e', "env"},           {'f', "filename"},    {'h', "help"},
    {'i', "stdin"},          {'k', "kustomize"},     {'l', "selector"},    {'n', "namespace"},
    {'o', "output"},         {'p', "patch"},         {'q', "quiet"},       {'r', "replicas"},
    {'s', "server"},         {'t', "tty"},           {'u', "unix-socket"}, {'v', "v"},
    {'w', "watch"},
};
struct OwnLetter {
  std::string_view command;
  Letter letter;
};
constexpr OwnLetter kOwnLetters[] = {
    {"delete", {'i', "interactive"}}, {"expose", {'l', "labels"}},  {"logs", {'f', "follow"}},
    {"logs", {'p', "previous"}},      {"proxy", {'p', "port"}},     {"proxy", {'w', "www"}},
    {"run", {'l', "labels"}},         {"set", {'c', "containers"}},
};

struct Reading {
  std::string_view name;
  FlagReads reads;
};
constexpr Reading kReadings[] = {
    {"cert", FlagReads::kFile},
    {"custom", FlagReads::kFile},
    {"filename", FlagReads::kManifests},
    {"from-env-file", FlagReads::kFile},
    {"from-file", FlagReads::kPairs},
    {"key", FlagReads::kFile},
    {"kustomize", FlagReads::kKustomization},
    {"output", FlagReads::kOutput},
    {"patch-file", FlagReads::kFile},
    {"template", FlagReads::kTemplate},
};

template <typename Table>
bool Holds(const Table& sorted, std::string_view word) {
  return std::binary_search(std::begin(sorted), std::end(sorted), word);
}

}  // namespace

bool IsKubectlCommand(std::string_view word) { return Holds(kCommands, word); }

bool TakesValue(std::string_view flag, std::string_view command, std::string_view sub_command) {
  if (Holds(kSwitches, flag)) return false;
  return std::none_of(std::begin(kOwnSwitches), std::end(kOwnSwitches), [&](const OwnFlag& own) {
    return own.name == flag && own.command == command &&
           (own.sub_command.empty() || own.sub_command == sub_command);
  });
}

bool StandsAloneBeforeCommand(std::string_view flag) { return Holds(kGlobalSwitches, flag); }

std::string_view LongName(char letter, std::string_view command) {
  for (const OwnLetter& own : kOwnLetters) {
    if (own.command == command && own.letter.letter == letter) return own.letter.name;
  }
  const auto* found = std::find_if(std::begin(kLetters), std::end(kLetters),
                                   [letter](const Letter& each) { return each.letter == letter; });
  return found == std::end(kLetters) ? std::string_view() : found->name;
}

FlagReads WhatFlagReads(std::string_view flag) {
  const auto* found = std::find_if(std::begin(kReadings), std::end(kReadings),
                                   [flag](const Reading& each) { return each.name == flag; });
  return found == std::end(kReadings) ? FlagReads::kNothing : found->reads;
}

}  // namespace mk8s::kube

// See kubectl_arguments.h.
#include "cli/kubectl_arguments.h"

#include <algorithm>

#include "kube/kubectl_words.h"

namespace mk8s::cli {
namespace {

struct RefusedFlag {
  std::string_view name;
  std::string_view next;
};
constexpr std::string_view kChooseCluster =
    "mk8s chooses the server and the credential; to pick a cluster: mk8s kubectl --cluster NAME "
    "...";
constexpr RefusedFlag kRefused[] = {
    {"cluster", "put it before kubectl's arguments: mk8s kubectl --cluster NAME ..."},
    {"context", kChooseCluster},
    {"kubeconfig", "for another kubeconfig run kubectl itself; mk8s kubeconfig writes one"},
    {"server", kChooseCluster},
    {"token", "the credential is that of mk8s login, or MK8S_TOKEN"},
    {"username", "the credential is that of mk8s login, or MK8S_TOKEN"},
    {"password", "the credential is that of mk8s login, or MK8S_TOKEN"},
    {"client-certificate", "the credential is that of mk8s login, or MK8S_TOKEN"},
    {"client-key", "the credential is that of mk8s login, or MK8S_TOKEN"},
    {"certificate-authority", "to trust another CA: mk8s login --ca-file FILE"},
    {"insecure-skip-tls-verify", "to trust another CA: mk8s login --ca-file FILE"},
    {"tls-server-name", "to trust another CA: mk8s login --ca-file FILE"},
};

// The sub-commands of `kubectl config` that only read.
constexpr std::string_view kReadsConfig[] = {"view", "current-context", "get-contexts",
                                             "get-clusters", "get-users"};

Result<void> CheckConfigCommand(std::string_view command) {
  if (command.empty() || std::find(std::begin(kReadsConfig), std::end(kReadsConfig), command) !=
                             std::end(kReadsConfig)) {
    return {};
  }
  return MakeError(ErrorCode::kInvalidArgument,
                   "mk8s makes the kubeconfig anew for each call: the change would be lost\n"
                   "  next: mk8s kubectl -n NAMESPACE ..., or mk8s kubeconfig --write and kubectl "
                   "itself");
}

}  // namespace

std::string_view HintFor(const kube::KubectlLine& line) {
  if (line.Word(0) != "proxy" || line.Has("append-server-path")) return {};
  return "kubectl proxy reaches a cluster behind mk8s only with --append-server-path";
}

Result<void> CheckArguments(const kube::KubectlLine& line) {
  if (line.Word(0) == "config") return CheckConfigCommand(line.Word(1));
  if (!line.words.empty() && !kube::IsKubectlCommand(line.Word(0))) return {};
  for (const kube::KubectlFlag& flag : line.flags) {
    for (const RefusedFlag& refused : kRefused) {
      if (flag.name != refused.name) continue;
      return MakeError(ErrorCode::kInvalidArgument,
                       "kubectl's --" + flag.name +
                           " cannot be used through mk8s\n  next: " + std::string(refused.next));
    }
  }
  return {};
}

}  // namespace mk8s::cli

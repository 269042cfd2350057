// Runs a kubeconfig's credential plugin (client.authentication.k8s.io; KEP 541) and reads what it
// prints.  Blocks: for a pool's thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "agent/kube_credential.h"
#include "agent/kubeconfig.h"

namespace mk8s::agent {

/// `access.exec` must be set.  The plugin gets the agent's environment with its own variables and
/// KUBERNETES_EXEC_INFO, no standard input, and is killed with its children at the deadline. Error:
/// kFailedPrecondition (cannot run, exit status, what it printed), kDeadlineExceeded.
Result<KubeCredential> RunExecPlugin(const ClusterAccess& access,
                                     std::chrono::milliseconds deadline);

/// The ExecCredential in `json`.  Error: kFailedPrecondition.
Result<KubeCredential> ParseExecCredential(std::string_view json);

/// The value of KUBERNETES_EXEC_INFO.
std::string ExecInfo(const ClusterAccess& access);

}  // namespace mk8s::agent

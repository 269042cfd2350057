// Which kubectl runs beside the agent.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mk8s::command {

struct KubectlPlaces {
  std::string path;         // agent.kubectl_path: the program, or a folder; empty: search_path
  std::string search_path;  // PATH
};

/// The minor of "v1.31.4+k3s1"; 0 for anything but Kubernetes 1.
int KubernetesMinor(std::string_view version);

/// The program's absolute path.  A folder may hold several, named kubectl-1.31 and so on: the one
/// nearest to the cluster's version is taken (of two as near the newer one), but a plain kubectl
/// goes before one that is more than a minor version away, which Kubernetes does not support
/// (kubernetes.io/releases/version-skew-policy).  `cluster_minor` 0: not known.  Reads folders, so
/// not for a loop's thread.  Error: kFailedPrecondition, for the caller of the command.
Result<std::string> ChooseKubectl(const KubectlPlaces& places, int cluster_minor);

}  // namespace mk8s::command

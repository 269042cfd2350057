// The two kubeconfigs that mk8s makes: a private one with a token for a single kubectl run, and
// entries with the credential plugin, and no secret, for the user's own file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace mk8s::cli {

struct ClusterAccess {
  std::string context;     // the name of cluster, user and context: "mk8s-prod"
  std::string server_url;  // "https://central/clusters/prod/k8s"
  std::string ca_pem;      // empty: the system's certificates
  bool insecure_skip_tls_verify = false;
};

/// One context, with the token in it.
std::string PrivateKubeconfig(const ClusterAccess& access, const Secret& token);

/// What every context's user runs to get a token.
struct CredentialPlugin {
  std::string program;      // absolute path of mk8s
  std::string central_url;  // a kubeconfig can hold contexts of several centrals
  std::string home;         // MK8S_HOME where it is set; else empty
};

/// A kubeconfig of these contexts alone; the first is current.
std::string PluginKubeconfig(const std::vector<ClusterAccess>& accesses,
                             const CredentialPlugin& plugin);

/// `existing` (empty: a new file) with these contexts added or replaced; everything else stays, the
/// current context too unless there is none.  Comments do not survive, as with kubectl config.
/// Error: kFailedPrecondition when `existing` is not a kubeconfig.
Result<std::string> MergeKubeconfig(std::string_view existing,
                                    const std::vector<ClusterAccess>& accesses,
                                    const CredentialPlugin& plugin);

}  // namespace mk8s::cli

// How the agent reaches its own API server: from the pod's service account, or from a kubeconfig
// file (k8s.io/client-go/tools/clientcmd/api/v1/types.go).  Read once at start; kube_credential.h
// keeps the changing part fresh.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "config/environment.h"
#include "net/tls.h"

namespace mk8s::agent {

/// A program that prints a credential (client.authentication.k8s.io/v1 or v1beta1).
struct ExecPlugin {
  std::string api_version;
  std::string command;  // with a '/': a path, relative ones resolved; else looked up in PATH
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;
  std::string install_hint;
  bool provide_cluster_info = false;
};

/// The API server and what to show it.
struct ClusterAccess {
  std::string host;  // without brackets
  std::uint16_t port = 443;
  std::string path_prefix;  // of servers behind a path; empty or "/..." without a '/' at the end
  bool tls = true;
  std::string ca_pem;  // empty: the system's roots
  bool insecure_skip_verify = false;
  std::string server_name;  // for SNI and verification; `host` where the kubeconfig has no other
  std::string proxy;        // "http://..."; empty: none

  net::TlsIdentity identity;  // empty: no client certificate
  Secret token;
  std::string token_file;  // wins over `token`; changes under way
  std::optional<ExecPlugin> exec;

  /// "host:port" with brackets around IPv6.
  std::string Authority() const;
};

/// `context` empty: current-context.  Files that it names are read too, relative to its own folder.
/// Errors: kInvalidArgument, kNotFound, naming file and entry; kUnimplemented for what the agent
/// does not do (basic authentication, auth-provider, impersonation, proxies other than http).
Result<ClusterAccess> LoadKubeconfig(const std::string& file, const std::string& context);

/// The same from text; `file` names it in errors and its folder resolves relative paths.
Result<ClusterAccess> ParseKubeconfig(const std::string& text, const std::string& file,
                                      const std::string& context);

/// Where the kubelet puts a pod's service account.
inline constexpr const char* kServiceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount";

/// From KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT and `dir`.  Error: kFailedPrecondition
/// where this is no pod, saying what to set instead.
Result<ClusterAccess> InClusterAccess(const config::Environment& environment,
                                      const std::string& dir = kServiceAccountDir);

/// At most 1 MiB of a file.  Error: kNotFound or kTooLarge, naming `what` and the file.
Result<std::string> ReadSmallFile(const std::string& file, const std::string& what);

}  // namespace mk8s::agent

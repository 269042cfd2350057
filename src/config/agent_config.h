// The settings of mk8s-agent.  Precedence: environment (MK8S_<SECTION>_<KEY>, then the Deployment's
// CENTRAL_URL, CLUSTER_NAME, AGENT_TOKEN) > file > default.  configs/agent.yaml shows every key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/secret.h"
#include "config/environment.h"
#include "config/setting.h"

namespace mk8s::config {

struct AgentConfig {
  struct Central {
    std::string url;         // "https://HOST:GRPC_PORT" or "HOST:PORT"
    Secret token;            // the agent's bootstrap token
    std::string host;        // from url; an IPv6 address without brackets
    std::uint16_t port = 0;  // from url
  } central;

  struct Cluster {
    std::string name;  // must be the token's cluster
  } cluster;

  struct Tls {
    bool insecure = false;  // do not verify central's certificate
    std::string ca_file;    // PEM; empty: the system's roots
  } tls;

  struct Kubernetes {
    std::string kubeconfig;  // empty: the pod's service account
    std::string context;     // empty: the kubeconfig's current-context
  } kubernetes;

  struct Agent {
    std::string bind_address;  // of the diagnostics port; empty: every interface
    std::uint16_t diagnostics_port = 8082;
    std::string kubectl_path;  // a program or a folder of several versions; empty: PATH
  } agent;

  struct Exec {
    bool require_sandbox = false;  // refuse commands without namespaces of their own
  } exec;

  struct Log {
    log::Level level = log::Level::kInfo;
  } log;
};

/// `file` may be empty: the environment alone.  Error: kInvalidArgument naming file, line and key
/// (kNotFound: no such file).
Result<AgentConfig> LoadAgentConfig(const std::string& file, const Environment& environment);

/// The same from text; `file` only names it in errors.
Result<AgentConfig> ParseAgentConfig(std::string_view yaml, const std::string& file,
                                     const Environment& environment);

/// The table of keys, bound to `config`.
std::vector<Setting> Settings(AgentConfig& config);

}  // namespace mk8s::config

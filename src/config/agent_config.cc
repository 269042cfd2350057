// See agent_config.h.
#include "config/agent_config.h"

#include <charconv>

#include "base/text.h"
#include "config/reader.h"

namespace mk8s::config {
namespace {

constexpr std::uint16_t kGrpcPort = 9090;  // of a bare HOST
constexpr std::uint16_t kHttpsPort = 443;  // of https://HOST

Error Invalid(const std::string& file, const std::string& message) {
  return MakeError(ErrorCode::kInvalidArgument,
                   (file.empty() ? "configuration" : file) + ": " + message);
}

Error BadUrl(const std::string& file, const std::string& url) {
  return Invalid(file, "central.url: \"" + Printable(url, 200) +
                           "\" is not https://HOST:PORT with central's port for agents (9090)");
}

// Fills host and port from url.
Result<void> SplitUrl(AgentConfig::Central& central, const std::string& file) {
  std::string_view rest = central.url;
  central.port = kGrpcPort;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
    central.port = kHttpsPort;
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const bool bracketed = rest.starts_with('[');
  const std::size_t close = bracketed ? rest.find(']') : 0;
  if (close == rest.npos) return BadUrl(file, central.url);
  const std::size_t colon = rest.find(':', close);
  const std::string_view host = rest.substr(0, colon);
  central.host = bracketed ? host.substr(1, close - 1) : host;
  const bool clean =
      host.find_first_of("/?#@ \\") == host.npos && (!bracketed || host.size() == close + 1);
  if (central.host.empty() || !clean) return BadUrl(file, central.url);
  if (colon == rest.npos) return {};
  const std::string_view digits = rest.substr(colon + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), central.port);
  if (error != std::errc() || end != digits.data() + digits.size() || central.port == 0) {
    return BadUrl(file, central.url);
  }
  return {};
}

// A cluster's name is an RFC 1123 label.
bool IsClusterName(std::string_view name) {
  if (name.empty() || name.size() > 63 || name.front() == '-' || name.back() == '-') return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == name.npos;
}

Result<void> Complete(AgentConfig& config, const std::string& file) {
  const auto missing = [&](const char* key, const char* variable) {
    return Invalid(file, std::string(key) + " is not set: give it there or in " + variable);
  };
  if (config.central.url.empty()) return missing("central.url", "CENTRAL_URL");
  if (config.central.token.empty()) return missing("central.token", "AGENT_TOKEN");
  if (config.cluster.name.empty()) return missing("cluster.name", "CLUSTER_NAME");
  if (!IsClusterName(config.cluster.name)) {
    return Invalid(file, "cluster.name: \"" + Printable(config.cluster.name, 80) +
                             "\" is not a cluster's name: lower-case letters, digits and '-'");
  }
  return SplitUrl(config.central, file);
}

// The Deployment's variables, weaker than MK8S_<SECTION>_<KEY>.
void ApplyDeploymentVariables(AgentConfig& config, const Environment& environment) {
  if (const auto url = environment("CENTRAL_URL")) config.central.url = *url;
  if (const auto name = environment("CLUSTER_NAME")) config.cluster.name = *name;
  if (const auto token = environment("AGENT_TOKEN")) config.central.token = Secret(*token);
}

}  // namespace

std::vector<Setting> Settings(AgentConfig& config) {
  auto& central = config.central;
  return {
      Text("central.url", central.url,
           "Central's port for agents, https://HOST:PORT or HOST:PORT.  Also in CENTRAL_URL.",
           "${CENTRAL_URL}"),
      SecretText("central.token", central.token,
                 "The token that `mk8s clusters add` printed once.  Also in AGENT_TOKEN.",
                 "${AGENT_TOKEN}"),

      Text("cluster.name", config.cluster.name,
           "The cluster's name in mk8s; must be the token's cluster.  Also in CLUSTER_NAME.",
           "${CLUSTER_NAME}"),

      Flag("tls.insecure", config.tls.insecure,
           "true: central's certificate is not verified.  For tests only."),
      Text("tls.ca_file", config.tls.ca_file,
           "CA certificates in PEM to trust for central; empty: the system's."),

      Text("kubernetes.kubeconfig", config.kubernetes.kubeconfig,
           "Outside a cluster: a kubeconfig file; empty: the pod's service account."),
      Text("kubernetes.context", config.kubernetes.context,
           "Context in it; empty: its current-context."),

      Text("agent.bind_address", config.agent.bind_address,
           "IP address of the diagnostics port; empty: every interface."),
      Port("agent.diagnostics_port", config.agent.diagnostics_port,
           "/healthz, /readyz and /metrics.  0 takes any free port."),
      Text("agent.kubectl_path", config.agent.kubectl_path,
           "kubectl for commands beside the agent: the program, or a folder with one or several\n"
           "(kubectl, kubectl-1.31, ...); empty: PATH.  The one nearest to the cluster's "
           "version is taken."),

      Flag("exec.require_sandbox", config.exec.require_sandbox,
           "true: commands beside the agent are refused where the kernel gives them no namespaces "
           "of\n"
           "their own."),

      LogLevel("log.level", config.log.level, "debug, info, warn or error."),
  };
}

Result<AgentConfig> LoadAgentConfig(const std::string& file, const Environment& environment) {
  std::string yaml;
  if (!file.empty()) {
    MK8S_ASSIGN_OR_RETURN(yaml, ReadConfigFile(file));
  }
  return ParseAgentConfig(yaml, file, environment);
}

Result<AgentConfig> ParseAgentConfig(std::string_view yaml, const std::string& file,
                                     const Environment& environment) {
  AgentConfig config;
  const std::vector<Setting> settings = Settings(config);
  MK8S_RETURN_IF_ERROR(ApplyYaml(yaml, file, environment, settings));
  ApplyDeploymentVariables(config, environment);
  MK8S_RETURN_IF_ERROR(ApplyEnvironment(environment, settings));
  MK8S_RETURN_IF_ERROR(Complete(config, file));
  return config;
}

}  // namespace mk8s::config

// See kubeconfig.h.  Format: k8s.io/client-go/tools/clientcmd/api/v1 (types.go).
#include "cli/kubeconfig.h"

#include <boost/json.hpp>

#include "base/encoding.h"
#include "cli/documents.h"

namespace mk8s::cli {
namespace {

namespace json = boost::json;

// kubectl 1.20 knows only v1beta1, and every later one still does; the plugin answers in the
// version that it is asked for.
constexpr std::string_view kExecApiVersion = "client.authentication.k8s.io/v1beta1";

json::object Named(std::string_view name, std::string_view kind, json::object body) {
  return {{"name", name}, {kind, std::move(body)}};
}

json::object ClusterEntry(const ClusterAccess& access) {
  json::object cluster{{"server", access.server_url}};
  if (access.insecure_skip_tls_verify) {
    cluster["insecure-skip-tls-verify"] = true;
  } else if (!access.ca_pem.empty()) {
    cluster["certificate-authority-data"] = Base64Encode(access.ca_pem);
  }
  return Named(access.context, "cluster", std::move(cluster));
}

json::object ContextEntry(const ClusterAccess& access) {
  return Named(access.context, "context", {{"cluster", access.context}, {"user", access.context}});
}

json::object PluginUserEntry(const ClusterAccess& access, const CredentialPlugin& plugin) {
  // Clients that set no KUBERNETES_EXEC_INFO (fabric8) leave this entry for the plugin to read.
  json::array variables{
      json::object{{"name", "MK8S_EXEC_API_VERSION"}, {"value", kExecApiVersion}}};
  if (!plugin.home.empty()) {
    variables.push_back(json::object{{"name", "MK8S_HOME"}, {"value", plugin.home}});
  }
  json::object exec{
      {"apiVersion", kExecApiVersion},
      {"command", plugin.program},
      {"args", json::array{"credential", "--server", json::string(plugin.central_url)}},
      {"env", std::move(variables)},
      {"interactiveMode", "Never"},
      {"installHint", "mk8s is the command line of the gateway to this cluster"},
  };
  return Named(access.context, "user", {{"exec", std::move(exec)}});
}

json::object EmptyConfig() {
  return {{"apiVersion", "v1"},        {"kind", "Config"},       {"clusters", json::array{}},
          {"contexts", json::array{}}, {"users", json::array{}}, {"current-context", ""}};
}

// Replaces the entry of the same name where it stands, or adds it at the end.
Result<void> Put(json::object& config, std::string_view list, json::object entry) {
  json::value& value = config[list];
  if (value.is_null()) value = json::array{};
  if (!value.is_array()) {
    return MakeError(ErrorCode::kFailedPrecondition, std::string(list) + " is not a list");
  }
  for (json::value& present : value.get_array()) {
    const json::value* name =
        present.is_object() ? present.get_object().if_contains("name") : nullptr;
    if (name != nullptr && *name == entry["name"]) {
      present = std::move(entry);
      return {};
    }
  }
  value.get_array().push_back(std::move(entry));
  return {};
}

Result<std::string> Merge(json::object config, const std::vector<ClusterAccess>& accesses,
                          const CredentialPlugin& plugin) {
  for (const ClusterAccess& access : accesses) {
    MK8S_RETURN_IF_ERROR(Put(config, "clusters", ClusterEntry(access)));
    MK8S_RETURN_IF_ERROR(Put(config, "contexts", ContextEntry(access)));
    MK8S_RETURN_IF_ERROR(Put(config, "users", PluginUserEntry(access, plugin)));
  }
  json::value& current = config["current-context"];
  const bool has_current = current.is_string() && !current.get_string().empty();
  if (!has_current && !accesses.empty()) current = accesses.front().context;
  return ToYaml(config);
}

}  // namespace

std::string PrivateKubeconfig(const ClusterAccess& access, const Secret& token) {
  json::object config = EmptyConfig();
  config["clusters"] = json::array{ClusterEntry(access)};
  config["contexts"] = json::array{ContextEntry(access)};
  config["users"] = json::array{Named(access.context, "user", {{"token", token.Reveal()}})};
  config["current-context"] = access.context;
  return json::serialize(config) + "\n";  // JSON is YAML
}

std::string PluginKubeconfig(const std::vector<ClusterAccess>& accesses,
                             const CredentialPlugin& plugin) {
  // The lists of an empty configuration are lists: the merge cannot fail.
  return Merge(EmptyConfig(), accesses, plugin).value_or("");
}

Result<std::string> MergeKubeconfig(std::string_view existing,
                                    const std::vector<ClusterAccess>& accesses,
                                    const CredentialPlugin& plugin) {
  Result<json::value> parsed = ParseYaml(existing);
  if (!parsed) return MakeError(ErrorCode::kFailedPrecondition, parsed.error().message);
  if (parsed->is_null()) *parsed = EmptyConfig();
  if (!parsed->is_object()) {
    return MakeError(ErrorCode::kFailedPrecondition, "it is not a kubeconfig");
  }
  return Merge(std::move(parsed->get_object()), accesses, plugin);
}

}  // namespace mk8s::cli

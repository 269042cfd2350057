// `mk8s kubeconfig`, which gives other clients (k9s, helm, client-go) contexts for the clusters,
// and `mk8s credential`, the plugin that those contexts run for a token.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "base/text.h"
#include "cli/cluster_choice.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/kubeconfig.h"

namespace mk8s::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

struct Flags {
  bool write = false;
  bool all = false;
  bool yes = false;
};

Result<std::vector<std::string>> WantedClusters(Workspace& workspace, bool all) {
  if (!all) {
    MK8S_ASSIGN_OR_RETURN(const std::string name, ChosenCluster(workspace));
    return std::vector<std::string>{name};
  }
  MK8S_ASSIGN_OR_RETURN(const Listing<ClusterView> listing, ListAndRemember(workspace));
  std::vector<std::string> names;
  for (const ClusterView& cluster : listing.items) names.push_back(cluster.name);
  if (names.empty()) return MakeError(ErrorCode::kNotFound, "you have access to no cluster");
  return names;
}

Result<std::vector<ClusterAccess>> Accesses(const Workspace& workspace,
                                            const std::vector<std::string>& names) {
  std::string ca_pem;
  if (!workspace.settings.ca_file.value.empty()) {
    MK8S_ASSIGN_OR_RETURN(ca_pem, ReadFile(workspace.settings.ca_file.value));
  }
  std::vector<ClusterAccess> accesses;
  for (const std::string& name : names) {
    accesses.push_back(
        {"mk8s-" + name,
         workspace.settings.central_url.value + "/clusters/" + EncodeSegment(name) + "/k8s", ca_pem,
         workspace.settings.insecure_skip_tls_verify});
  }
  return accesses;
}

// kubectl's rule for writing: the first file of $KUBECONFIG, else ~/.kube/config.
Result<fs::path> TargetFile(const Environment& environment) {
  const std::string list = environment.Get("KUBECONFIG");
  for (const std::string_view file : Split(list, ':')) {
    if (!file.empty()) return fs::path(file);
  }
  const std::string home = environment.Get("HOME");
  if (home.empty()) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     "neither KUBECONFIG nor HOME is set\n  next: set KUBECONFIG to a file");
  }
  return fs::path(home) / ".kube" / "config";
}

Result<void> WriteMerged(Context& context, const fs::path& file,
                         const std::vector<ClusterAccess>& accesses,
                         const CredentialPlugin& plugin) {
  const Result<std::string> existing = ReadFile(file);
  const bool is_new = !existing && existing.error().code == ErrorCode::kNotFound;
  if (!existing && !is_new) return existing.error();
  const Result<std::string> merged =
      MergeKubeconfig(is_new ? std::string() : *existing, accesses, plugin);
  if (!merged) return MakeError(merged.error().code, file.string() + ": " + merged.error().message);
  if (!is_new && *existing == *merged) {
    context.err << file.string() << " has these contexts already.\n";
    return {};
  }
  std::error_code failure;
  // A link stays a link: what it points to is written.
  const fs::path target = is_new ? file : fs::canonical(file, failure);
  if (failure) return MakeError(ErrorCode::kFailedPrecondition, failure.message());
  if (is_new) {
    fs::create_directories(target.parent_path(), failure);
  } else {
    MK8S_RETURN_IF_ERROR(WriteFileAtomically(target.string() + ".mk8s-backup", *existing, 0600));
  }
  MK8S_RETURN_IF_ERROR(WriteFileAtomically(target, *merged, 0600));
  context.err << "Wrote " << file.string();
  if (!is_new) context.err << "; the file as it was: " << target.string() << ".mk8s-backup";
  context.err << "\n";
  return {};
}

Result<int> Kubeconfig(Context& context, const Flags& flags) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                        WantedClusters(*workspace, flags.all));
  MK8S_ASSIGN_OR_RETURN(const std::vector<ClusterAccess> accesses, Accesses(*workspace, names));
  const std::string home =
      context.environment.Get("MK8S_HOME").empty() ? "" : workspace->home.folder().string();
  const CredentialPlugin plugin{context.program, workspace->settings.central_url.value, home};
  if (!flags.write) {
    context.out << PluginKubeconfig(accesses, plugin);
    return 0;
  }
  MK8S_ASSIGN_OR_RETURN(const fs::path file, TargetFile(context.environment));
  std::vector<std::string> contexts;
  for (const ClusterAccess& access : accesses) contexts.push_back(access.context);
  MK8S_RETURN_IF_ERROR(ConfirmOrFail(
      context, flags.yes, "Write " + Join(contexts, ", ") + " to " + file.string() + "?"));
  MK8S_RETURN_IF_ERROR(WriteMerged(context, file, accesses, plugin));
  context.err << "Try: kubectl --context " << contexts.front() << " get pods\n";
  return 0;
}

// The version that the client asks for, in KUBERNETES_EXEC_INFO or, where it sets none, in the
// kubeconfig's own entry for us.
std::string AskedVersion(const Environment& environment) {
  boost::system::error_code failure;
  const json::value asked = json::parse(environment.Get("KUBERNETES_EXEC_INFO"), failure);
  if (!failure && asked.is_object()) {
    const json::value* version = asked.get_object().if_contains("apiVersion");
    if (version != nullptr && version->is_string() && !version->get_string().empty()) {
      return std::string(version->get_string());
    }
  }
  const std::string entry = environment.Get("MK8S_EXEC_API_VERSION");
  return entry.empty() ? "client.authentication.k8s.io/v1beta1" : entry;
}

Result<int> Credential(Context& context) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_ASSIGN_OR_RETURN(const Session session, workspace->keeper.Fresh());
  json::object status{{"token", session.token.Reveal()}};
  if (session.expires_at != WallTime::max()) {
    // metav1.Time knows no fractions: "2026-11-24T10:34:31Z".
    status["expirationTimestamp"] = FormatTime(session.expires_at).substr(0, 19) + "Z";
  }
  context.out << json::serialize(json::object{{"apiVersion", AskedVersion(context.environment)},
                                              {"kind", "ExecCredential"},
                                              {"status", std::move(status)}})
              << "\n";
  return 0;
}

}  // namespace

void AddKubeconfigCommands(Registry& registry) {
  auto flags = std::make_shared<Flags>();
  CLI::App* kubeconfig =
      AddCommand(registry, registry.root, "kubeconfig",
                 "Contexts for k9s, helm and other clients, without secrets",
                 "  mk8s kubeconfig --all > mk8s.kubeconfig\n"
                 "  mk8s kubeconfig --write --all      # into $KUBECONFIG or ~/.kube/config\n"
                 "  k9s --context mk8s-prod-eu\n",
                 [flags](Context& context) { return Kubeconfig(context, *flags); });
  kubeconfig->add_flag("--write", flags->write,
                       "Merge into $KUBECONFIG or ~/.kube/config; everything else there stays");
  kubeconfig->add_flag("--all", flags->all, "All of your clusters, not only the current one");
  AddYesFlag(kubeconfig, flags->yes);
  AddCommand(registry, registry.root, "credential", "Print a token (kubeconfig's exec plugin)", "",
             Credential)
      ->group("");
}

}  // namespace mk8s::cli

// `mk8s kubectl ARGS`: a private kubeconfig for the chosen cluster, the real kubectl on it, its
// exit code.  With a fresh token nothing here touches the network: kubectl itself is the first to.
#include "base/encoding.h"
#include "cli/child_process.h"
#include "cli/cluster_choice.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/kubeconfig.h"
#include "cli/kubectl_arguments.h"
#include "cli/run_folder.h"
#include "kube/command_words.h"
#include "kube/kubectl_line.h"

namespace mk8s::cli {
namespace {

// Help, completion scripts and the like: kubectl answers them by itself, so they need no login.
bool NeedsNoCluster(const kube::KubectlLine& line) {
  if (line.words.empty() || line.Has("help")) return true;
  for (const std::string_view local : {"help", "completion", "options", "kustomize", "plugin"}) {
    if (line.Word(0) == local) return true;
  }
  return false;
}

Result<int> Finish(Context& context, Result<ChildEnd> end) {
  if (!end) return end.error();
  context.raise_signal = end->signal;
  return end->exit_code;
}

Result<ClusterAccess> AccessTo(const Workspace& workspace, const std::string& cluster,
                               const std::string& words) {
  ClusterAccess access;
  access.context = "mk8s-" + cluster;
  access.server_url = workspace.settings.central_url.value + "/clusters/" + EncodeSegment(cluster) +
                      "/c/" + Base64UrlEncode(words) + "/k8s";
  access.insecure_skip_tls_verify = workspace.settings.insecure_skip_tls_verify;
  if (const Setting& file = workspace.settings.ca_file; !file.value.empty()) {
    Result<std::string> pem = ReadFile(file.value);
    if (!pem) return MakeError(pem.error().code, file.origin + ": " + pem.error().message);
    access.ca_pem = *std::move(pem);
  }
  return access;
}

// client-go drops the message of a failed discovery ("the server is currently unable to handle the
// request"), so with an empty discovery cache kubectl cannot say that a cluster is offline: we do.
void ExplainFailure(Context& context, Workspace& workspace, const std::string& cluster) {
  const Result<Listing<ClusterView>> listing = ListAndRemember(workspace);
  if (!listing) {
    Report(context, listing.error());
    return;
  }
  for (const ClusterView& view : listing->items) {
    const std::string why = WhyNotReachable(view, context.clock.Now());
    if (view.name != cluster || why.empty()) continue;
    Report(context, MakeError(ErrorCode::kUnavailable, "the cluster " + cluster +
                                                           " cannot be reached: " + why +
                                                           "\n  next: mk8s clusters list"));
  }
}

// MK8S_HOME may be on a read-only disk in CI; the session's runtime folder then does.
Result<RunFolder> MakeRunFolder(const Context& context, const Workspace& workspace) {
  Result<void> home = workspace.home.Prepare();
  if (home) return RunFolder::Create(workspace.home.RunFolder());
  const std::string runtime = context.environment.Get("XDG_RUNTIME_DIR");
  if (runtime.empty()) return home.error();
  return RunFolder::Create(std::filesystem::path(runtime) / "mk8s");
}

}  // namespace

Result<int> RunKubectl(Context& context, const std::vector<std::string>& arguments) {
  const Result<std::filesystem::path> found = FindKubectl(context.environment);
  const bool completes = !arguments.empty() && arguments[0] == "__complete";
  if (!found && context.environment.Get("MK8S_KUBECTL").empty() && !completes) {
    context.err << "no kubectl is in PATH (https://kubernetes.io/docs/tasks/tools/, or name one in "
                   "MK8S_KUBECTL), so it runs beside the cluster's agent, as mk8s exec-remote\n";
    return RunExecRemote(context, arguments);
  }
  MK8S_ASSIGN_OR_RETURN(const std::filesystem::path kubectl, found);
  const kube::KubectlLine line = kube::ReadKubectlLine(arguments);
  if (NeedsNoCluster(line)) {
    const SignalGuard guard;
    return Finish(context, RunChild(guard, kubectl, arguments, context.environment));
  }
  MK8S_RETURN_IF_ERROR(CheckArguments(line));
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_ASSIGN_OR_RETURN(const Session session, workspace->keeper.Fresh());
  MK8S_ASSIGN_OR_RETURN(const std::string cluster, ChosenCluster(*workspace));
  MK8S_ASSIGN_OR_RETURN(const ClusterAccess access,
                        AccessTo(*workspace, cluster, kube::CommandWords(arguments)));

  if (const std::string_view hint = HintFor(line); !hint.empty()) {
    context.err << Paint("warning:", Tone::kWarn, context.ColourErr()) << " " << hint << "\n";
  }
  // From here a signal waits until the folder is gone: the guard outlives it.
  const SignalGuard guard;
  MK8S_ASSIGN_OR_RETURN(const RunFolder run, MakeRunFolder(context, *workspace));
  MK8S_ASSIGN_OR_RETURN(const std::filesystem::path kubeconfig,
                        run.WriteKubeconfig(PrivateKubeconfig(access, session.token)));
  Environment environment = context.environment;
  environment.Set("KUBECONFIG", kubeconfig.string());
  const std::filesystem::path shared =
      workspace->home.CacheFolder(workspace->settings.central_url.value) / cluster;
  if (environment.Get("KUBECACHEDIR").empty() && !line.Has("cache-dir")) {
    if (const auto cache = run.LinkDiscoveryCache(shared, access.server_url)) {
      environment.Set("KUBECACHEDIR", cache->string());
    }
  }
  const Result<ChildEnd> end = RunChild(guard, kubectl, arguments, environment);
  std::error_code failure;
  if (end && end->exit_code == 1 &&
      !std::filesystem::exists(shared / "discovery" / "servergroups.json", failure)) {
    ExplainFailure(context, *workspace, cluster);
  }
  return Finish(context, end);
}

}  // namespace mk8s::cli

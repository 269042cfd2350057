// `mk8s clusters`: list, use, add, remove, rotate-token.
#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/cluster_choice.h"
#include "cli/commands.h"

namespace mk8s::cli {
namespace {

Tone ToneOf(const ClusterView& cluster) {
  if (cluster.status == "connected") return Tone::kGood;
  return cluster.last_seen ? Tone::kBad : Tone::kDim;
}

std::string SeenText(const ClusterView& cluster, WallTime now) {
  return cluster.last_seen ? Ago(*cluster.last_seen, now) : "never";
}

Result<int> List(Context& context, const OutputFlags& flags) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_ASSIGN_OR_RETURN(const Listing<ClusterView> listing, ListAndRemember(*workspace));
  const std::string& current = workspace->settings.cluster.value;
  Table table({{"CURRENT"},
               {"NAME"},
               {"STATUS"},
               {"LAST SEEN"},
               {"KUBERNETES"},
               {"NODES"},
               {"AGENT", true},
               {"PLATFORM", true},
               {"SANDBOX", true},
               {"ID", true}});
  std::vector<std::string> names;
  for (const ClusterView& cluster : listing.items) {
    const ClusterMetadata& facts = cluster.metadata;
    const bool here = cluster.name == current || cluster.id == current;
    table.Add({Cell(here ? "*" : " "), cluster.name, Cell(cluster.status, ToneOf(cluster)),
               SeenText(cluster, context.clock.Now()), facts.kubernetes_version,
               facts.kubernetes_version.empty() ? "" : std::to_string(facts.node_count),
               facts.agent_version, facts.platform, facts.sandbox, cluster.id});
    names.push_back(cluster.name);
  }
  MK8S_RETURN_IF_ERROR(Show(context, flags, listing.json, table, names));
  if (listing.items.empty()) {
    context.err << "You have access to no cluster.  An administrator adds one with: "
                   "mk8s clusters add NAME\n";
  }
  CheckSkewDaily(context, *workspace);
  return 0;
}

Result<std::string> Pick(Context& context, const Workspace& workspace,
                         const std::vector<ClusterView>& clusters) {
  if (!context.terminal.in || !context.terminal.err) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "NAME is missing, and there is no terminal to choose on\n"
                     "  next: mk8s clusters use NAME");
  }
  if (clusters.empty()) {
    return MakeError(ErrorCode::kNotFound,
                     "you have access to no cluster\n  next: ask an administrator for a role");
  }
  std::size_t width = 0;
  for (const ClusterView& cluster : clusters) width = std::max(width, cluster.name.size());
  std::vector<std::string> options;
  std::size_t start = 0;
  for (const ClusterView& cluster : clusters) {
    if (cluster.name == workspace.config.current_cluster) start = options.size();
    options.push_back(Printable(cluster.name + std::string(width - cluster.name.size() + 3, ' ') +
                                cluster.status));
  }
  MK8S_ASSIGN_OR_RETURN(
      const std::size_t chosen,
      context.prompt.Pick("Choose a cluster (arrows or a number, Enter; q leaves):", options,
                          start));
  return clusters[chosen].name;
}

Result<int> Use(Context& context, std::string name) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  ConfigFile& config = workspace->config;
  if (name == "-") {
    if (config.previous_cluster.empty()) {
      return MakeError(ErrorCode::kFailedPrecondition,
                       "there is no cluster before this one\n  next: mk8s clusters use NAME");
    }
    name = config.previous_cluster;
  }
  MK8S_ASSIGN_OR_RETURN(const Listing<ClusterView> listing, ListAndRemember(*workspace));
  if (name.empty()) {
    MK8S_ASSIGN_OR_RETURN(name, Pick(context, *workspace, listing.items));
  }
  MK8S_ASSIGN_OR_RETURN(name, FindCluster(NamesOf(listing.items), name, ""));
  const std::string& url = workspace->settings.central_url.value;
  if (config.central_url != url) config = ConfigFile{.central_url = url};
  if (config.current_cluster != name) {
    config.previous_cluster = config.current_cluster;
    config.current_cluster = name;
    MK8S_RETURN_IF_ERROR(workspace->SaveConfig());
  }
  context.err << "Your cluster is now " << name << ".\n";
  for (const ClusterView& cluster : listing.items) {
    const std::string why = WhyNotReachable(cluster, context.clock.Now());
    if (cluster.name != name || why.empty()) continue;
    context.err << Paint("warning:", Tone::kWarn, context.ColourErr()) << " " << why << "\n";
  }
  if (const std::string variable = context.environment.Get("MK8S_CLUSTER"); !variable.empty()) {
    context.err << Paint("warning:", Tone::kWarn, context.ColourErr())
                << " MK8S_CLUSTER=" << Printable(variable) << " in this shell comes before it\n";
  }
  return 0;
}

// The token goes to standard output alone, so that it can be piped into a secret store; how to use
// it is for people.
Result<void> ShowToken(Context& context, const Workspace& workspace, const OutputFlags& flags,
                       const AgentToken& token) {
  const std::string& url = workspace.settings.central_url.value;
  const std::string host = url.substr(0, url.find(':', url.find("://") + 3));
  const std::string& ca_file = workspace.settings.ca_file.value;
  if (flags.format == Format::kJson || flags.format == Format::kYaml) {
    return Show(context, flags, token.json, Table({}), {});
  }
  context.out << token.token.Reveal() << "\n" << std::flush;
  context.err
      << "\nThis is the agent's token; it is not shown again.  Start the agent in the cluster:\n\n"
      << "  helm install mk8s-agent deploy/helm/agent --namespace mk8s --create-namespace \\\n"
      << "    --set central.url=" << host << ":9090 --set cluster.name=" << token.cluster
      << " \\\n    --set central.token=TOKEN\n\n"
      << "or anywhere with a kubeconfig of the cluster:\n\n"
      << "  CENTRAL_URL=" << host << ":9090 CLUSTER_NAME=" << token.cluster << " AGENT_TOKEN=TOKEN"
      << (ca_file.empty() ? "" : " \\\n    MK8S_TLS_CA_FILE=" + ca_file) << " mk8s-agent\n\n"
      << "(9090 is mk8s-central's grpc_port unless it is configured otherwise.)\n";
  return {};
}

Result<int> Add(Context& context, const OutputFlags& flags, const std::string& name) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_ASSIGN_OR_RETURN(AgentToken token, workspace->client.AddCluster(name));
  if (token.cluster.empty()) token.cluster = name;
  context.err << "Added the cluster " << Printable(token.cluster) << ".\n";
  MK8S_RETURN_IF_ERROR(ShowToken(context, *workspace, flags, token));
  return 0;
}

Result<int> Remove(Context& context, const std::string& name, bool yes) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_ASSIGN_OR_RETURN(const Listing<ClusterView> listing, ListAndRemember(*workspace));
  MK8S_ASSIGN_OR_RETURN(const std::string found, FindCluster(NamesOf(listing.items), name, ""));
  MK8S_RETURN_IF_ERROR(ConfirmOrFail(
      context, yes, "Remove " + found + " from mk8s?  Its agent is cut off and its token dies."));
  MK8S_RETURN_IF_ERROR(workspace->client.RemoveCluster(found));
  context.err << "Removed the cluster " << found << ".\n";
  ConfigFile& config = workspace->config;
  if (config.current_cluster == found || config.previous_cluster == found) {
    if (config.current_cluster == found) config.current_cluster.clear();
    if (config.previous_cluster == found) config.previous_cluster.clear();
    MK8S_RETURN_IF_ERROR(workspace->SaveConfig());
  }
  return 0;
}

Result<int> RotateToken(Context& context, const OutputFlags& flags, const std::string& name,
                        bool yes) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_ASSIGN_OR_RETURN(const Listing<ClusterView> listing, ListAndRemember(*workspace));
  MK8S_ASSIGN_OR_RETURN(const std::string found, FindCluster(NamesOf(listing.items), name, ""));
  MK8S_RETURN_IF_ERROR(ConfirmOrFail(context, yes,
                                     "Make a new agent token for " + found +
                                         "?  The agent is cut off until it has "
                                         "the new one."));
  MK8S_ASSIGN_OR_RETURN(AgentToken token, workspace->client.RotateClusterToken(found));
  if (token.cluster.empty()) token.cluster = found;
  context.err << "The old token of " << found << " is dead.\n";
  MK8S_RETURN_IF_ERROR(ShowToken(context, *workspace, flags, token));
  return 0;
}

struct Flags {
  OutputFlags output;
  std::string name;
  bool yes = false;
};

}  // namespace

void AddClusterCommands(Registry& registry) {
  auto flags = std::make_shared<Flags>();
  CLI::App* group = AddGroup(registry.root, "clusters", "List, choose and administer clusters");
  CLI::App* list = AddCommand(
      registry, *group, "list", "List the clusters that you have access to",
      "  mk8s clusters list -o wide\n"
      "  for c in $(mk8s clusters list -o name); do mk8s k --cluster $c get nodes; done\n",
      [flags](Context& context) { return List(context, flags->output); });
  AddOutputFlags(list, flags->output);

  CLI::App* use = AddCommand(registry, *group, "use", "Choose the current cluster",
                             "  mk8s clusters use prod-eu\n"
                             "  mk8s clusters use -         # the one before\n"
                             "  mk8s clusters use           # pick from a list\n",
                             [flags](Context& context) { return Use(context, flags->name); });
  use->add_option("NAME", flags->name, "The cluster, or - for the one before")
      ->type_name("CLUSTER");

  CLI::App* add = AddCommand(
      registry, *group, "add", "Add a cluster and print its agent's token, once (administrators)",
      "  mk8s clusters add prod-eu\n",
      [flags](Context& context) { return Add(context, flags->output, flags->name); });
  add->add_option("NAME", flags->name, "Its name: letters, digits and -")
      ->required()
      ->type_name("NEW");
  AddOutputFlags(add, flags->output);

  CLI::App* remove = AddCommand(
      registry, *group, "remove", "Remove a cluster and cut its agent off (administrators)",
      "  mk8s clusters remove prod-eu --yes\n",
      [flags](Context& context) { return Remove(context, flags->name, flags->yes); });
  remove->add_option("NAME", flags->name, "The cluster")->required()->type_name("CLUSTER");
  AddYesFlag(remove, flags->yes);

  CLI::App* rotate = AddCommand(
      registry, *group, "rotate-token", "Replace a cluster's agent token (administrators)",
      "  mk8s clusters rotate-token prod-eu --yes\n", [flags](Context& context) {
        return RotateToken(context, flags->output, flags->name, flags->yes);
      });
  rotate->add_option("NAME", flags->name, "The cluster")->required()->type_name("CLUSTER");
  AddYesFlag(rotate, flags->yes);
  AddOutputFlags(rotate, flags->output);
}

}  // namespace mk8s::cli

// See cluster_choice.h.
#include "cli/cluster_choice.h"

#include "base/text.h"
#include "cli/files.h"
#include "cli/suggest.h"

namespace mk8s::cli {
namespace {

std::filesystem::path NamesFile(const Workspace& workspace) {
  return workspace.home.CacheFolder(workspace.settings.central_url.value) / "clusters";
}

// A convenience: without it the next command asks central again.
void Remember(const Workspace& workspace, const std::vector<KnownCluster>& clusters) {
  std::string text;
  for (const KnownCluster& cluster : clusters) text += cluster.name + "\t" + cluster.id + "\n";
  const std::filesystem::path file = NamesFile(workspace);
  if (workspace.home.Prepare() && MakePrivateFolder(file.parent_path())) {
    (void)WriteFileAtomically(file, text, 0600).has_value();
  }
}

const KnownCluster* Find(const std::vector<KnownCluster>& clusters, std::string_view name) {
  for (const KnownCluster& cluster : clusters) {
    if (cluster.name == name || cluster.id == name) return &cluster;
  }
  return nullptr;
}

}  // namespace

std::vector<KnownCluster> KnownClusters(const Workspace& workspace) {
  std::vector<KnownCluster> clusters;
  const Result<std::string> text = ReadFile(NamesFile(workspace));
  if (!text) return clusters;
  for (const std::string_view line : Split(*text, '\n')) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) continue;
    clusters.push_back({std::string(line.substr(0, tab)), std::string(line.substr(tab + 1))});
  }
  return clusters;
}

std::string WhyNotReachable(const ClusterView& cluster, WallTime now) {
  if (cluster.status == "connected") return {};
  if (!cluster.last_seen) return "its agent has not connected yet";
  return "its agent is not connected, last seen " + Ago(*cluster.last_seen, now);
}

std::vector<KnownCluster> NamesOf(const std::vector<ClusterView>& clusters) {
  std::vector<KnownCluster> names;
  for (const ClusterView& cluster : clusters) names.push_back({cluster.name, cluster.id});
  return names;
}

Result<Listing<ClusterView>> ListAndRemember(Workspace& workspace) {
  Result<Listing<ClusterView>> listing = workspace.client.ListClusters();
  if (listing) Remember(workspace, NamesOf(listing->items));
  return listing;
}

Result<std::string> FindCluster(const std::vector<KnownCluster>& clusters, std::string_view name,
                                std::string_view origin) {
  if (const KnownCluster* found = Find(clusters, name)) return found->name;
  std::vector<std::string> names;
  for (const KnownCluster& cluster : clusters) names.push_back(cluster.name);
  std::string message = "there is no cluster \"" + std::string(name) + "\"";
  if (!origin.empty()) message += " (from " + std::string(origin) + ")";
  message += names.empty() ? "; you have access to none\n  next: ask an administrator for a role"
                           : DidYouMean(name, names) + "\n  next: mk8s clusters list";
  return MakeError(ErrorCode::kNotFound, message);
}

Result<std::string> ChosenCluster(Workspace& workspace) {
  const Setting& chosen = workspace.settings.cluster;
  if (chosen.value.empty()) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     "no cluster is chosen\n"
                     "  next: mk8s clusters use NAME, or --cluster NAME, or MK8S_CLUSTER");
  }
  const std::vector<KnownCluster> known = KnownClusters(workspace);
  if (const KnownCluster* found = Find(known, chosen.value)) return found->name;
  MK8S_ASSIGN_OR_RETURN(const Listing<ClusterView> listing, ListAndRemember(workspace));
  return FindCluster(NamesOf(listing.items), chosen.value, chosen.origin);
}

}  // namespace mk8s::cli

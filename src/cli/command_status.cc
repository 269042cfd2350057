// `mk8s status`: who am I, where, how long, and what mends it if something is wrong.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "base/text.h"
#include "cli/cluster_choice.h"
#include "cli/commands.h"
#include "cli/documents.h"

namespace mk8s::cli {
namespace {

namespace json = boost::json;

struct Findings {
  std::string server;
  std::string server_version;
  std::optional<AccountView> account;
  std::optional<WallTime> expires_at;
  std::string cluster;
  std::optional<ClusterView> cluster_view;
  std::optional<Error> problem;  // the first thing that is wrong
};

void FindCurrentCluster(Workspace& workspace, Findings& findings) {
  findings.cluster = workspace.settings.cluster.value;
  const Result<Listing<ClusterView>> clusters = ListAndRemember(workspace);
  if (!clusters) {
    findings.problem = clusters.error();
    return;
  }
  for (const ClusterView& cluster : clusters->items) {
    if (cluster.name == findings.cluster || cluster.id == findings.cluster) {
      findings.cluster_view = cluster;
    }
  }
}

Findings Find(Context& context, Workspace& workspace) {
  Findings findings;
  findings.server = workspace.settings.central_url.value;
  Result<AccountView> account = workspace.client.GetAccount();
  if (!account) {
    findings.problem = account.error();
    return findings;
  }
  findings.expires_at = account->session_expires_at;
  findings.account = *std::move(account);
  const Result<std::optional<Session>> stored = workspace.store.Load(findings.server);
  if (!findings.expires_at && workspace.settings.token.empty() && stored && *stored) {
    findings.expires_at = (*stored)->refresh_expires_at;
  }
  if (const Result<ServerVersion> version = workspace.client.GetVersion()) {
    findings.server_version = version->version;
    WarnOfSkew(context, workspace, version->version);
  }
  FindCurrentCluster(workspace, findings);
  return findings;
}

std::string ClusterLine(const Findings& findings, WallTime now, bool colour) {
  if (findings.cluster.empty()) return "none chosen; next: mk8s clusters use NAME";
  if (!findings.cluster_view) {
    return findings.cluster + ", " + Paint("not there, or not granted to you", Tone::kBad, colour) +
           "; next: mk8s clusters list";
  }
  const ClusterView& cluster = *findings.cluster_view;
  const bool connected = cluster.status == "connected";
  std::string line =
      cluster.name + ", " + Paint(cluster.status, connected ? Tone::kGood : Tone::kBad, colour);
  std::vector<std::string> facts;
  if (!cluster.metadata.kubernetes_version.empty()) {
    facts.push_back("Kubernetes " + cluster.metadata.kubernetes_version);
  }
  if (cluster.metadata.node_count > 0) {
    facts.push_back(std::to_string(cluster.metadata.node_count) +
                    (cluster.metadata.node_count == 1 ? " node" : " nodes"));
  }
  if (cluster.last_seen) facts.push_back("seen " + Ago(*cluster.last_seen, now));
  if (!facts.empty()) line += " (" + Printable(Join(facts, ", ")) + ")";
  return line;
}

void PrintText(Context& context, const Findings& findings) {
  const bool colour = context.ColourOut();
  const auto line = [&](std::string_view name, const std::string& value) {
    context.out << Paint(std::string(name) + std::string(9 - name.size(), ' '), Tone::kDim, colour)
                << value << "\n";
  };
  line("Server",
       findings.server + (findings.server_version.empty()
                              ? ""
                              : " (mk8s-central " + Printable(findings.server_version) + ")"));
  if (!findings.account) {
    line("Session", Paint("not valid", Tone::kBad, colour));
    return;
  }
  const UserView& user = findings.account->user;
  line("User", Printable(user.email));
  line("Roles", user.roles.empty() ? "none" : Printable(Join(user.roles, ", ")));
  const WallTime now = context.clock.Now();
  line("Session",
       Paint("valid", Tone::kGood, colour) +
           (findings.expires_at ? " until " + LocalTime(*findings.expires_at, true) + " (" +
                                      FormatDuration(*findings.expires_at - now) + " left)"
                                : ", by MK8S_TOKEN"));
  line("Cluster", ClusterLine(findings, now, colour));
}

std::string ToJson(const Findings& findings, WallTime now) {
  json::object object{{"server", findings.server}, {"valid", findings.account.has_value()}};
  if (!findings.server_version.empty()) object["server_version"] = findings.server_version;
  if (findings.account) {
    object["user"] = findings.account->user.email;
    object["roles"] = json::value_from(findings.account->user.roles);
  }
  if (findings.expires_at) {
    object["session_expires_at"] = FormatTime(*findings.expires_at);
    object["session_seconds_left"] =
        std::chrono::floor<std::chrono::seconds>(*findings.expires_at - now).count();
  }
  if (!findings.cluster.empty()) {
    json::object cluster{{"name", findings.cluster}};
    cluster["status"] = findings.cluster_view ? findings.cluster_view->status : "unknown";
    if (findings.cluster_view && findings.cluster_view->last_seen) {
      cluster["last_seen"] = FormatTime(*findings.cluster_view->last_seen);
    }
    object["cluster"] = std::move(cluster);
  }
  if (findings.problem) {
    object["error"] = json::object{{"code", Name(findings.problem->code)},
                                   {"message", findings.problem->message}};
  }
  return json::serialize(object);
}

Result<int> Status(Context& context, const OutputFlags& flags) {
  const Result<std::unique_ptr<Workspace>> workspace = OpenWorkspace(context);
  Findings findings;
  if (workspace) {
    findings = Find(context, **workspace);
  } else {
    findings.problem = workspace.error();
  }
  if (flags.format == Format::kJson || flags.format == Format::kYaml) {
    const std::string text = ToJson(findings, context.clock.Now());
    MK8S_RETURN_IF_ERROR(Show(context, flags, text, Table({}), {}));
  } else if (flags.format == Format::kName) {
    if (findings.account) context.out << Printable(findings.account->user.email) << "\n";
  } else if (workspace) {
    PrintText(context, findings);
  }
  if (findings.problem) return Report(context, *findings.problem);
  return 0;
}

}  // namespace

void AddStatusCommand(Registry& registry) {
  auto flags = std::make_shared<OutputFlags>();
  CLI::App* status = AddCommand(
      registry, registry.root, "status",
      "Show server, user, roles, session and cluster; exit 4 when the session is not valid",
      "  mk8s status\n"
      "  mk8s status -o json\n",
      [flags](Context& context) { return Status(context, *flags); });
  AddOutputFlags(status, *flags);
}

}  // namespace mk8s::cli

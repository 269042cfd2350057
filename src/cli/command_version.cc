// `mk8s version`.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "base/text.h"
#include "cli/commands.h"

namespace mk8s::cli {
namespace {

struct Flags {
  OutputFlags output;
  bool client = false;
};

Result<int> Version(Context& context, const Flags& flags) {
  boost::json::object object{{"client", MK8S_VERSION}};
  std::string problem;
  if (!flags.client) {
    MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context, false));
    if (!workspace->settings.central_url.value.empty()) {
      const Result<ServerVersion> server = workspace->client.GetVersion();
      if (server) {
        object["server"] = server->version;
        WarnOfSkew(context, *workspace, server->version);
      } else {
        problem = server.error().message;
      }
    }
  }
  const boost::json::value* server = object.if_contains("server");
  if (flags.output.format == Format::kJson || flags.output.format == Format::kYaml) {
    MK8S_RETURN_IF_ERROR(
        Show(context, flags.output, boost::json::serialize(object), Table({}), {}));
  } else {
    context.out << "mk8s          " << MK8S_VERSION << "\n";
    if (server != nullptr) {
      context.out << "mk8s-central  " << Printable(server->get_string()) << "\n";
    }
  }
  if (!problem.empty()) {
    return MakeError(ErrorCode::kUnavailable, "central's version is not known: " + problem);
  }
  return 0;
}

}  // namespace

void AddVersionCommand(Registry& registry) {
  auto flags = std::make_shared<Flags>();
  CLI::App* version = AddCommand(
      registry, registry.root, "version", "Show the versions of mk8s and mk8s-central",
      "  mk8s version --client\n", [flags](Context& context) { return Version(context, *flags); });
  version->add_flag("--client", flags->client, "Do not ask mk8s-central");
  AddOutputFlags(version, flags->output);
}

}  // namespace mk8s::cli

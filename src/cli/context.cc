// See context.h.
#include "cli/context.h"

#include "base/error_mapping.h"
#include "base/text.h"
#include "cli/files.h"

namespace mk8s::cli {
namespace {

constexpr std::chrono::hours kSkewCheckInterval{24};

// "1.4.2-rc1" -> "1.4"
std::string MinorOf(std::string_view version) {
  if (version.starts_with('v')) version.remove_prefix(1);
  const std::size_t first = version.find('.');
  if (first == std::string_view::npos) return std::string(version);
  return std::string(version.substr(0, version.find_first_not_of("0123456789", first + 1)));
}

}  // namespace

Workspace::Workspace(Context& context, Home home_folder, ConfigFile file, Settings resolved)
    : home(std::move(home_folder)),
      config(std::move(file)),
      settings(std::move(resolved)),
      store(home),
      transport(context.connect({.url = settings.central_url.value,
                                 .ca_file = settings.ca_file.value,
                                 .insecure_skip_tls_verify = settings.insecure_skip_tls_verify})),
      keeper(settings, store, *transport, context.clock),
      client(*transport, keeper, settings.central_url.value) {}

Result<void> Workspace::SaveConfig() {
  MK8S_RETURN_IF_ERROR(home.Prepare());
  return WriteFileAtomically(home.ConfigFile(), FormatConfigFile(config), 0600);
}

Result<std::unique_ptr<Workspace>> OpenWorkspace(Context& context, bool needs_server) {
  MK8S_ASSIGN_OR_RETURN(Home home, Home::Locate(context.environment));
  MK8S_ASSIGN_OR_RETURN(ConfigFile config, LoadConfigFile(home.ConfigFile()));
  MK8S_ASSIGN_OR_RETURN(Settings settings,
                        ResolveSettings(context.flags, context.environment, config));
  if (needs_server && settings.central_url.value.empty()) {
    return MakeError(ErrorCode::kUnauthenticated,
                     settings.token.empty()
                         ? "you are not logged in to any server\n  next: mk8s login SERVER"
                         : "MK8S_TOKEN is set, but no server\n  next: set MK8S_CENTRAL_URL");
  }
  return std::make_unique<Workspace>(context, std::move(home), std::move(config),
                                     std::move(settings));
}

Result<void> Show(Context& context, const OutputFlags& flags, std::string_view json,
                  const Table& table, const std::vector<std::string>& names) {
  switch (flags.format) {
    case Format::kTable:
    case Format::kWide:
      context.out << table.Render(flags.format == Format::kWide,
                                  !flags.no_headers && !table.empty(), context.ColourOut());
      break;
    case Format::kName:
      for (const std::string& name : names) context.out << Printable(name) << "\n";
      break;
    case Format::kJson: {
      MK8S_ASSIGN_OR_RETURN(const std::string text, PrettyJson(json));
      context.out << text;
      break;
    }
    case Format::kYaml: {
      MK8S_ASSIGN_OR_RETURN(const std::string text, JsonToYaml(json));
      context.out << text;
      break;
    }
  }
  return {};
}

int Report(Context& context, const Error& error) {
  // What central or a file said is shown line by line, so that it cannot move the cursor.
  bool first = true;
  for (const std::string_view line : Split(error.message, '\n')) {
    if (first) context.err << Paint("error:", Tone::kBad, context.ColourErr()) << " ";
    context.err << Printable(line) << "\n";
    first = false;
  }
  return ExitCode(error.code);
}

Result<void> ConfirmOrFail(Context& context, bool yes, std::string_view question) {
  if (yes) return {};
  if (!context.terminal.in) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "this needs a yes, and there is no terminal to ask\n  next: add --yes");
  }
  MK8S_ASSIGN_OR_RETURN(const bool confirmed, context.prompt.Confirm(question));
  if (!confirmed) return MakeError(ErrorCode::kCancelled, "cancelled; nothing was changed");
  return {};
}

void WarnOfSkew(Context& context, Workspace& workspace, std::string_view server_version) {
  if (workspace.home.Prepare()) {
    // The file's content is only for the curious; its time is what counts.
    (void)WriteFileAtomically(workspace.home.VersionCheckFile(), std::string(server_version) + "\n",
                              0600)
        .has_value();
  }
  if (MinorOf(server_version) == MinorOf(MK8S_VERSION)) return;
  context.err << Paint("warning:", Tone::kWarn, context.ColourErr()) << " mk8s is version "
              << MK8S_VERSION << ", but " << workspace.settings.central_url.value << " runs "
              << Printable(server_version) << "; use the same minor version\n";
}

void CheckSkewDaily(Context& context, Workspace& workspace) {
  std::error_code failure;
  const auto written = std::filesystem::last_write_time(workspace.home.VersionCheckFile(), failure);
  const auto now = std::filesystem::file_time_type::clock::now();
  if (!failure && now - written < kSkewCheckInterval) return;
  const Result<ServerVersion> version = workspace.client.GetVersion();
  if (version) WarnOfSkew(context, workspace, version->version);
}

}  // namespace mk8s::cli

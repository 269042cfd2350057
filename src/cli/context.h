// Everything a command may touch, handed in by main or by a test; and the workspace that a command
// opens on it: home folder, settings, stored session, central.
#pragma once

#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "cli/central_client.h"
#include "cli/config_file.h"
#include "cli/credentials.h"
#include "cli/environment.h"
#include "cli/home.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/session_keeper.h"
#include "cli/settings.h"
#include "cli/transport.h"

namespace mk8s::cli {

struct Context {
  Environment environment;
  Terminal terminal;
  std::istream& in;
  std::ostream& out;  // data
  std::ostream& err;  // messages, questions, progress
  const Clock& clock;
  Prompt& prompt;
  std::function<std::unique_ptr<Transport>(Endpoint)> connect;
  std::function<void(std::chrono::milliseconds)> sleep;
  std::string program;  // absolute path of mk8s, for the kubeconfig's plugin

  GlobalFlags flags;
  // kubectl died of this signal: main dies of it too, so that the shell sees the same.
  int raise_signal = 0;

  bool ColourOut() const { return UsesColour(environment, terminal.out); }
  bool ColourErr() const { return UsesColour(environment, terminal.err); }
};

/// Members point at each other: it stays where it was made.
struct Workspace {
  Workspace(Context& context, Home home_folder, ConfigFile file, Settings resolved);
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  Home home;
  ConfigFile config;
  Settings settings;
  CredentialStore store;
  std::unique_ptr<Transport> transport;
  SessionKeeper keeper;
  CentralClient client;

  Result<void> SaveConfig();
};

/// Error: kUnauthenticated when no server is known and `needs_server`; others name the file or
/// flag.
Result<std::unique_ptr<Workspace>> OpenWorkspace(Context& context, bool needs_server = true);

/// Writes one read in the format asked for.  `names` serve -o name.
Result<void> Show(Context& context, const OutputFlags& flags, std::string_view json,
                  const Table& table, const std::vector<std::string>& names);

/// "error: ..." on standard error, next steps and request id below it.  Returns the exit code.
int Report(Context& context, const Error& error);

/// Asks, or needs --yes where nobody can be asked.  Error: kInvalidArgument, kCancelled.
Result<void> ConfirmOrFail(Context& context, bool yes, std::string_view question);

/// Central's minor version differs from ours: a warning, at most once a day.
void WarnOfSkew(Context& context, Workspace& workspace, std::string_view server_version);

/// As WarnOfSkew, but asks central for its version when a day has passed.
void CheckSkewDaily(Context& context, Workspace& workspace);

}  // namespace mk8s::cli

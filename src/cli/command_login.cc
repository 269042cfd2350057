// `mk8s login` and `mk8s logout`.
#include <CLI/CLI.hpp>

#include "base/limits.h"
#include "base/text.h"
#include "cli/cluster_choice.h"
#include "cli/commands.h"
#include "cli/files.h"

namespace mk8s::cli {
namespace {

struct LoginFlags {
  std::string server;
  std::string email;
  bool password_stdin = false;
};

Error NeedsTerminal(const std::string& what, const std::string& instead) {
  return MakeError(ErrorCode::kInvalidArgument,
                   what + ", and there is no terminal to ask\n  next: " + instead);
}

Result<void> ChooseServer(Context& context, const LoginFlags& flags) {
  if (!flags.server.empty()) context.flags.server = flags.server;
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context, false));
  if (!workspace->settings.central_url.value.empty()) return {};
  if (!context.terminal.in) {
    return NeedsTerminal("login needs the server's address",
                         "mk8s login SERVER, or set MK8S_CENTRAL_URL");
  }
  MK8S_ASSIGN_OR_RETURN(context.flags.server, context.prompt.Line("Server", ""));
  return {};
}

// Before anything is sent: is this the server that the user means?
Error Untrusted(Workspace& workspace, const Error& cause) {
  const std::string& url = workspace.settings.central_url.value;
  const Result<std::string> fingerprint = workspace.transport->Fingerprint();
  if (!fingerprint) return cause;
  return MakeError(
      ErrorCode::kFailedPrecondition,
      "the certificate of " + url + " is not trusted; nothing was sent to it\n" +
          "  SHA-256 fingerprint: " + *fingerprint + "\n" +
          "  Compare it with what the server's administrator tells you.  Two ways to go on:\n" +
          "    mk8s login " + url + " --ca-file FILE\n" +
          "        trusts the CA that signed it (mk8s-central's own: ca.crt in its data folder)\n" +
          "    mk8s login " + url + " --insecure-skip-tls-verify\n" +
          "        trusts whoever answers there, and remembers that: for tests only",
      cause.message);
}

Result<std::string> CaPem(const Workspace& workspace) {
  const Setting& file = workspace.settings.ca_file;
  if (file.value.empty()) return std::string();
  Result<std::string> pem = ReadFile(file.value);
  if (!pem) return MakeError(pem.error().code, file.origin + ": " + pem.error().message);
  if (pem->find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    return MakeError(ErrorCode::kInvalidArgument,
                     file.origin + ": " + file.value + " holds no PEM certificate");
  }
  return pem;
}

// Lines of --password-stdin: the password, and a new one if central demands a change.
struct StdinPasswords {
  Secret password;
  Secret replacement;
};

StdinPasswords ReadPasswords(std::istream& in) {
  StdinPasswords passwords;
  std::string line;
  const auto next = [&] {
    line.clear();
    std::getline(in, line);
    if (line.ends_with('\r')) line.pop_back();
    return Secret(line);
  };
  passwords.password = next();
  passwords.replacement = next();
  return passwords;
}

Result<Secret> AskReplacement(Context& context) {
  context.err << "This password was for one use.  Please choose your own.\n";
  constexpr int kTriesMax = 3;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    MK8S_ASSIGN_OR_RETURN(Secret first, context.prompt.Password("New password"));
    if (first.Reveal().size() < limits::kPasswordBytesMin) {
      context.err << "It needs at least " << limits::kPasswordBytesMin << " characters.\n";
      continue;
    }
    MK8S_ASSIGN_OR_RETURN(const Secret second, context.prompt.Password("The same again"));
    if (first.Reveal() == second.Reveal()) return first;
    context.err << "The two are not the same.\n";
  }
  return MakeError(ErrorCode::kInvalidArgument, "no new password was chosen");
}

// Email, password, and a new password where the first was for one use only.
Result<Session> SignIn(Context& context, Workspace& workspace, const LoginFlags& flags) {
  const std::string& url = workspace.settings.central_url.value;
  std::string email = flags.email;
  if (email.empty() && (!context.terminal.in || flags.password_stdin)) {
    return NeedsTerminal("login needs an e-mail address", "add --email E");
  }
  if (email.empty()) {
    const Result<std::optional<Session>> stored = workspace.store.Load(url);
    const std::string last = stored && *stored ? (*stored)->email : "";
    MK8S_ASSIGN_OR_RETURN(email, context.prompt.Line("E-mail", last));
  }
  StdinPasswords typed;
  if (flags.password_stdin) {
    typed = ReadPasswords(context.in);
  } else if (!context.terminal.in) {
    return NeedsTerminal("login needs a password",
                         "add --password-stdin, or set MK8S_TOKEN instead of logging in");
  } else {
    MK8S_ASSIGN_OR_RETURN(typed.password, context.prompt.Password("Password"));
  }
  MK8S_ASSIGN_OR_RETURN(LoginAnswer answer,
                        workspace.client.Login(ToLower(TrimSpace(email)), typed.password));
  answer.session.issued_at = context.clock.Now();
  if (!answer.password_change_required) return std::move(answer.session);

  if (typed.replacement.empty()) {
    if (!context.terminal.in || flags.password_stdin) {
      return NeedsTerminal("this password was for one use and a new one is needed",
                           "give it as the second line of --password-stdin");
    }
    MK8S_ASSIGN_OR_RETURN(typed.replacement, AskReplacement(context));
  }
  MK8S_RETURN_IF_ERROR(
      workspace.client.ChangePassword(answer.session.token, typed.password, typed.replacement));
  context.err << "Your password is changed.\n";
  return std::move(answer.session);
}

Result<void> RememberServer(Workspace& workspace, const std::string& ca_pem) {
  const std::string& url = workspace.settings.central_url.value;
  ConfigFile& config = workspace.config;
  if (config.central_url != url) config = ConfigFile{.central_url = url};
  config.insecure_skip_tls_verify = workspace.settings.insecure_skip_tls_verify;
  if (!ca_pem.empty()) {
    const std::filesystem::path copy = workspace.home.CaFile(url);
    MK8S_RETURN_IF_ERROR(workspace.home.Prepare());
    MK8S_RETURN_IF_ERROR(MakePrivateFolder(copy.parent_path()));
    MK8S_RETURN_IF_ERROR(WriteFileAtomically(copy, ca_pem, 0600));
    config.ca_file = copy.string();
  }
  return workspace.SaveConfig();
}

Result<void> RememberSession(Workspace& workspace, const Session& session) {
  MK8S_ASSIGN_OR_RETURN(const FileLock lock, workspace.store.Lock());
  return workspace.store.Save(workspace.settings.central_url.value, session);
}

// What the user can do next; a single cluster is chosen at once.
Result<void> Greet(Context& context, Workspace& workspace) {
  MK8S_ASSIGN_OR_RETURN(const AccountView account, workspace.client.GetAccount());
  MK8S_ASSIGN_OR_RETURN(const Listing<ClusterView> clusters, ListAndRemember(workspace));
  context.err << "Logged in to " << workspace.settings.central_url.value << " as "
              << Printable(account.user.email);
  if (!account.user.roles.empty()) {
    context.err << " (" << Printable(Join(account.user.roles, ", ")) << ")";
  }
  context.err << ".\n";
  if (!workspace.settings.token.empty()) {
    context.err << Paint("warning:", Tone::kWarn, context.ColourErr())
                << " MK8S_TOKEN is set and is used instead of this login until you unset it\n";
  }
  std::string& current = workspace.config.current_cluster;
  const bool known = std::any_of(clusters.items.begin(), clusters.items.end(),
                                 [&](const ClusterView& c) { return c.name == current; });
  if (!current.empty() && !known) current.clear();
  if (current.empty() && clusters.items.size() == 1) current = clusters.items.front().name;
  MK8S_RETURN_IF_ERROR(workspace.SaveConfig());
  if (!current.empty()) {
    context.err << "Your cluster is " << current << ".  Try: mk8s kubectl get pods\n";
  } else if (clusters.items.empty()) {
    context.err << "You have access to no cluster yet.\n";
  } else {
    context.err << "You have access to " << clusters.items.size()
                << " clusters.  Next: mk8s clusters use\n";
  }
  return {};
}

Result<int> Login(Context& context, const LoginFlags& flags) {
  MK8S_RETURN_IF_ERROR(ChooseServer(context, flags));
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_ASSIGN_OR_RETURN(const std::string ca_pem, CaPem(*workspace));
  // The first exchange holds no secret: it shows whether the right server answers.
  const Result<ServerVersion> version = workspace->client.GetVersion();
  if (!version && version.error().code == ErrorCode::kFailedPrecondition) {
    return Untrusted(*workspace, version.error());
  }
  if (!version) return version.error();
  if (workspace->settings.insecure_skip_tls_verify) {
    context.err << Paint("warning:", Tone::kWarn, context.ColourErr()) << " the certificate of "
                << workspace->settings.central_url.value
                << " is not checked, now and in later commands\n";
  }
  MK8S_ASSIGN_OR_RETURN(const Session session, SignIn(context, *workspace, flags));
  MK8S_RETURN_IF_ERROR(RememberServer(*workspace, ca_pem));
  MK8S_RETURN_IF_ERROR(RememberSession(*workspace, session));
  MK8S_RETURN_IF_ERROR(Greet(context, *workspace));
  WarnOfSkew(context, *workspace, version->version);
  return 0;
}

Result<int> Logout(Context& context) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context, false));
  const std::string& url = workspace->settings.central_url.value;
  MK8S_ASSIGN_OR_RETURN(const std::optional<Session> stored, workspace->store.Load(url));
  if (!stored || stored->token.empty()) {
    context.err << "You are not logged in" << (url.empty() ? "" : " to " + url) << ".\n";
    return 0;
  }
  // MK8S_TOKEN is not this login: the stored session is what ends.
  workspace->settings.token = Secret();
  const Result<void> ended = workspace->client.Logout();
  MK8S_ASSIGN_OR_RETURN(const FileLock lock, workspace->store.Lock());
  MK8S_RETURN_IF_ERROR(workspace->store.Remove(url));
  context.err << "Logged out of " << url << ".\n";
  if (!ended && ended.error().code != ErrorCode::kUnauthenticated) {
    context.err << Paint("warning:", Tone::kWarn, context.ColourErr())
                << " the tokens are deleted here, but central could not be told: "
                << Printable(ended.error().message) << "\n";
  }
  return 0;
}

}  // namespace

void AddLoginCommands(Registry& registry) {
  auto flags = std::make_shared<LoginFlags>();
  CLI::App* login = AddCommand(
      registry, registry.root, "login", "Log in to mk8s-central",
      "  mk8s login mk8s.example.com\n"
      "  mk8s login https://10.0.0.5:8080 --ca-file ca.crt --email me@example.com\n"
      "  pass show mk8s | mk8s login mk8s.example.com --email ci@example.com --password-stdin\n",
      [flags](Context& context) { return Login(context, *flags); });
  login->add_option("SERVER", flags->server, "Its address; the last one if left out")
      ->type_name("URL");
  login->add_option("--email", flags->email, "Your e-mail address")->type_name("EMAIL");
  login->add_flag("--password-stdin", flags->password_stdin,
                  "Read the password from the first line of standard input; a second line is the "
                  "new password where a change is demanded");
  AddCommand(registry, registry.root, "logout", "End the session, here and at mk8s-central", "",
             Logout);
}

}  // namespace mk8s::cli

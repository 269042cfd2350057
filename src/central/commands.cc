// See commands.h.
#include "central/commands.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <iterator>

#include "auth/role_parse.h"
#include "base/error_mapping.h"
#include "base/text.h"
#include "central/accounts.h"
#include "central/bootstrap.h"
#include "central/serve.h"
#include "config/central_config.h"
#include "store/store.h"

namespace mk8s::central {
namespace {

constexpr int kUsage = 2;

int Report(const Result<void>& result) {
  if (result) return 0;
  std::cerr << "mk8s-central: " << result.error().message << '\n';
  if (!result.error().detail.empty()) std::cerr << "  (" << result.error().detail << ")\n";
  return ExitCode(result.error().code);
}

// --config FILE, or --dev --data-dir D; the same for every command.
void AddConfigOptions(CLI::App& command, config::CentralOptions& options) {
  auto* file = command.add_option("--config", options.file, "Configuration file (YAML)");
  auto* dev = command.add_flag("--dev", options.dev,
                               "Embedded: SQLite, own CA, loopback; needs no configuration file");
  command.add_option("--data-dir", options.data_dir, "Folder for the database and the own CA");
  file->excludes(dev);
}

Result<std::unique_ptr<store::Store>> Open(const config::CentralConfig& config) {
  const bool sqlite = config.database.driver == config::DatabaseDriver::kSqlite;
  return store::OpenStore(sqlite ? "sqlite" : "postgres", config.database.url,
                          config.database.connections_max);
}

Result<void> CheckConfig(const config::CentralOptions& options) {
  MK8S_ASSIGN_OR_RETURN(const config::CentralConfig config,
                        config::LoadCentralConfig(options, config::ProcessEnvironment()));
  std::cout << config::DescribeConfig(config);
  return {};
}

// The configuration, its data folder prepared, and the database with its tables up to date.
struct Prepared {
  config::CentralConfig config;
  std::unique_ptr<store::Store> store;
};

Result<Prepared> Prepare(const config::CentralOptions& options) {
  Prepared prepared;
  MK8S_ASSIGN_OR_RETURN(prepared.config,
                        config::LoadCentralConfig(options, config::ProcessEnvironment()));
  MK8S_RETURN_IF_ERROR(PrepareDataDir(prepared.config));
  MK8S_ASSIGN_OR_RETURN(prepared.store, Open(prepared.config));
  return prepared;
}

Result<void> RunMigrate(const config::CentralOptions& options) {
  MK8S_ASSIGN_OR_RETURN(const Prepared prepared, Prepare(options));
  MK8S_ASSIGN_OR_RETURN(const int version, prepared.store->SchemaVersion());
  std::cout << "The database is at schema version " << version << ".\n";
  return {};
}

Result<void> RunUserCreate(const config::CentralOptions& options, NewUser wanted,
                           bool password_from_stdin) {
  if (password_from_stdin) {
    if (::isatty(STDIN_FILENO) == 1) std::cerr << "Password, then Ctrl-D: ";
    std::string password{std::istreambuf_iterator<char>(std::cin), {}};
    if (password.ends_with('\n')) password.pop_back();
    if (password.ends_with('\r')) password.pop_back();
    wanted.password = Secret(std::move(password));
  }
  MK8S_ASSIGN_OR_RETURN(const Prepared prepared, Prepare(options));
  MK8S_RETURN_IF_ERROR(prepared.store->EnsureBuiltInRoles(auth::BuiltInRoles()));
  MK8S_ASSIGN_OR_RETURN(const CreatedUser created,
                        CreateAccount(*prepared.store, wanted, prepared.config.auth.bcrypt_cost,
                                      SystemClock().Now()));
  std::cerr << "Created " << created.user.email << ".\n";
  if (!created.initial_password.empty()) {
    std::cerr << "One-time password, to be changed at the first login:\n";
    std::cout << created.initial_password.Reveal() << '\n';
  }
  return {};
}

Result<void> RunServe(const config::CentralOptions& options, const ServeOptions& serve) {
  MK8S_ASSIGN_OR_RETURN(const config::CentralConfig config,
                        config::LoadCentralConfig(options, config::ProcessEnvironment()));
  return Serve(config, serve);
}

}  // namespace

int RunCommandLine(int argc, const char* const* argv) {
  CLI::App app("Gateway and control plane of mk8s: kubectl for all clusters through one address.");
  app.name("mk8s-central");
  app.set_version_flag("--version", "mk8s-central " MK8S_VERSION);
  app.require_subcommand(1);
  config::CentralOptions options;

  ServeOptions serve_options;
  CLI::App* serve = app.add_subcommand("serve", "Serve users and agents until a signal");
  AddConfigOptions(*serve, options);
  serve->add_option("--ready-file", serve_options.ready_file,
                    "Write one line of JSON here once ready: addresses and the CA's file");

  CLI::App* config = app.add_subcommand("config", "Look at the configuration");
  config->require_subcommand(1);
  CLI::App* check = config->add_subcommand("check", "Check it and print every value in force");
  AddConfigOptions(*check, options);

  NewUser wanted;
  bool password_from_stdin = false;
  CLI::App* user = app.add_subcommand("user", "Users");
  user->require_subcommand(1);
  CLI::App* create = user->add_subcommand(
      "create", "Create a user; without --password-stdin prints a one-time password");
  AddConfigOptions(*create, options);
  create->add_option("--email", wanted.email, "E-mail, the login name")->required();
  create->add_option("--role", wanted.roles, "Role; may be given several times");
  create->add_flag("--password-stdin", password_from_stdin,
                   "Read the password from standard input");

  CLI::App* migrate = app.add_subcommand("migrate", "Bring the database's tables up to date");
  AddConfigOptions(*migrate, options);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {  // --help too
    return app.exit(stop) == 0 ? 0 : kUsage;
  }
  if (check->parsed()) return Report(CheckConfig(options));
  if (create->parsed()) return Report(RunUserCreate(options, wanted, password_from_stdin));
  if (migrate->parsed()) return Report(RunMigrate(options));
  return Report(RunServe(options, serve_options));
}

}  // namespace mk8s::central

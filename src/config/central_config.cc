// See central_config.h.
#include "config/central_config.h"

#include "config/reader.h"

namespace mk8s::config {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::size_t kJwtSecretBytesMin = 16;
constexpr std::string_view kSqliteScheme = "sqlite:";

Error Invalid(const CentralOptions& options, const std::string& message) {
  const std::string where = options.file.empty() ? "configuration" : options.file;
  return MakeError(ErrorCode::kInvalidArgument, where + ": " + message);
}

// $XDG_STATE_HOME/mk8s, as the XDG Base Directory Specification has it.
std::string DevDataDir(const Environment& environment) {
  if (const auto state = environment("XDG_STATE_HOME"); state && !state->empty()) {
    return *state + "/mk8s";
  }
  return environment("HOME").value_or("/root") + "/.local/state/mk8s";
}

// The rules that span keys, and the defaults that follow from others.
Result<void> Complete(CentralConfig& config, const CentralOptions& options) {
  if (!options.data_dir.empty()) config.server.data_dir = options.data_dir;
  if (config.server.data_dir.empty()) return Invalid(options, "server.data_dir is empty");

  const std::string& secret = config.auth.jwt_secret.Reveal();
  if (secret.empty() && !options.dev) {
    return Invalid(
        options,
        "auth.jwt_secret is not set: give it there or in MK8S_AUTH_JWT_SECRET, for "
        "example from `openssl rand -base64 32`, and keep it: the database opens with no "
        "other");
  }
  if (!secret.empty() && secret.size() < kJwtSecretBytesMin) {
    return Invalid(options, "auth.jwt_secret is too short: at least " +
                                std::to_string(kJwtSecretBytesMin) + " characters are needed");
  }
  if (config.auth.refresh_expiry < config.auth.token_expiry) {
    return Invalid(options, "auth.refresh_expiry is shorter than auth.token_expiry");
  }
  if (config.tls.cert_file.empty() != config.tls.key_file.empty()) {
    return Invalid(options, "tls.cert_file and tls.key_file go together: give both or neither");
  }

  const bool sqlite = config.database.driver == DatabaseDriver::kSqlite;
  if (config.database.url.empty() && sqlite) {
    config.database.url = Secret("sqlite://" + config.server.data_dir + "/mk8s.db");
  }
  const std::string& url = config.database.url.Reveal();
  if (sqlite && (!url.starts_with(kSqliteScheme) || SqlitePath(config).empty())) {
    return Invalid(options, "database.url does not fit the driver: sqlite:///PATH is needed");
  }
  const bool postgres_url = url.starts_with("postgres://") || url.starts_with("postgresql://");
  if (!sqlite && !postgres_url) {
    return Invalid(
        options,
        "database.url does not fit the driver: postgres://USER:PASSWORD@HOST/DATABASE is "
        "needed");
  }
  return {};
}

}  // namespace

std::vector<Setting> Settings(CentralConfig& config) {
  auto& server = config.server;
  auto& database = config.database;
  auto& auth = config.auth;
  auto& tls = config.tls;
  return {
      Text("server.bind_address", server.bind_address,
           "IP address to listen on; empty: every interface (with --dev: 127.0.0.1)."),
      Port("server.http_port", server.http_port,
           "Users: REST and the Kubernetes API.  0 takes any free port, here and below."),
      Port("server.grpc_port", server.grpc_port, "Agents."),
      Port("server.diagnostics_port", server.diagnostics_port,
           "/healthz, /readyz and /metrics, without TLS or login."),
      TextList(
          "server.external_names", server.external_names,
          "DNS names and IP addresses by which users and agents reach central; certificates of\n"
          "the own CA are for these, localhost, the loopback addresses and the host's name."),
      Text("server.data_dir", server.data_dir,
           "Holds the SQLite file, the own CA's certificate ca.crt and initial-admin-password\n"
           "(with --dev: --data-dir, else $XDG_STATE_HOME/mk8s)."),
      Number("server.loops", server.loops, 0, 64, "Event loops; 0: one for each core."),

      Choice(
          "database.driver", {"sqlite", "postgres"},
          [&database](std::size_t index) { database.driver = static_cast<DatabaseDriver>(index); },
          [&database] { return static_cast<std::size_t>(database.driver); }, "sqlite or postgres."),
      SecretUrl("database.url", database.url,
                "sqlite:///PATH, by default mk8s.db in server.data_dir; or\n"
                "postgres://USER:PASSWORD@HOST/DATABASE.",
                "sqlite:///var/lib/mk8s/mk8s.db"),
      Number("database.connections_max", database.connections_max, 1, 100,
             "Connections to PostgreSQL at once."),

      SecretText(
          "auth.jwt_secret", auth.jwt_secret,
          "Encrypts the signing key, the CA's key and other secrets in the database: at least\n"
          "16 characters, for example from `openssl rand -base64 32`.  Keep it: the database\n"
          "opens with no other.",
          "${JWT_SECRET}"),
      Duration("auth.token_expiry", auth.token_expiry, seconds(1), hours(24 * 30),
               "How long a login's token is good."),
      Duration("auth.refresh_expiry", auth.refresh_expiry, seconds(1), hours(24 * 365),
               "How long it can be renewed without the password."),
      Number("auth.bcrypt_cost", auth.bcrypt_cost, 4, 16,
             "Each step doubles the time of a login's password check; below 10 for tests only."),

      Flag("tls.enabled", tls.enabled,
           "TLS on http_port; false only behind a proxy that ends TLS.  Agents always use TLS."),
      Text("tls.cert_file", tls.cert_file,
           "Certificate chain in PEM; empty: certificates of the own CA."),
      Text("tls.key_file", tls.key_file, "Its private key in PEM."),

      LogLevel("log.level", config.log.level, "debug, info, warn or error."),
  };
}

Result<CentralConfig> LoadCentralConfig(const CentralOptions& options,
                                        const Environment& environment) {
  std::string yaml;
  if (!options.file.empty()) {
    MK8S_ASSIGN_OR_RETURN(yaml, ReadConfigFile(options.file));
  }
  return ParseCentralConfig(yaml, options, environment);
}

Result<CentralConfig> ParseCentralConfig(std::string_view yaml, const CentralOptions& options,
                                         const Environment& environment) {
  CentralConfig config;
  if (options.dev) {
    config.server.bind_address = "127.0.0.1";
    config.server.data_dir = DevDataDir(environment);
  }
  const std::vector<Setting> settings = Settings(config);
  MK8S_RETURN_IF_ERROR(ApplyYaml(yaml, options.file, environment, settings));
  MK8S_RETURN_IF_ERROR(ApplyEnvironment(environment, settings));
  MK8S_RETURN_IF_ERROR(Complete(config, options));
  return config;
}

std::string DescribeConfig(const CentralConfig& config) {
  CentralConfig copy = config;
  return Render(Settings(copy), /*as_example=*/false);
}

std::string SqlitePath(const CentralConfig& config) {
  std::string_view path = config.database.url.Reveal();
  if (!path.starts_with(kSqliteScheme)) return {};
  path.remove_prefix(kSqliteScheme.size());
  if (path.starts_with("//")) path.remove_prefix(2);
  return std::string(path.substr(0, path.find('?')));
}

}  // namespace mk8s::config

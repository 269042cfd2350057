// The settings of mk8s-central.  Precedence: environment (MK8S_<SECTION>_<KEY>) > file > default.
// central_config.cc holds the one table of keys from which parsing, the environment's names and
// `mk8s-central config check` derive; configs/central.yaml shows every key with its default.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/secret.h"
#include "config/environment.h"
#include "config/setting.h"

namespace mk8s::config {

enum class DatabaseDriver { kSqlite, kPostgres };

struct CentralConfig {
  struct Server {
    std::string bind_address;               // empty: every interface; IP address in text
    std::uint16_t http_port = 8080;         // users: REST and the Kubernetes API; 0: any free port
    std::uint16_t grpc_port = 9090;         // agents
    std::uint16_t diagnostics_port = 8081;  // healthz, readyz, metrics
    std::vector<std::string> external_names;  // DNS names and IPs for certificates of the own CA
    std::string data_dir = "/var/lib/mk8s";
    int loops = 0;  // event loops; 0: one a core
  } server;

  struct Database {
    DatabaseDriver driver = DatabaseDriver::kSqlite;
    Secret
        url;  // may hold a password.  Never empty after loading: "sqlite:///PATH", "postgres://..."
    int connections_max = 8;  // PostgreSQL's pool
  } database;

  struct Auth {
    Secret jwt_secret;  // empty only under --dev: central makes one in data_dir
    std::chrono::milliseconds token_expiry = std::chrono::hours(24);
    std::chrono::milliseconds refresh_expiry = std::chrono::hours(24 * 7);
    int bcrypt_cost = 12;
  } auth;

  struct Tls {
    bool enabled = true;    // of http_port; agents always speak TLS
    std::string cert_file;  // PEM chain; empty: certificates of the own CA
    std::string key_file;
  } tls;

  struct Log {
    log::Level level = log::Level::kInfo;
  } log;
};

struct CentralOptions {
  std::string file;      // empty: environment and defaults alone
  bool dev = false;      // `serve --dev`: loopback, SQLite and secrets in data_dir
  std::string data_dir;  // --data-dir; overrides server.data_dir where not empty
};

/// Error: kInvalidArgument naming file, line and key (kNotFound: no such file).
Result<CentralConfig> LoadCentralConfig(const CentralOptions& options,
                                        const Environment& environment);

/// The same from text; `options.file` only names it in errors.
Result<CentralConfig> ParseCentralConfig(std::string_view yaml, const CentralOptions& options,
                                         const Environment& environment);

/// Every key with its value in force as YAML, secrets as "[secret]".
std::string DescribeConfig(const CentralConfig& config);

/// The file that database.url names under the SQLite driver.
std::string SqlitePath(const CentralConfig& config);

/// The table of keys, bound to `config`.
std::vector<Setting> Settings(CentralConfig& config);

}  // namespace mk8s::config

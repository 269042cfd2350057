// Which central, which cluster, which credential: flag > environment > file, each with where it
// came from, so that an error can name the place to mend.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "cli/config_file.h"
#include "cli/environment.h"

namespace mk8s::cli {

/// The flags that every command takes.
struct GlobalFlags {
  std::string server;
  std::string cluster;
  std::string ca_file;
  bool insecure_skip_tls_verify = false;
};

struct Setting {
  std::string value;   // empty: not set anywhere
  std::string origin;  // "--cluster", "MK8S_CLUSTER", "config.yaml"
};

struct Settings {
  Setting central_url;  // normalised
  Setting cluster;
  Setting ca_file;
  bool insecure_skip_tls_verify = false;
  Secret token;  // MK8S_TOKEN: used as it is, never stored
};

/// The file's ca_file and insecure_skip_tls_verify belong to the file's central_url and are not
/// carried over to another server.  Error: kInvalidArgument for a URL that cannot be used.
Result<Settings> ResolveSettings(const GlobalFlags& flags, const Environment& environment,
                                 const ConfigFile& file);

/// "mk8s.example.com", "HTTPS://Mk8s.example.com:443/" -> "https://mk8s.example.com".
/// Error: kInvalidArgument.
Result<std::string> NormaliseUrl(std::string_view url);

}  // namespace mk8s::cli

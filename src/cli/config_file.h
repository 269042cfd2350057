// ~/.mk8s/config.yaml: what login and `clusters use` remember.  No secrets.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mk8s::cli {

struct ConfigFile {
  std::string central_url;
  std::string current_cluster;
  std::string previous_cluster;           // what `clusters use -` goes back to
  std::string ca_file;                    // for central_url; empty: the system's certificates
  bool insecure_skip_tls_verify = false;  // for central_url; only after --insecure-skip-tls-verify

  bool operator==(const ConfigFile&) const = default;
};

/// Error: kFailedPrecondition naming `path`, the line and what is wrong; an unknown key is one.
Result<ConfigFile> ParseConfigFile(std::string_view text, const std::filesystem::path& path);

/// Empty fields are left out.
std::string FormatConfigFile(const ConfigFile& config);

/// A missing file is an empty configuration.
Result<ConfigFile> LoadConfigFile(const std::filesystem::path& path);

}  // namespace mk8s::cli

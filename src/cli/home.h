// The user's mk8s folder: MK8S_HOME, else ~/.mk8s.  Mode 0700; what is in it is listed here.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "cli/environment.h"

namespace mk8s::cli {

class Home {
 public:
  explicit Home(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Error: kFailedPrecondition when neither MK8S_HOME, HOME nor the account names a folder.
  static Result<Home> Locate(const Environment& environment);

  /// Makes the folder; call before writing anything.
  Result<void> Prepare() const;

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path ConfigFile() const { return folder_ / "config.yaml"; }
  std::filesystem::path CredentialsFile() const { return folder_ / "credentials.json"; }
  std::filesystem::path CredentialsLock() const { return folder_ / "credentials.lock"; }
  std::filesystem::path VersionCheckFile() const { return folder_ / "version-check"; }
  std::filesystem::path RunFolder() const { return folder_ / "run"; }
  /// What is known of one central without asking it; `central_url` makes the name.
  std::filesystem::path CacheFolder(std::string_view central_url) const;
  /// The CA certificate remembered for one central.
  std::filesystem::path CaFile(std::string_view central_url) const;

 private:
  std::filesystem::path folder_;
};

/// A URL as one file name: "https://mk8s.example.com:8080" becomes "mk8s.example.com_8080".
std::string FileNameOf(std::string_view url);

}  // namespace mk8s::cli

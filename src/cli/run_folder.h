// The private folder of one `mk8s kubectl` run: run/PID-RANDOM (0700) under MK8S_HOME, with the
// kubeconfig (0600) and the links to the discovery cache.  It goes with this object; what a killed
// mk8s left behind is swept at the next start.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/files.h"

namespace mk8s::cli {

class RunFolder {
 public:
  /// Sweeps stale siblings first.  Error: kFailedPrecondition with the system's reason.
  static Result<RunFolder> Create(const std::filesystem::path& parent);

  RunFolder(RunFolder&&) noexcept;
  RunFolder& operator=(RunFolder&&) = delete;
  ~RunFolder();

  Result<std::filesystem::path> WriteKubeconfig(std::string_view text) const;

  /// kubectl keeps discovery per server URL, and ours differs with each command line: this makes a
  /// cache folder (for KUBECACHEDIR) in which the URL's folder is a link to `shared`.  Nothing when
  /// the URL is too long for a file name; kubectl then works without cache.
  std::optional<std::filesystem::path> LinkDiscoveryCache(const std::filesystem::path& shared,
                                                          std::string_view server_url) const;

  const std::filesystem::path& path() const { return path_; }

 private:
  RunFolder(std::filesystem::path path, FileLock lock);
  std::filesystem::path path_;
  FileLock lock_;  // says to sweepers in other processes that the folder is in use
};

/// Removes the run folders whose mk8s is gone, however it went.
void SweepRunFolders(const std::filesystem::path& parent);

}  // namespace mk8s::cli

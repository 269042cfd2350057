// Small files of the user's: read whole, written so that a reader never sees half of one, locked
// against other mk8s processes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"

namespace mk8s::cli {

/// Errors: kNotFound, kTooLarge (over `bytes_max`), kFailedPrecondition with the system's reason.
Result<std::string> ReadFile(const std::filesystem::path& path,
                             std::size_t bytes_max = limits::kConfigFileBytesMax);

/// Writes beside `path` and renames over it; `mode` as for chmod.  The folder must exist.
/// Error: kFailedPrecondition with the system's reason.
Result<void> WriteFileAtomically(const std::filesystem::path& path, std::string_view content,
                                 int mode);

/// Makes `path` and its parents, `path` itself for its owner only.
Result<void> MakePrivateFolder(const std::filesystem::path& path);

/// An advisory lock (flock) held until destruction; other processes of the user wait for it.
class FileLock {
 public:
  /// Waits.  Error: kFailedPrecondition when the file cannot be made.
  static Result<FileLock> Acquire(const std::filesystem::path& path);
  /// Nothing when another process holds it or the file does not exist.
  static std::optional<FileLock> TryExisting(const std::filesystem::path& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace mk8s::cli

// See run_folder.h.
#include "cli/run_folder.h"

#include <unistd.h>

#include <chrono>
#include <vector>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/text.h"

namespace mk8s::cli {
namespace {

namespace fs = std::filesystem;

// A folder without a lock is one being made, or one whose mk8s died while making it.
constexpr std::chrono::minutes kUnlockedAgeMax{1};

bool IsStale(const fs::path& folder) {
  std::error_code failure;
  if (fs::exists(folder / "lock", failure)) {
    return FileLock::TryExisting(folder / "lock").has_value();
  }
  const auto written = fs::last_write_time(folder, failure);
  return !failure && fs::file_time_type::clock::now() - written > kUnlockedAgeMax;
}

// client-go's rule (discovery/cached/disk, computeDiscoverCacheDir): the scheme goes, and all but
// word characters, "/" and "." become "_".
std::string DiscoveryFolderName(std::string_view server_url) {
  const std::size_t scheme = server_url.find("://");
  if (scheme != std::string_view::npos) server_url.remove_prefix(scheme + 3);
  std::string name;
  for (const char c : server_url) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '/' || c == '.';
    name += kept ? c : '_';
  }
  return name;
}

}  // namespace

void SweepRunFolders(const fs::path& parent) {
  std::error_code failure;
  std::vector<fs::path> stale;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, failure)) {
    if (entry.is_directory(failure) && !entry.is_symlink(failure) && IsStale(entry.path())) {
      stale.push_back(entry.path());
    }
  }
  for (const fs::path& folder : stale) fs::remove_all(folder, failure);
}

RunFolder::RunFolder(fs::path path, FileLock lock)
    : path_(std::move(path)), lock_(std::move(lock)) {}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

RunFolder::~RunFolder() {
  std::error_code failure;
  // remove_all does not follow links: the shared cache stays.
  if (!path_.empty()) fs::remove_all(path_, failure);
}

Result<RunFolder> RunFolder::Create(const fs::path& parent) {
  MK8S_RETURN_IF_ERROR(MakePrivateFolder(parent));
  SweepRunFolders(parent);
  const fs::path folder = parent / (std::to_string(getpid()) + "-" + HexEncode(RandomBytes(6)));
  MK8S_RETURN_IF_ERROR(MakePrivateFolder(folder));
  // The lock is taken under another name: a sweeper never sees one that is not yet held.
  MK8S_ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire(folder / "lock.new"));
  std::error_code failure;
  fs::rename(folder / "lock.new", folder / "lock", failure);
  return RunFolder(folder, std::move(lock));
}

Result<fs::path> RunFolder::WriteKubeconfig(std::string_view text) const {
  const fs::path file = path_ / "kubeconfig";
  MK8S_RETURN_IF_ERROR(WriteFileAtomically(file, text, 0600));
  return file;
}

std::optional<fs::path> RunFolder::LinkDiscoveryCache(const fs::path& shared,
                                                      std::string_view server_url) const {
  std::error_code failure;
  const fs::path cache = path_ / "cache";
  const fs::path link = cache / "discovery" / DiscoveryFolderName(server_url);
  fs::create_directories(shared / "discovery", failure);
  if (!failure) fs::create_directories(shared / "http", failure);
  if (!failure) fs::create_directories(link.parent_path(), failure);
  if (!failure) fs::create_directory_symlink(shared / "discovery", link, failure);
  if (!failure) fs::create_directory_symlink(shared / "http", cache / "http", failure);
  if (failure) return std::nullopt;
  return cache;
}

}  // namespace mk8s::cli

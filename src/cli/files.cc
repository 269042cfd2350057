// See files.h.
#include "cli/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace mk8s::cli {
namespace {

Error SystemError(std::string_view what, const std::filesystem::path& path, int number) {
  return MakeError(
      number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kFailedPrecondition,
      "cannot " + std::string(what) + " " + path.string() + ": " + std::strerror(number));
}

Result<void> WriteAll(int descriptor, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t written = write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<std::string> ReadFile(const std::filesystem::path& path, std::size_t bytes_max) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemError("read", path, errno);
  std::string content;
  char piece[16 * 1024];
  for (;;) {
    const ssize_t count = read(descriptor, piece, sizeof piece);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int number = errno;
      close(descriptor);
      return SystemError("read", path, number);
    }
    if (count == 0) break;
    content.append(piece, static_cast<std::size_t>(count));
    if (content.size() > bytes_max) {
      close(descriptor);
      return MakeError(ErrorCode::kTooLarge, path.string() + " is larger than " +
                                                 std::to_string(bytes_max / 1024) + " KiB");
    }
  }
  close(descriptor);
  return content;
}

Result<void> WriteFileAtomically(const std::filesystem::path& path, std::string_view content,
                                 int mode) {
  std::string beside = path.string() + ".XXXXXX";
  const int descriptor = mkostemp(beside.data(), O_CLOEXEC);
  if (descriptor < 0) return SystemError("write", path, errno);
  Result<void> written = WriteAll(descriptor, content, path);
  if (written && fchmod(descriptor, static_cast<mode_t>(mode)) != 0) {
    written = SystemError("write", path, errno);
  }
  close(descriptor);
  if (written && rename(beside.c_str(), path.c_str()) != 0) {
    written = SystemError("write", path, errno);
  }
  if (!written) unlink(beside.c_str());
  return written;
}

Result<void> MakePrivateFolder(const std::filesystem::path& path) {
  std::error_code failure;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), failure);
  if (mkdir(path.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return SystemError("make the folder", path, errno);
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return SystemError("use", path, errno);
  if (!S_ISDIR(facts.st_mode)) return SystemError("use", path, ENOTDIR);
  // Secrets lie inside: a folder that others may enter is narrowed, where it is ours to narrow.
  if ((facts.st_mode & 077) != 0 && facts.st_uid == geteuid() && chmod(path.c_str(), 0700) != 0) {
    return SystemError("protect", path, errno);
  }
  return {};
}

Result<FileLock> FileLock::Acquire(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return SystemError("lock", path, errno);
  while (flock(descriptor, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const int number = errno;
    close(descriptor);
    return SystemError("lock", path, number);
  }
  return FileLock(descriptor);
}

std::optional<FileLock> FileLock::TryExisting(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return std::nullopt;
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    close(descriptor);
    return std::nullopt;
  }
  return FileLock(descriptor);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace mk8s::cli

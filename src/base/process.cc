// See process.h.
#include "base/process.h"

#include <pthread.h>
#include <sys/resource.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <limits>

#include "base/log.h"

namespace mk8s {

sigset_t BlockSignals(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : signals) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return set;
}

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    log::Warn("cannot raise the descriptor limit", {{"errno", errno}});
  }
}

std::size_t DescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return std::numeric_limits<std::size_t>::max();
  }
  return static_cast<std::size_t>(limit.rlim_cur);
}

Result<void> WriteReadyFile(const std::string& path, const std::string& line) {
  if (path.empty()) return {};
  const std::string temporary = path + ".new";
  std::error_code failure;
  {
    std::ofstream file(temporary);
    file << line;
    if (!file.flush()) failure = std::make_error_code(std::errc::io_error);
  }
  if (!failure) std::filesystem::rename(temporary, path, failure);
  if (failure) {
    return MakeError(ErrorCode::kUnavailable,
                     "cannot write the ready file " + path + ": " + failure.message());
  }
  return {};
}

}  // namespace mk8s

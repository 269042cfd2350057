// Landlock (linux/landlock.h, Documentation/userspace-api/landlock.rst): the confinement that a
// process may put on itself without any right, for containers that give no namespaces.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "sandbox/enter.h"

namespace mk8s::sandbox {
namespace {

constexpr int kProgramFd = 63;

// The kernel's interface, spelled here because a system's headers may be older than its kernel.
struct RulesetAttributes {
  std::uint64_t handled_fs;
  std::uint64_t handled_net;  // from version 4
  std::uint64_t scoped;       // from version 6
};
struct [[gnu::packed]] PathRule {
  std::uint64_t allowed;
  std::int32_t parent_fd;
};
struct PortRule {
  std::uint64_t allowed;
  std::uint64_t port;
};
constexpr std::uint32_t kAskVersion = 1;
constexpr int kRulePath = 1, kRulePort = 2;
constexpr std::uint64_t kExecute = 1 << 0, kWriteFile = 1 << 1, kReadFile = 1 << 2,
                        kReadFolder = 1 << 3, kTruncate = 1 << 14, kIoctl = 1 << 15;
constexpr std::uint64_t kBindTcp = 1 << 0, kConnectTcp = 1 << 1;
constexpr std::uint64_t kAbstractSockets = 1 << 0, kSignals = 1 << 1;

constexpr long kCreate = 444, kAdd = 445, kRestrict = 446;  // the same on every architecture

std::uint64_t AllFileRights(long version) {
  std::uint64_t all = (1 << 13) - 1;
  if (version >= 2) all |= 1 << 13;  // refer
  if (version >= 3) all |= kTruncate;
  if (version >= 5) all |= kIoctl;
  return all;
}

void Allow(int ruleset, int fd, std::uint64_t rights) {
  const PathRule rule{rights, fd};
  if (syscall(kAdd, ruleset, kRulePath, &rule, 0) != 0) FailErrno("landlock_add_rule");
}

void AllowPath(int ruleset, const char* path, std::uint64_t rights) {
  const int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return;
  Allow(ruleset, fd, rights);
  close(fd);
}

}  // namespace

void ApplyLandlock(const Plan& plan) {
  const long version = syscall(kCreate, nullptr, 0, kAskVersion);
  if (version < 1) FailErrno("no Landlock");
  const std::uint64_t all = AllFileRights(version);
  RulesetAttributes attributes{all, 0, 0};
  std::size_t size = 8;
  if (version >= 4) {
    attributes.handled_net = kBindTcp | kConnectTcp;
    size = 16;
  }
  if (version >= 6) {
    attributes.scoped = kAbstractSockets | kSignals;
    size = 24;
  }
  const int ruleset = static_cast<int>(syscall(kCreate, &attributes, size, 0));
  if (ruleset < 0) FailErrno("landlock_create_ruleset");
  if (!plan.folder.empty()) AllowPath(ruleset, plan.folder.c_str(), all & ~kExecute);
  Allow(ruleset, kProgramFd, kExecute | kReadFile);
  if (!plan.probe && NeedsLibraries(kProgramFd)) {
    for (const char* path : {"/usr/lib", "/usr/lib64", "/lib", "/lib64"}) {
      AllowPath(ruleset, path, kExecute | kReadFile | kReadFolder);
    }
  }
  AllowPath(ruleset, "/dev/null", kReadFile | kWriteFile);
  for (const char* path : {"/dev/random", "/dev/urandom"}) AllowPath(ruleset, path, kReadFile);
  if (version >= 4) {
    const PortRule rule{kConnectTcp, plan.port};
    if (syscall(kAdd, ruleset, kRulePort, &rule, 0) != 0) FailErrno("landlock_add_rule");
  }
  if (syscall(kRestrict, ruleset, 0) != 0) FailErrno("landlock_restrict_self");
  close(ruleset);
}

}  // namespace mk8s::sandbox

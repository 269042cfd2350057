// See enter.h.
#include "sandbox/enter.h"

#include <elf.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/limits.h"

namespace mk8s::sandbox {
namespace {

constexpr uid_t kUidBase = 2'000'000'000;  // plus the slot: nobody's
constexpr uid_t kUidInside = 1000;         // in a user namespace, where one uid is mapped
constexpr int kNice = 10;                  // the agent's own threads go first
constexpr int kProgramFd = 63;

void Answered(Answer kind, const void* bytes, std::size_t size) {
  std::string message(1, static_cast<char>(kind));
  message.append(static_cast<const char*>(bytes), size);
  (void)!send(kControlFd, message.data(), message.size(), MSG_NOSIGNAL);
}

std::string ReadAll(int fd) {
  std::string bytes;
  std::array<char, 65536> buffer;
  off_t at = 0;
  for (ssize_t got = 0; (got = pread(fd, buffer.data(), buffer.size(), at)) > 0; at += got) {
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return bytes;
}

// `parent` 0: its number does not show, as from within a pid namespace.
void DieWithParent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  char byte = 0;
  const bool agent_gone = recv(kControlFd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  if (agent_gone || (parent != 0 && getppid() != parent)) _exit(1);  // it died before
}

void WriteFile(const std::string& path, const std::string& content, mode_t mode, int flags) {
  const int fd = open(path.c_str(), flags | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) FailErrno("cannot write " + path);
  for (std::size_t written = 0; written < content.size();) {
    const ssize_t some = write(fd, content.data() + written, content.size() - written);
    if (some < 0) FailErrno("cannot write " + path);
    written += static_cast<std::size_t>(some);
  }
  close(fd);
}

void MapUser() {
  const std::string uid = std::to_string(geteuid()), gid = std::to_string(getegid());
  if (unshare(CLONE_NEWUSER) != 0) FailErrno("no user namespace");
  const std::string inside = std::to_string(kUidInside) + " ";
  WriteFile("/proc/self/setgroups", "deny", 0, 0);
  WriteFile("/proc/self/uid_map", inside + uid + " 1", 0, 0);
  WriteFile("/proc/self/gid_map", inside + gid + " 1", 0, 0);
}

void MakeNamespaces(Level level) {
  if (level == Level::kUser) MapUser();
  constexpr int kOwn = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
  if (unshare(kOwn) != 0) FailErrno("no namespaces");
}

// Only with CAP_SETUID can a command have a uid of its own; kFull is nothing without.
void BecomeOther(const Plan& plan) {
  if (plan.level == Level::kUser || geteuid() != 0) return;
  const uid_t id = kUidBase + plan.slot;
  const bool done =
      setgroups(0, nullptr) == 0 && setresgid(id, id, id) == 0 && setresuid(id, id, id) == 0;
  if (!done && plan.level == Level::kFull) FailErrno("no uid of its own");
}

void Limit(__rlimit_resource what, rlim_t value) {
  rlimit limit{};
  if (getrlimit(what, &limit) != 0) return;
  limit.rlim_max = std::min(limit.rlim_max, value);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(what, &limit);
}

void ApplyLimits(Level level) {
  Limit(RLIMIT_CORE, 0);
  Limit(RLIMIT_NOFILE, limits::kCommandDescriptorsMax);
  Limit(RLIMIT_FSIZE, limits::kCommandFolderBytesMax);
#if !defined(__SANITIZE_ADDRESS__)  // whose shadow is terabytes of it
  Limit(RLIMIT_DATA, limits::kCommandMemoryBytesMax);
#endif
  Limit(RLIMIT_MEMLOCK, 0);
  Limit(RLIMIT_MSGQUEUE, 0);
  // Counted per uid: only a uid of its own makes it the command's own bound.
  if (level == Level::kFull) Limit(RLIMIT_NPROC, limits::kCommandThreadsMax);
}

void LayFiles(const Plan& plan, const std::string& folder) {
  for (const char* part : {"/home", "/work", "/tmp"}) {
    if (mkdir((folder + part).c_str(), 0700) != 0) FailErrno("cannot make " + folder + part);
  }
  WriteFile(folder + "/kubeconfig", plan.kubeconfig, 0400, O_CREAT | O_EXCL);
  const std::string work = folder + "/work/";
  for (const PlannedFile& file : plan.files) {
    if (!IsFilePath(file.path)) Fail("a file's path leaves the working folder");
    for (std::size_t at = file.path.find('/'); at != file.path.npos;
         at = file.path.find('/', at + 1)) {
      mkdir((work + file.path.substr(0, at)).c_str(), 0700);
    }
    WriteFile(work + file.path, file.content, 0600, O_CREAT | O_EXCL);
  }
  if (chdir(work.c_str()) != 0) FailErrno("cannot enter " + work);
}

[[noreturn]] void BecomeKubectl(const Plan& plan, const std::string& folder) {
  std::vector<std::string> words = {"kubectl"};
  words.insert(words.end(), plan.arguments.begin(), plan.arguments.end());
  std::vector<std::string> environment = {
      "PATH=",
      "HOME=" + folder + "/home",
      "TMPDIR=" + folder + "/tmp",
      "KUBERC=off",
      "KUBECONFIG=" + folder + "/kubeconfig",
      "KUBECTL_KUBERC=false",
  };
  if (plan.terminal) environment.emplace_back("TERM=xterm-256color");
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (std::string& text : texts) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
  };
  const auto argv = pointers(words), envp = pointers(environment);
  ApplyLimits(plan.level);
  ApplyFilter(kProgramFd);
  syscall(SYS_execveat, kProgramFd, "", argv.data(), envp.data(), AT_EMPTY_PATH);
  FailErrno("cannot run " + plan.program);
}

// What stands for kubectl in a probe.  By its path: /proc/self/exe is a file of the mount namespace
// that the process was started in, and cannot be bound in another.
std::string OwnProgram() {
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (size <= 0) FailErrno("cannot read /proc/self/exe");
  return std::string(path.data(), static_cast<std::size_t>(size));
}

// The namespaces' first process.
[[noreturn]] void Inside(const Plan& plan, pid_t parent) {
  const bool own = HasNamespaces(plan.level);
  DieWithParent(own ? 0 : parent);  // from a pid namespace the parent's number is 0
  // Opened before the root changes.
  const std::string path = plan.probe ? OwnProgram() : plan.program;
  const int program = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (program < 0) FailErrno("cannot open " + path);
  if (dup3(program, kProgramFd, O_CLOEXEC) < 0) FailErrno("dup3");
  close(program);
  const uid_t owner = plan.level == Level::kUser ? kUidInside : kUidBase + plan.slot;
  if (own) {
    MakeRoot(plan, owner);
    MakeNetwork(plan.port);
  } else if (!plan.probe && geteuid() == 0) {
    (void)!chown(plan.folder.c_str(), owner, owner);
  }
  BecomeOther(plan);
  DieWithParent(0);  // a change of uid takes it away
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) FailErrno("no_new_privs");
  const std::string folder = own ? kOwnFolder : plan.folder;
  if (!plan.probe) LayFiles(plan, folder);
  if (plan.level == Level::kLandlock) ApplyLandlock(plan);
  if (!plan.probe) BecomeKubectl(plan, folder);
  ApplyFilter(kProgramFd);
  Answered(Answer::kReady, "", 0);
  _exit(0);
}

// Waits for the first process and tells how it ended.
int Between(pid_t inside) {
  for (const int number : {SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU, SIGTERM}) {
    signal(number, SIG_IGN);
  }
  for (const int fd : {0, 1, 2}) close(fd);  // so that the command's end shows on its output
  int status = 0;
  while (waitpid(inside, &status, 0) < 0 && errno == EINTR) {
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  Answered(Answer::kEnded, &code, sizeof code);
  return 0;
}

}  // namespace

void Fail(const std::string& what) {
  Answered(Answer::kFailed, what.data(), std::min<std::size_t>(what.size(), 1000));
  _exit(127);
}
void FailErrno(const std::string& what) { Fail(what + ": " + std::strerror(errno)); }

bool NeedsLibraries(int program) {
  Elf64_Ehdr head{};
  if (pread(program, &head, sizeof head, 0) != sizeof head) return false;
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) return false;
  for (unsigned i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr part{};
    const off_t at = static_cast<off_t>(head.e_phoff + i * sizeof part);
    if (pread(program, &part, sizeof part, at) != sizeof part) return false;
    if (part.p_type == PT_INTERP) return true;
  }
  return false;
}

int Enter() {
  const auto plan = ParsePlan(ReadAll(kPlanFd));
  if (!plan) Fail("only mk8s-agent itself starts this: " + plan.error().message);
  close(kPlanFd);
  fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
  DieWithParent(plan->parent);
  umask(0077);
  setpriority(PRIO_PROCESS, 0, kNice);
  if (HasNamespaces(plan->level)) MakeNamespaces(plan->level);
  if (plan->terminal) {
    if (setsid() < 0 || ioctl(0, TIOCSCTTY, 0) != 0) FailErrno("no terminal");
  }
  const pid_t self = getpid();
  const pid_t inside = fork();
  if (inside < 0) FailErrno("fork");
  if (inside == 0) Inside(*plan, self);
  return Between(inside);
}

}  // namespace mk8s::sandbox

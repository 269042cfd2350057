// See launch.h.
#include "sandbox/launch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace mk8s::sandbox {
namespace {

constexpr int kProbeMs = 10'000;

Error Failed(const char* what) {
  return MakeError(ErrorCode::kUnavailable, "The agent cannot start a command now.",
                   std::string(what) + ": " + std::strerror(errno));
}

// Above the numbers that the child gives its own meaning to.
OwnedFd Raised(int fd) { return OwnedFd(fcntl(fd, F_DUPFD_CLOEXEC, 16)); }

Result<OwnedFd> PlanFile(const Plan& plan) {
  OwnedFd file(memfd_create("plan", MFD_CLOEXEC));
  if (!file) return Failed("memfd_create");
  const std::string bytes = Serialize(plan);
  for (std::size_t written = 0; written < bytes.size();) {
    const ssize_t some = write(file.get(), bytes.data() + written, bytes.size() - written);
    if (some <= 0) return Failed("write");
    written += static_cast<std::size_t>(some);
  }
  return Raised(file.get());
}

// posix_spawn's two objects.
struct SpawnSetup {
  SpawnSetup() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

}  // namespace

void OwnedFd::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

Result<Started> Start(const Plan& plan, const Stdio& stdio) {
  MK8S_ASSIGN_OR_RETURN(const OwnedFd plan_file, PlanFile(plan));
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return Failed("socketpair");
  }
  OwnedFd ours(pair[0]);
  const OwnedFd theirs_low(pair[1]);
  const OwnedFd theirs = Raised(theirs_low.get());
  const OwnedFd in = Raised(stdio.in), out = Raised(stdio.out), err = Raised(stdio.err);
  if (!plan_file || !theirs || !in || !out || !err) return Failed("fcntl");
  fcntl(ours.get(), F_SETFL, O_NONBLOCK);

  SpawnSetup setup;
  const std::array<std::pair<int, int>, 5> moves = {{{in.get(), 0},
                                                     {out.get(), 1},
                                                     {err.get(), 2},
                                                     {plan_file.get(), kPlanFd},
                                                     {theirs.get(), kControlFd}}};
  for (const auto& [from, to] : moves) posix_spawn_file_actions_adddup2(&setup.actions, from, to);
  posix_spawn_file_actions_addclosefrom_np(&setup.actions, kControlFd + 1);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&setup.attributes, &none);
  posix_spawnattr_setsigdefault(&setup.attributes, &all);
  // With a terminal it makes a session, which the leader of a group cannot.
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (!plan.terminal) flags |= POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setflags(&setup.attributes, flags);

  std::string name = "mk8s-agent", sub_command(kSubCommand);
  std::array<char*, 3> argv = {name.data(), sub_command.data(), nullptr};
  std::array<char*, 1> environment = {nullptr};
  Started started;
  const int failed = posix_spawn(&started.pid, "/proc/self/exe", &setup.actions, &setup.attributes,
                                 argv.data(), environment.data());
  if (failed != 0) {
    errno = failed;
    return Failed("posix_spawn");
  }
  started.control = std::move(ours);
  return started;
}

ReadStatus ReadMessage(int control, Message& message) {
  std::array<char, 4096> bytes{};
  iovec io{bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> rights{};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  header.msg_control = rights.data();
  header.msg_controllen = rights.size();
  ssize_t got = 0;
  do {
    got = recvmsg(control, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return ReadStatus::kAgain;
  if (got <= 0) return ReadStatus::kEnd;
  message.kind = static_cast<Answer>(bytes[0]);
  message.why.assign(bytes.data() + 1, static_cast<std::size_t>(got - 1));
  if (message.kind == Answer::kEnded && got == 1 + sizeof(int)) {
    std::memcpy(&message.exit_code, bytes.data() + 1, sizeof(int));
  }
  const cmsghdr* item = CMSG_FIRSTHDR(&header);
  if (item != nullptr && item->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(item), sizeof fd);
    message.listening = OwnedFd(fd);
  }
  return ReadStatus::kMessage;
}

void Kill(pid_t pid) {
  kill(-pid, SIGKILL);
  kill(pid, SIGKILL);  // before it leads a group
}

void Reap(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

namespace {

// Empty: the level works.
std::string Try(Level level) {
  Plan plan{.level = level, .probe = true, .parent = getpid()};
  const OwnedFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  auto started = Start(plan, {null.get(), null.get(), null.get()});
  if (!started) return started.error().detail;
  std::string failure = "it ended at once";
  Message message;
  pollfd wait{started->control.get(), POLLIN, 0};
  while (poll(&wait, 1, kProbeMs) > 0) {
    const ReadStatus status = ReadMessage(started->control.get(), message);
    if (status == ReadStatus::kAgain) continue;
    if (status == ReadStatus::kEnd) break;
    if (message.kind == Answer::kReady) failure.clear();
    if (message.kind == Answer::kFailed) failure = message.why;
    if (message.kind != Answer::kListening) break;
  }
  Kill(started->pid);
  Reap(started->pid);
  return failure;
}

}  // namespace

Level Probe(std::string& why_not) {
  for (const Level level : {Level::kFull, Level::kUser, Level::kLandlock}) {
    const std::string failure = Try(level);
    if (failure.empty()) return level;
    why_not += (why_not.empty() ? "" : "; ") + std::string(Name(level)) + ": " + failure;
  }
  return Level::kProcess;
}

}  // namespace mk8s::sandbox

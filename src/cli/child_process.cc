// See child_process.h.
#include "cli/child_process.h"

#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace mk8s::cli {

struct SignalGuard::Masks {
  sigset_t held;    // held back, and waited for by RunChild
  sigset_t before;  // the child's
};

namespace {

constexpr int kPassedOn[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT};

bool IsExecutable(const std::filesystem::path& file) {
  struct stat facts {};
  return stat(file.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) &&
         access(file.c_str(), X_OK) == 0;
}

bool IsThisProgram(const std::filesystem::path& file) {
  std::error_code failure;
  return std::filesystem::equivalent(file, "/proc/self/exe", failure);
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

ChildEnd EndOf(int status) {
  if (WIFSIGNALED(status)) return {128 + WTERMSIG(status), WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

ChildEnd Await(pid_t child, const sigset_t& held) {
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return EndOf(status);
    if (ended < 0 && errno != EINTR) return {1, 0};
    siginfo_t facts{};
    const int number = sigwaitinfo(&held, &facts);
    if (number <= 0 || number == SIGCHLD) continue;
    // SI_KERNEL: from the terminal, to the whole group.  Otherwise somebody meant us alone.
    if (facts.si_code != SI_KERNEL) kill(child, number);
  }
}

}  // namespace

SignalGuard::SignalGuard() : masks_(new Masks) {
  sigemptyset(&masks_->held);
  for (const int number : kPassedOn) sigaddset(&masks_->held, number);
  sigaddset(&masks_->held, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &masks_->held, &masks_->before);
}

SignalGuard::~SignalGuard() {
  pthread_sigmask(SIG_SETMASK, &masks_->before, nullptr);
  delete masks_;
}

Result<ChildEnd> RunChild(const SignalGuard& guard, const std::filesystem::path& program,
                          const std::vector<std::string>& arguments,
                          const Environment& environment) {
  std::vector<std::string> words = {"kubectl"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> entries = environment.Entries();
  const std::vector<char*> argv = Pointers(words);
  const std::vector<char*> envp = Pointers(entries);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setsigmask(&attributes, &guard.masks().before);
  pid_t child = 0;
  const int failure =
      posix_spawn(&child, program.c_str(), nullptr, &attributes, argv.data(), envp.data());
  posix_spawnattr_destroy(&attributes);
  if (failure != 0) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     "cannot start " + program.string() + ": " + std::strerror(failure));
  }
  return Await(child, guard.masks().held);
}

Result<std::filesystem::path> FindKubectl(const Environment& environment) {
  if (const std::string chosen = environment.Get("MK8S_KUBECTL"); !chosen.empty()) {
    if (IsExecutable(chosen)) return std::filesystem::path(chosen);
    return MakeError(ErrorCode::kFailedPrecondition,
                     "MK8S_KUBECTL names " + chosen +
                         ", which is not an executable file\n  next: correct or unset it");
  }
  const std::string search = environment.Get("PATH");
  for (const std::string_view folder : Split(search, ':')) {
    const std::filesystem::path file = std::filesystem::path(folder) / "kubectl";
    if (!folder.empty() && IsExecutable(file) && !IsThisProgram(file)) return file;
  }
  return MakeError(
      ErrorCode::kFailedPrecondition,
      "there is no kubectl in PATH\n"
      "  next: install it (https://kubernetes.io/docs/tasks/tools/), or set MK8S_KUBECTL to one");
}

}  // namespace mk8s::cli

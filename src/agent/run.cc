// See run.h.
#include "agent/run.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "agent/agent.h"
#include "base/log.h"

namespace mk8s::agent {
namespace {

// Signals are taken by sigtimedwait on the main thread; every other thread inherits the block.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// Each upgrade costs two descriptors: take what the system allows.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    log::Warn("cannot raise the descriptor limit", {{"errno", errno}});
  }
}

// Whole or not at all: whoever waits for it may read at once.
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

}  // namespace

Result<void> Run(const config::AgentConfig& config, const std::string& ready_file) {
  const sigset_t signals = BlockSignals();
  RaiseDescriptorLimit();
  log::SetLevel(config.log.level);
  MK8S_ASSIGN_OR_RETURN(const std::unique_ptr<Agent> agent, Agent::Start(config));
  constexpr timespec kUntilReady{.tv_sec = 0, .tv_nsec = 50'000'000};
  bool ready = false;
  int signal = -1;
  while (signal < 0) {
    signal =
        ready ? ::sigwaitinfo(&signals, nullptr) : ::sigtimedwait(&signals, nullptr, &kUntilReady);
    if (!ready && agent->Ready()) {
      ready = true;
      MK8S_RETURN_IF_ERROR(WriteReadyFile(ready_file, agent->ReadyJson()));
      log::Info("ready", {{"cluster", config.cluster.name}});
    }
  }
  log::Info("shutting down; a second signal ends at once");
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  agent->Drain();
  return {};
}

}  // namespace mk8s::agent

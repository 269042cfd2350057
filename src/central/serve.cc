// See serve.h.
#include "central/serve.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "base/log.h"
#include "central/central.h"

namespace mk8s::central {
namespace {

// Signals are taken by sigtimedwait on the main thread; every other thread inherits the block.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// Every connection costs a descriptor: take what the system allows.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    log::Warn("cannot raise the descriptor limit", {{"errno", errno}});
  }
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

}  // namespace

Result<void> Serve(const config::CentralConfig& config, const ServeOptions& options) {
  const sigset_t signals = BlockSignals();
  RaiseDescriptorLimit();
  log::SetLevel(config.log.level);
  MK8S_ASSIGN_OR_RETURN(const std::unique_ptr<Central> central, Central::Start(config));
  const std::string ready = central->ReadyJson();
  MK8S_RETURN_IF_ERROR(WriteReadyFile(options.ready_file, ready));
  log::Info("ready", {{"listening", ready.substr(0, ready.size() - 1)}});
  constexpr timespec kTick{.tv_sec = 1, .tv_nsec = 0};
  for (;;) {
    const int signal = ::sigtimedwait(&signals, nullptr, &kTick);
    if (signal == SIGHUP) {
      central->ReloadCertificates();
    } else if (signal == SIGTERM || signal == SIGINT) {
      break;
    } else {
      central->Tick();
    }
  }
  log::Info("shutting down; a second signal ends at once");
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  central->Drain();
  return {};
}

}  // namespace mk8s::central

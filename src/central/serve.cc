// See serve.h.
#include "central/serve.h"

#include <pthread.h>
#include <signal.h>

#include "base/log.h"
#include "base/process.h"
#include "central/central.h"

namespace mk8s::central {

Result<void> Serve(const config::CentralConfig& config, const ServeOptions& options) {
  const sigset_t signals = BlockSignals({SIGTERM, SIGINT, SIGHUP});
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

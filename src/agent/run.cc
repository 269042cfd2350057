// See run.h.
#include "agent/run.h"

#include <pthread.h>
#include <signal.h>

#include "agent/agent.h"
#include "base/log.h"
#include "base/process.h"

namespace mk8s::agent {

Result<void> Run(const config::AgentConfig& config, const std::string& ready_file) {
  const sigset_t signals = BlockSignals({SIGTERM, SIGINT});
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

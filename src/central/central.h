// All of a running central, built in the order in which its parts depend on each other and taken
// down in reverse.
#pragma once

#include <memory>

#include "base/result.h"
#include "central/agent_port.h"
#include "central/audit_log.h"
#include "central/authenticator.h"
#include "central/bootstrap.h"
#include "central/diagnostics.h"
#include "central/exec_gateway.h"
#include "central/front.h"
#include "central/kube_gateway.h"
#include "central/metrics.h"
#include "central/rest.h"
#include "central/services.h"
#include "central/snapshot.h"
#include "central/tunnels.h"
#include "config/central_config.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/work_pool.h"
#include "store/store.h"

namespace mk8s::central {

class Central {
 public:
  /// Opens the store, makes what first start needs, binds the ports and starts the loops: ready
  /// when it returns.
  static Result<std::unique_ptr<Central>> Start(config::CentralConfig config);
  ~Central();

  /// The line of the ready file.
  std::string ReadyJson();
  /// What has to be done each second: what other processes wrote, what agents told, certificates
  /// that end.  Any one thread.
  void Tick();
  /// SIGHUP: certificate files are read again.
  void ReloadCertificates();
  /// Refuses new requests, lets the open ones finish for limits::kShutdownGrace, ends the rest.
  void Drain();

 private:
  Central(config::CentralConfig config, std::unique_ptr<store::Store> store, Keys keys);
  Result<void> Listen();
  Result<net::TlsIdentity> ServerIdentity() const;
  void FlushSightings();

  config::CentralConfig config_;
  std::unique_ptr<store::Store> store_;
  Keys keys_;
  Metrics metrics_;
  net::WorkPool pool_;
  Snapshots snapshots_;
  AuditLog audit_;
  Authenticator authenticator_;
  Tunnels tunnels_;
  Services services_;
  net::LoopGroup loops_;
  KubeGateway gateway_;
  ExecGateway exec_;
  Rest rest_;
  Front front_;
  AgentPort agent_port_;
  Diagnostics diagnostics_;
  std::shared_ptr<net::ReloadableTlsContext> front_tls_, agent_tls_;
  WallTime certificates_made_{};
  std::uint64_t ticks_ = 0;
};

}  // namespace mk8s::central

// How the agent trusts central and shows itself to it, the same for control and tunnel connections.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/agent_config.h"
#include "net/tls.h"

namespace mk8s::agent {

class CentralTls {
 public:
  /// Reads tls.ca_file.  Error: kNotFound, naming it.
  static Result<CentralTls> Make(const config::AgentConfig& config);

  /// `identity` empty: without a client certificate.  Error: kFailedPrecondition.
  Result<std::shared_ptr<const net::TlsContext>> Context(const net::TlsIdentity& identity,
                                                         std::string_view alpn) const;

 private:
  net::ClientTlsOptions options_;
};

}  // namespace mk8s::agent

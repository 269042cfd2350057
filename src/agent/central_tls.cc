// See central_tls.h.
#include "agent/central_tls.h"

#include "agent/kubeconfig.h"

namespace mk8s::agent {

Result<CentralTls> CentralTls::Make(const config::AgentConfig& config) {
  CentralTls tls;
  tls.options_.server_name = config.central.host;
  tls.options_.insecure_skip_verify = config.tls.insecure;
  if (!config.tls.ca_file.empty()) {
    MK8S_ASSIGN_OR_RETURN(tls.options_.ca_pem, ReadSmallFile(config.tls.ca_file, "tls.ca_file"));
  }
  return tls;
}

Result<std::shared_ptr<const net::TlsContext>> CentralTls::Context(const net::TlsIdentity& identity,
                                                                   std::string_view alpn) const {
  net::ClientTlsOptions options = options_;
  options.identity = identity;
  options.alpn.emplace_back(alpn);
  return net::TlsContext::Client(options);
}

}  // namespace mk8s::agent

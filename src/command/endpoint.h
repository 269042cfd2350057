// Where a command's kubectl finds its API server: a TLS listener of the agent for this one command,
// in the command's own network namespace or on loopback, with a token that is known to this kubectl
// alone.  What is asked there goes up to central with the command's id, is decided there as the
// caller's, and comes back.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "http/stream.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls.h"
#include "sandbox/launch.h"

namespace mk8s::command {

/// What all endpoints of an agent serve with: a certificate for 127.0.0.1 by a CA that lives as
/// long as the process.  Thread-safe.
class EndpointTls {
 public:
  /// Error: kInternal.
  static Result<EndpointTls> Make();
  const std::string& ca_pem() const { return ca_pem_; }
  const std::shared_ptr<const net::ReloadableTlsContext>& context() const { return context_; }

 private:
  std::string ca_pem_;
  std::shared_ptr<const net::ReloadableTlsContext> context_;
};

/// Loop thread only.
class Endpoint : public http::Handler, public std::enable_shared_from_this<Endpoint> {
 public:
  /// `central` outlives the endpoint.
  Endpoint(net::Loop& loop, const EndpointTls& tls, http::ClientSession& central,
           std::string command_id);

  /// On a free port of the agent's own loopback.  Error: kFailedPrecondition.
  Result<std::uint16_t> Listen();
  /// On a socket that listens in the command's network namespace.
  void Adopt(sandbox::OwnedFd listening);
  /// What kubectl is given, its context named as `mk8s kubeconfig` names it.
  std::string Kubeconfig(std::uint16_t port, const std::string& cluster_name) const;
  /// No connection from now on; open ones are closed, and what they asked is reset.
  void Close();

  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) override;

 private:
  net::ListenerOptions Options() const;
  net::OnConnection Serve();

  net::Loop& loop_;
  const EndpointTls& tls_;
  http::ClientSession& central_;
  const std::string command_id_;
  const Secret token_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace mk8s::command

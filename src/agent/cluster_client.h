// One loop's way to the API server: a pool of HTTP/2 connections, and an HTTP/1.1 connection for
// each upgrade.  The relay and the agent's own questions go through it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/kube_credential.h"
#include "agent/kubeconfig.h"
#include "gateway/tunnel_message.h"
#include "http/stream.h"
#include "net/client_pool.h"
#include "net/loop.h"

namespace mk8s::agent {

/// The API server with what all loops share of it.  Thread-safe.
class Cluster {
 public:
  /// Error: kFailedPrecondition where the certificates in the access cannot be used.
  static Result<std::unique_ptr<Cluster>> Open(ClusterAccess access, const Clock& clock);

  const ClusterAccess& access() const { return access_; }
  const std::string& authority() const { return authority_; }
  KubeCredentialSource& credential() { return credential_; }

  /// After the client certificate changed: connections made from now on show the new one.
  Result<void> ReloadTls();

  std::shared_ptr<const net::ReloadableTlsContext> tls() const { return tls_; }
  std::shared_ptr<const net::ReloadableTlsContext> upgrade_tls() const { return upgrade_tls_; }

 private:
  Cluster(ClusterAccess access, const Clock& clock);
  Result<std::shared_ptr<const net::TlsContext>> Context(bool upgrades) const;

  const ClusterAccess access_;
  const std::string authority_;
  KubeCredentialSource credential_;
  std::shared_ptr<net::ReloadableTlsContext> tls_;          // null: plaintext
  std::shared_ptr<net::ReloadableTlsContext> upgrade_tls_;  // HTTP/1.1 only
};

/// Loop thread only.
class ClusterClient : public http::ClientSession {
 public:
  /// `on_refused` is called when the API server refuses the agent's own credential.
  ClusterClient(net::Loop& loop, Cluster& cluster, std::function<void()> on_refused);

  /// The pool holds what it cannot send yet, within its bounds.
  std::shared_ptr<http::Stream> Send(const http::RequestHead& head, bool end,
                                     std::shared_ptr<http::ResponseEvents> events) override;
  bool CanSend() const override { return true; }
  std::size_t OpenStreams() const override { return pool_.waiting(); }

  /// For gateway::RequestForCluster.
  gateway::ClusterCredential credential() const;
  net::Loop& loop() { return loop_; }
  /// Why the API server was not reached.
  Error LastError() const { return pool_.LastError(); }
  void CredentialRefused() { on_refused_(); }
  /// New connections from now on.
  void Renew() { pool_.Renew(); }

 private:
  net::Loop& loop_;
  Cluster& cluster_;
  std::function<void()> on_refused_;
  net::ClientPool pool_;
};

struct Fetched {
  int status = 0;
  std::string body;
};

/// GET of `target` as the agent itself, with a bounded body; `done` runs once, from a later turn.
/// Errors: kUnavailable, kDeadlineExceeded, kTooLarge.
void Fetch(ClusterClient& client, const std::string& target, std::string_view accept,
           std::size_t body_bytes_max, std::chrono::milliseconds deadline,
           std::function<void(Result<Fetched>)> done);

}  // namespace mk8s::agent

// What the agent shows its API server now: a bearer token, a client certificate or both.  Tokens in
// files are read again, exec plugins run again before their credential expires or when the API
// server refused it.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include "agent/kubeconfig.h"
#include "base/clock.h"

namespace mk8s::agent {

struct KubeCredential {
  Secret bearer;              // empty: none
  net::TlsIdentity identity;  // empty: none
  std::optional<WallTime> expires_at;
};

/// Current is for any thread; Refresh may block (files, processes) and belongs on a pool.
class KubeCredentialSource {
 public:
  KubeCredentialSource(ClusterAccess access, const Clock& clock);

  /// The last good credential; empty before the first Refresh.  Never null.
  std::shared_ptr<const KubeCredential> Current() const;

  /// Brings the credential up to date: reads the token file, or runs the plugin if its credential
  /// is missing, near its end, or `refused` by the API server.  True when the client certificate
  /// changed, so that connections must be made anew.  Error: why not; the last good one stays.
  Result<bool> Refresh(bool refused);

  /// When to call Refresh next; nothing where the credential never changes.
  std::optional<std::chrono::milliseconds> RefreshIn() const;

 private:
  Result<KubeCredential> Load(bool refused) const;

  const ClusterAccess access_;
  const Clock& clock_;
  std::mutex refreshing_;  // one Refresh at a time
  mutable std::mutex mutex_;
  std::shared_ptr<const KubeCredential> current_;
};

}  // namespace mk8s::agent

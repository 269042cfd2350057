// Whether custom resources belong to namespaces, as their clusters' discovery says: a grant in some
// namespaces shows a part of a namespaced resource's list, and refuses a cluster-scoped one.  Asked
// through the tunnel by a KubeRequest that needs to know, and remembered for a while.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "gateway/tunnel_message.h"
#include "http/stream.h"
#include "models/attributes.h"

namespace mk8s::central {

/// What was learned; thread-safe.
class ResourceScopes {
 public:
  explicit ResourceScopes(const Clock& clock) : clock_(clock) {}

  /// Nothing if it was not learned within limits::kResourceScopeLife.
  std::optional<bool> IsNamespaced(const std::string& cluster_id, const Attributes& attributes);
  void Learn(const std::string& cluster_id, const Attributes& attributes, bool namespaced);

 private:
  struct Known {
    bool namespaced = false;
    MonotonicTime until;
  };
  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Known> known_;  // over kResourceScopesMax it starts anew
};

/// Asks the cluster behind `session`, as the user that `identity` names, by its head's authority.
/// `done` is told once, on this loop: nothing where the cluster does not know the resource or does
/// not say.
void AskResourceScope(http::ClientSession& session, gateway::TunnelRequest identity,
                      const Attributes& attributes, std::function<void(std::optional<bool>)> done);

}  // namespace mk8s::central

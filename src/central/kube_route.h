// The first step of a request for a cluster: from the path under /clusters to a cluster, the
// command line as typed, and the target that the cluster shall see.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mk8s::central {

struct KubeRoute {
  std::string cluster;  // name or UUID, as in the path
  std::string command;  // the client's own word from {words}, printable; empty if there was none.
                        // Never used to decide.
  std::string prefix;   // "/clusters/dev/k8s": what the cluster's own redirects need put in front
  std::string target;   // "/api/v1/pods?limit=500", undecoded
};

/// Nothing if `target` is no Kubernetes route at all: neither /clusters/{id}/k8s nor
/// /clusters/{id}/c/{words}/k8s, each followed by
/// "/", "?" or the end.  Error (kInvalidArgument): it is one, but {id} or {words} is malformed.
std::optional<Result<KubeRoute>> ParseKubeRoute(std::string_view target);

/// The {id} of /clusters/{id}/exec, with any query; nothing if `target` is another path.  Error: as
/// above.
std::optional<Result<std::string>> ParseExecRoute(std::string_view target);

}  // namespace mk8s::central

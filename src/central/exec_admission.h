// Who may call the exec route: a user whose password is in order, for a cluster that a role of
// theirs reaches and whose agent is there.  What the command may do is not asked here: each of its
// Kubernetes requests is decided when it comes.
#pragma once

#include <string>

#include "base/result.h"
#include "central/services.h"
#include "http/message.h"

namespace mk8s::net {
class Loop;
}

namespace mk8s::central {

/// Filled as far as the steps came.
struct ExecCaller {
  std::string session_id;
  std::string user_id;
  std::string user;  // e-mail
  std::string cluster_id;
  std::string cluster;  // by its name, or by what the caller called it
  std::string refusal;  // the refusal's code in JSON, where it is not the error's own
};

/// `cluster` as the path names it.  Errors: kMethodNotAllowed, kUnauthenticated, kPermissionDenied,
/// kNotFound, kUnavailable.
Result<void> AdmitExec(Services& services, Result<std::string> cluster,
                       const http::RequestHead& head, const net::Loop& loop, ExecCaller& caller);

}  // namespace mk8s::central

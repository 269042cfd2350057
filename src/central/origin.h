// Cross-site requests: a page of another site must not use what a browser may reach at central
// (CVE-2019-13209).
#pragma once

#include "base/result.h"
#include "http/message.h"

namespace mk8s::central {

/// Error (kPermissionDenied): the request names an Origin other than the host that it was sent to.
/// Programs send none.
Result<void> RefuseForeignOrigin(const http::RequestHead& head);

}  // namespace mk8s::central

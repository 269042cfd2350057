// Cross-site requests: a page of another site must not use what a browser may reach at central
// (CVE-2019-13209).
#pragma once

#include "http/message.h"

namespace mk8s::central {

/// True if the request names an Origin other than the host that it was sent to.  Programs send
/// none.
bool ForeignOrigin(const http::RequestHead& head);

}  // namespace mk8s::central

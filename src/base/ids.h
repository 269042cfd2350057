// Random identifiers and secrets, from the operating system's generator by way of OpenSSL.
// Thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"

namespace mk8s {

/// `count` random bytes.  Aborts if the generator fails: nothing safe can follow.
std::string RandomBytes(std::size_t count);

/// UUID version 4 in lower-case text (RFC 9562 section 5.4): users, roles, clusters, sessions.
std::string NewUuid();

/// UUID version 7 (RFC 9562 section 5.7), ordered by time: requests and audit events.
std::string NewRequestId(WallTime now);

/// A bearer secret with `prefix` so that scanners can find a leaked one: "mk8s_agent_" + 43
/// base64url characters (256 bits).
Secret NewToken(std::string_view prefix);

/// True for the 36-character text form, any version, either case.
bool IsUuid(std::string_view text);

}  // namespace mk8s

// http::ResetReason on the wire: HTTP/2 error codes, RFC 9113 section 7.
#pragma once

#include <cstdint>

#include "http/stream.h"

namespace mk8s::h2 {

std::uint32_t ToErrorCode(http::ResetReason reason);
http::ResetReason FromErrorCode(std::uint32_t code);

}  // namespace mk8s::h2

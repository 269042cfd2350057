// The C callbacks that nghttp2 calls an Engine by.
#pragma once

struct nghttp2_session_callbacks;

namespace mk8s::h2 {

/// One table for all sessions; their user data must be the Engine.
const nghttp2_session_callbacks* SharedCallbacks();

}  // namespace mk8s::h2

// Memory for nghttp2's sessions, most of which are idle: its large blocks (a frame buffer of 16 KiB
// and a table of streams for each session, whether a stream is ever open or not) lie on pages of
// their own that the kernel backs by memory when they are first written.  10,000 idle agents are
// the reason: their sessions take 10 KiB each instead of 26.  Small blocks are malloc's.
#pragma once

#include <nghttp2/nghttp2.h>

namespace mk8s::h2 {

/// For nghttp2_session_*_new3.  Thread-safe; lives as long as the program.
nghttp2_mem* PageMemory();

}  // namespace mk8s::h2

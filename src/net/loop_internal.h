// The buffers that all connections of a loop share, because only one of them reads or writes at a
// time.
#pragma once

#include <memory>
#include <string>

#include "base/limits.h"
#include "net/loop.h"

namespace mk8s::net {

struct LoopBuffers {
  std::unique_ptr<char[]> read = std::make_unique<char[]>(limits::kReadBytes);
  // What a session produced; a connection whose peer is slow takes the whole string.
  std::string write;

  static LoopBuffers& Of(Loop& loop);
};

}  // namespace mk8s::net

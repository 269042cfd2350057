// Body bytes that a stream's writer gave and nghttp2 has not yet taken.  The writer bounds it
// (limits::kSendQueueBytes); frames are cut from its front without another copy in between.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/limits.h"

namespace mk8s::h2 {

class SendQueue {
 public:
  bool empty() const { return begin_ == bytes_.size(); }
  std::size_t size() const { return bytes_.size() - begin_; }
  std::string_view Front(std::size_t count) const {
    return std::string_view(bytes_).substr(begin_, count);
  }

  void Append(std::string_view bytes) {
    // Moving the rest to the front once it is the smaller part costs each byte one move at most.
    if (begin_ >= limits::kFrameBytesMax && begin_ >= size()) {
      bytes_.erase(0, begin_);
      begin_ = 0;
    }
    bytes_.append(bytes);
  }

  void Pop(std::size_t count) {
    begin_ += std::min(count, size());
    if (empty()) Clear();
  }

  /// Keeps a small buffer for the next bytes, gives a large one back: most streams are idle.
  void Clear() {
    if (bytes_.capacity() > limits::kFrameBytesMax) {
      std::string().swap(bytes_);
    } else {
      bytes_.clear();
    }
    begin_ = 0;
  }

 private:
  std::string bytes_;
  std::size_t begin_ = 0;
};

}  // namespace mk8s::h2

// See page_allocator.h.  Blocks of a size are carved out of regions of some MiB, so that many
// sessions do not use up the kernel's bound on mappings (65,530).  A block that comes back gives
// its memory back to the kernel, and reads as zero when it is handed out again.
#include "h2/page_allocator.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace mk8s::h2 {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kRegionBytes = 4 * 1024 * 1024;
// Larger blocks (header sections of more than a frame, tables of hundreds of streams) are in use
// while they exist.
constexpr std::size_t kPagesMax = 8;

class PageBlocks {
 public:
  // Zeroed; null: the kernel has no room for another region.
  void* Take(std::size_t pages) {
    const std::lock_guard lock(mutex_);
    std::vector<void*>& free = free_[pages - 1];
    if (free.empty() && !AddRegion(pages, free)) return nullptr;
    void* block = free.back();
    free.pop_back();
    pages_of_[block] = pages;
    return block;
  }

  // 0: not one of ours.
  std::size_t PagesOf(void* block) {
    if (reinterpret_cast<std::uintptr_t>(block) % kPageBytes != 0) return 0;
    const std::lock_guard lock(mutex_);
    const auto found = pages_of_.find(block);
    return found == pages_of_.end() ? 0 : found->second;
  }

  void Give(void* block, std::size_t pages) {
    madvise(block, pages * kPageBytes, MADV_DONTNEED);
    const std::lock_guard lock(mutex_);
    pages_of_.erase(block);
    free_[pages - 1].push_back(block);
  }

 private:
  static bool AddRegion(std::size_t pages, std::vector<void*>& free) {
    void* region = mmap(nullptr, kRegionBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) return false;
    madvise(region, kRegionBytes, MADV_NOHUGEPAGE);  // else one byte could be backed by 2 MiB
    const std::size_t block_bytes = pages * kPageBytes;
    for (std::size_t at = kRegionBytes / block_bytes * block_bytes; at != 0; at -= block_bytes) {
      free.push_back(static_cast<char*>(region) + at - block_bytes);
    }
    return true;
  }

  std::mutex mutex_;
  std::array<std::vector<void*>, kPagesMax> free_;  // by pages - 1
  std::unordered_map<void*, std::size_t> pages_of_;
};

PageBlocks& Blocks() {
  static auto* const blocks = new PageBlocks;  // sessions of static objects may end after it
  return *blocks;
}

// Null: a block of that size is malloc's.
void* TakePages(std::size_t bytes) {
  const std::size_t pages = (bytes + kPageBytes - 1) / kPageBytes;
  return bytes >= kPageBytes && pages <= kPagesMax ? Blocks().Take(pages) : nullptr;
}

void* Malloc(std::size_t bytes, void*) {
  void* block = TakePages(bytes);
  return block != nullptr ? block : std::malloc(bytes);
}

void* Calloc(std::size_t count, std::size_t bytes, void*) {
  void* block = TakePages(count * bytes);  // nghttp2's counts are small and its own
  return block != nullptr ? block : std::calloc(count, bytes);
}

void Free(void* block, void*) {
  const std::size_t pages = block == nullptr ? 0 : Blocks().PagesOf(block);
  pages == 0 ? std::free(block) : Blocks().Give(block, pages);
}

// nghttp2 makes its frame buffers by this, of null.
void* Realloc(void* block, std::size_t bytes, void*) {
  if (block == nullptr) return Malloc(bytes, nullptr);
  const std::size_t pages = Blocks().PagesOf(block);
  if (pages == 0) return std::realloc(block, bytes);
  void* moved = Malloc(bytes, nullptr);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, block, std::min(bytes, pages * kPageBytes));
  Blocks().Give(block, pages);
  return moved;
}

}  // namespace

nghttp2_mem* PageMemory() {
  static nghttp2_mem memory{.mem_user_data = nullptr,
                            .malloc = Malloc,
                            .free = Free,
                            .calloc = Calloc,
                            .realloc = Realloc};
  return &memory;
}

}  // namespace mk8s::h2

// Any events of a watch: see filter_driver.h.
#include "filter_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  mk8s::fuzz::Fuzz(mk8s::kube::ListShape::kWatch, text, bytes[0]);
  return 0;
}

// Command lines as people type them (words apart by NUL): masking must end, stay within its bound
// and give clean text.
#include <cstdint>
#include <cstdlib>

#include "base/limits.h"
#include "base/text.h"
#include "kube/command_words.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  std::vector<std::string> words;
  for (const std::string_view word : mk8s::Split(text, '\0')) words.emplace_back(word);
  const std::string line = mk8s::kube::CommandWords(words);
  if (line.size() > mk8s::limits::kCommandWordsBytesMax || !mk8s::IsUtf8(line)) std::abort();
  return 0;
}

// Command lines as people type them (words apart by NUL).  Masking must end, stay within its bound
// and give clean text; each argument must be read once; and a line must be read, and refused, the
// same when each flag is spelled --name=value.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "kube/command_check.h"
#include "kube/command_words.h"
#include "kube/kubectl_line.h"

namespace {

using mk8s::kube::KubectlFlag;
using mk8s::kube::KubectlLine;
using Words = std::vector<std::string>;

void Require(bool holds) {
  if (!holds) std::abort();
}

void ReadsEachOnce(const KubectlLine& line) {
  std::vector<int> reads(line.arguments.size());
  for (const std::size_t at : line.words) ++reads.at(at);
  for (std::size_t i = 0; i < line.flags.size(); ++i) {
    const KubectlFlag& flag = line.flags[i];
    const bool first = i == 0 || line.flags[i - 1].argument != flag.argument;
    if (first) ++reads.at(flag.argument);
    if (!flag.value) continue;
    Require(flag.value->begin <= line.arguments[flag.value->argument].size());
    if (flag.value->argument != flag.argument) ++reads.at(flag.value->argument);
  }
  bool ended = false;
  for (std::size_t i = 0; i < reads.size(); ++i) {
    ended = ended || (reads[i] == 0 && line.arguments[i] == "--");
    // The sub-command may stand behind a "--" that cobra took for a flag's value.
    const bool command = !line.words.empty() && line.words[0] == i;
    Require(reads[i] == (ended && !command ? 0 : 1));
  }
}

// Nothing: it has flags whose names cannot be spelled so.
Words Spelled(const KubectlLine& line) {
  Words spelled;
  for (const std::size_t at : line.words) spelled.push_back(line.arguments[at]);
  for (const KubectlFlag& flag : line.flags) {
    if (flag.name.empty() || flag.name.find_first_of("=-") == 0) return {};
    if (flag.name.find_first_of("=_") != flag.name.npos) return {};
    if (flag.name.size() == 1 && !flag.value) return {};  // a letter amid others
    std::string word = "--" + flag.name;
    if (flag.value) word.append("=").append(line.ValueOf(flag));
    spelled.push_back(word);
  }
  return spelled;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  Words words;
  for (const std::string_view word : mk8s::Split(text, '\0')) words.emplace_back(word);
  const std::string masked = mk8s::kube::CommandWords(words);
  Require(masked.size() <= mk8s::limits::kCommandWordsBytesMax && mk8s::IsUtf8(masked));
  Require(mk8s::kube::MaskSecrets(words).size() == words.size());

  const KubectlLine line = mk8s::kube::ReadKubectlLine(words);
  ReadsEachOnce(line);
  const Words spelled = Spelled(line);
  if (spelled.empty() || !line.doubtful.empty()) return 0;
  const KubectlLine again = mk8s::kube::ReadKubectlLine(spelled);
  if (again.Word(0) != line.Word(0)) return 0;  // cobra found no sub-command where the flags were
  Require(again.flags.size() == line.flags.size() && again.words.size() == line.words.size());
  for (std::size_t i = 0; i < line.flags.size(); ++i) {
    Require(again.flags[i].name == line.flags[i].name);
    Require(again.ValueOf(again.flags[i]) == line.ValueOf(line.flags[i]));
  }
  Require(mk8s::kube::CheckCommandArguments(words).has_value() ==
          mk8s::kube::CheckCommandArguments(spelled).has_value());
  return 0;
}

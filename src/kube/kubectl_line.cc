// See kubectl_line.h.
#include "kube/kubectl_line.h"

#include <algorithm>

#include "kube/kubectl_words.h"

namespace mk8s::kube {
namespace {

constexpr std::string_view kEnd = "--";

bool IsFlag(std::string_view argument) {
  return argument.size() > 1 && argument.front() == '-' && argument != kEnd;
}

// --from_literal is --from-literal (component-base's WordSepNormalizeFunc).
std::string Normal(std::string_view name) {
  std::string normal(name);
  std::replace(normal.begin(), normal.end(), '_', '-');
  return normal;
}

// As cobra finds it, which knows no flags but kubectl's global ones by then.
std::size_t FindCommand(std::span<const std::string> arguments) {
  for (std::size_t i = 0; i < arguments.size() && arguments[i] != kEnd; ++i) {
    const std::string_view word = arguments[i];
    if (!word.empty() && word.front() != '-') return i;
    const bool whole = word.find('=') == word.npos;
    const bool takes_next = word.starts_with("--")
                                ? whole && !StandsAloneBeforeCommand(Normal(word.substr(2)))
                                : whole && word.size() == 2;
    if (takes_next) ++i;
  }
  return arguments.size();
}

class Reader {
 public:
  explicit Reader(std::span<const std::string> arguments) : line_{.arguments = arguments} {
    command_at_ = FindCommand(arguments);
    if (command_at_ < arguments.size()) line_.words.push_back(command_at_);
  }

  KubectlLine Read() {
    const std::span<const std::string> arguments = line_.arguments;
    for (std::size_t i = 0; i < arguments.size() && arguments[i] != kEnd; ++i) {
      if (i == command_at_) continue;
      if (!IsFlag(arguments[i])) {
        line_.words.push_back(i);
      } else if (ReadFlags(i, line_.flags) && i + 1 < arguments.size()) {
        if (++i == command_at_ && ++i == arguments.size()) break;  // the command was taken out
        line_.flags.back().value = {i, 0};
        if (IsFlag(arguments[i])) ReadFlags(i, line_.doubtful);
      }
    }
    return std::move(line_);
  }

 private:
  // Those of one argument; true if the next one is the last one's value.
  bool ReadFlags(std::size_t at, std::vector<KubectlFlag>& flags) const {
    const std::string_view word = line_.arguments[at];
    if (!word.starts_with("--")) return ReadLetters(at, flags);
    const std::size_t equals = word.find('=');
    KubectlFlag flag{.name = Normal(word.substr(2, equals - 2)), .argument = at};
    if (equals != word.npos) flag.value = {at, equals + 1};
    flags.push_back(std::move(flag));
    return equals == word.npos && NeedsValue(flags.back().name);
  }

  // "-it", "-Rf", "-fa.yaml", "-f=a.yaml".
  bool ReadLetters(std::size_t at, std::vector<KubectlFlag>& flags) const {
    const std::string_view word = line_.arguments[at];
    for (std::size_t i = 1; i < word.size(); ++i) {
      const std::string_view name = LongName(word[i], line_.Word(0));
      const bool known = !name.empty();
      flags.push_back({.name = std::string(known ? name : word.substr(i, 1)), .argument = at});
      const bool last = i + 1 == word.size();
      if (i + 2 < word.size() && word[i + 1] == '=') {
        flags.back().value = {at, i + 2};
        return false;
      }
      if (!NeedsValue(flags.back().name)) continue;
      if (last) return true;
      // Behind an unknown letter others may follow: none of them must hide there.
      if (!known) continue;
      flags.back().value = {at, i + 1};
      return false;
    }
    return false;
  }

  bool NeedsValue(std::string_view flag) const {
    return TakesValue(flag, line_.Word(0), line_.Word(1));
  }

  KubectlLine line_;
  std::size_t command_at_ = 0;
};

}  // namespace

std::string_view KubectlLine::Word(std::size_t number) const {
  return number < words.size() ? std::string_view(arguments[words[number]]) : std::string_view();
}

std::string_view KubectlLine::ValueOf(const KubectlFlag& flag) const {
  if (!flag.value) return {};
  return std::string_view(arguments[flag.value->argument]).substr(flag.value->begin);
}

bool KubectlLine::Has(std::string_view flag) const {
  return std::any_of(flags.begin(), flags.end(),
                     [flag](const KubectlFlag& each) { return each.name == flag; });
}

bool KubectlLine::IsOn(std::string_view flag) const {
  constexpr std::string_view kFalse[] = {"0", "f", "F", "false", "False", "FALSE"};
  bool on = false;
  for (const KubectlFlag& each : flags) {
    if (each.name != flag) continue;
    on = std::find(std::begin(kFalse), std::end(kFalse), ValueOf(each)) == std::end(kFalse);
  }
  return on;
}

KubectlLine ReadKubectlLine(std::span<const std::string> arguments) {
  return Reader(arguments).Read();
}

}  // namespace mk8s::kube

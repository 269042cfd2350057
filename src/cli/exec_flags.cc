// See exec_flags.h.  Flags from k8s.io/kubectl 1.36 (pkg/cmd) and cli-runtime.
#include "cli/exec_flags.h"

#include <algorithm>
#include <optional>

#include "kube/kubectl_words.h"

namespace mk8s::cli {
namespace {

struct LongFlag {
  std::string_view name;
  NamedKind kind;
};
constexpr LongFlag kLongFlags[] = {
    {"--filename", NamedKind::kManifests}, {"--kustomize", NamedKind::kKustomize},
    {"--from-file", NamedKind::kPairs},    {"--from-env-file", NamedKind::kFile},
    {"--patch-file", NamedKind::kFile},    {"--cert", NamedKind::kFile},
    {"--key", NamedKind::kFile},           {"--custom", NamedKind::kFile},
    {"--output", NamedKind::kTemplate},    {"--template", NamedKind::kFile},
};
// Short flags without a value; all others take the rest of their word, or the next.
constexpr std::string_view kShortSwitches = "ARitwqhx";

bool IsOn(std::string_view value) { return value != "false" && value != "0"; }

class Reader {
 public:
  explicit Reader(const std::vector<std::string>& arguments) : arguments_(arguments) {
    const std::vector<std::string> words = kube::Positionals(arguments);
    command_ = words.empty() ? "" : words[0];
  }

  ReadFlags Read() {
    for (at_ = 0; at_ < arguments_.size() && arguments_[at_] != "--"; ++at_) {
      const std::string& word = arguments_[at_];
      if (word.starts_with("--")) {
        Long(word);
      } else if (word.size() > 1 && word[0] == '-') {
        Short(word);
      } else if (command_ == "kustomize" && word != command_) {
        flags_.values.push_back({NamedKind::kKustomize, at_, 0});
      }
    }
    return std::move(flags_);
  }

 private:
  void Long(const std::string& word) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const bool has_value = equals != std::string::npos;
    const std::string value = has_value ? word.substr(equals + 1) : "";
    if (name == "--recursive") flags_.recursive = IsOn(value);
    if (name == "--stdin") flags_.stdin_asked = IsOn(value);
    if (name == "--tty") flags_.terminal_asked = IsOn(value);
    const auto* known = std::find_if(std::begin(kLongFlags), std::end(kLongFlags),
                                     [&](const LongFlag& flag) { return flag.name == name; });
    if (known != std::end(kLongFlags)) {
      Value(known->kind, has_value ? std::optional(equals + 1) : std::nullopt);
    } else if (!has_value && kube::TakesValue(name)) {
      ++at_;
    }
  }

  // "-it", "-Rf", "-fa.yaml", "-f=a.yaml", "-f a.yaml".
  void Short(const std::string& word) {
    const bool logs = command_ == "logs";  // there -f and -p are switches
    for (std::size_t i = 1; i < word.size(); ++i) {
      const char letter = word[i];
      if (kShortSwitches.find(letter) != std::string_view::npos ||
          (logs && (letter == 'f' || letter == 'p'))) {
        flags_.recursive = flags_.recursive || letter == 'R';
        flags_.stdin_asked = flags_.stdin_asked || letter == 'i';
        flags_.terminal_asked = flags_.terminal_asked || letter == 't';
        if (i + 1 < word.size() && word[i + 1] == '=') return;
        continue;
      }
      std::optional<std::size_t> begin;
      if (i + 1 < word.size()) begin = word[i + 1] == '=' ? i + 2 : i + 1;
      if (letter == 'f') return Value(NamedKind::kManifests, begin);
      if (letter == 'k') return Value(NamedKind::kKustomize, begin);
      if (letter == 'o') return Value(NamedKind::kTemplate, begin);
      if (!begin) ++at_;
      return;
    }
  }

  // The value is in this word from `begin` on, or is the next word.
  void Value(NamedKind kind, std::optional<std::size_t> begin) {
    if (!begin && at_ + 1 >= arguments_.size()) return;
    const std::size_t argument = begin ? at_ : ++at_;
    flags_.values.push_back({kind, argument, begin.value_or(0)});
  }

  const std::vector<std::string>& arguments_;
  std::string command_;
  std::size_t at_ = 0;
  ReadFlags flags_;
};

}  // namespace

ReadFlags ReadFileFlags(const std::vector<std::string>& arguments) {
  return Reader(arguments).Read();
}

}  // namespace mk8s::cli

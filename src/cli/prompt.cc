// See prompt.h.
#include "cli/prompt.h"

#include <unistd.h>

#include <cerrno>
#include <iostream>

#include "cli/raw_terminal.h"

namespace mk8s::cli {
namespace {

constexpr char kCtrlC = 0x03, kCtrlD = 0x04, kCtrlU = 0x15, kEscape = 0x1b, kDelete = 0x7f;

Error Cancelled() { return MakeError(ErrorCode::kCancelled, "cancelled"); }

// Ctrl-D at the end of input.
char ReadKey() {
  char key = kCtrlD;
  while (read(STDIN_FILENO, &key, 1) < 0 && errno == EINTR) {
  }
  return key;
}

class TerminalPrompt : public Prompt {
 public:
  Result<std::string> Line(std::string_view question, std::string_view fallback) override {
    std::cerr << question;
    if (!fallback.empty()) std::cerr << " [" << fallback << "]";
    std::cerr << ": " << std::flush;
    std::string answer;
    if (!std::getline(std::cin, answer)) {
      std::cerr << "\n";
      return Cancelled();
    }
    return answer.empty() ? std::string(fallback) : answer;
  }

  Result<Secret> Password(std::string_view question) override {
    std::cerr << question << ": " << std::flush;
    std::string typed;
    const RawTerminal terminal(RawTerminal::Mode::kKeys);
    for (;;) {
      const char key = ReadKey();
      if (key == '\r' || key == '\n') break;
      if (key == kCtrlC || (key == kCtrlD && typed.empty())) {
        std::cerr << "\n";
        return Cancelled();
      }
      if (key == kDelete || key == '\b') {
        // A whole UTF-8 sequence goes at once.
        while (!typed.empty() && (static_cast<unsigned char>(typed.back()) & 0xc0) == 0x80) {
          typed.pop_back();
        }
        if (!typed.empty()) typed.pop_back();
      } else if (key == kCtrlU) {
        typed.clear();
      } else if (key != kCtrlD) {
        typed += key;
      }
    }
    std::cerr << "\n";
    return Secret(std::move(typed));
  }

  Result<bool> Confirm(std::string_view question) override {
    Result<std::string> answer = Line(std::string(question) + " [y/N]", "");
    if (!answer) return answer.error();
    return *answer == "y" || *answer == "Y" || *answer == "yes";
  }

  Result<std::size_t> Pick(std::string_view title, const std::vector<std::string>& options,
                           std::size_t start) override {
    PickerState state(options.size(), start);
    const RawTerminal terminal(RawTerminal::Mode::kKeys);
    std::cerr << title << "\n";
    for (bool first = true;; first = false) {
      if (!first) std::cerr << "\x1b[" << options.size() << "A";
      for (std::size_t i = 0; i < options.size(); ++i) {
        const bool here = i == state.cursor();
        std::cerr << "\r\x1b[K" << (here ? "\x1b[7m> " : "  ") << i + 1 << "  " << options[i]
                  << (here ? "\x1b[0m" : "") << "\n";
      }
      std::cerr << std::flush;
      switch (state.Key(ReadKey())) {
        case PickerState::Outcome::kGoOn:
          break;
        case PickerState::Outcome::kChosen:
          return state.cursor();
        case PickerState::Outcome::kCancelled:
          return Cancelled();
      }
    }
  }
};

}  // namespace

PickerState::Outcome PickerState::Key(char key) {
  if (escape_ == 1 && key == '[') {
    escape_ = 2;
    return Outcome::kGoOn;
  }
  const bool up = (escape_ == 2 && key == 'A') || (escape_ == 0 && key == 'k');
  const bool down = (escape_ == 2 && key == 'B') || (escape_ == 0 && key == 'j');
  const bool in_sequence = escape_ != 0;
  escape_ = key == kEscape ? 1 : 0;
  if (up) cursor_ = (cursor_ + count_ - 1) % count_;
  if (down) cursor_ = (cursor_ + 1) % count_;
  if (in_sequence || up || down || escape_ != 0) return Outcome::kGoOn;
  if (key == '\r' || key == '\n') return Outcome::kChosen;
  if (key == 'q' || key == kCtrlC || key == kCtrlD) return Outcome::kCancelled;
  // A digit chooses at once while one digit is enough to name every option, else it moves there.
  if (key >= '1' && key <= '9' && static_cast<std::size_t>(key - '1') < count_) {
    cursor_ = static_cast<std::size_t>(key - '1');
    return count_ <= 9 ? Outcome::kChosen : Outcome::kGoOn;
  }
  return Outcome::kGoOn;
}

std::unique_ptr<Prompt> NewTerminalPrompt() { return std::make_unique<TerminalPrompt>(); }

}  // namespace mk8s::cli

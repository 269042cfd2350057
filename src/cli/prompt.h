// Questions to the person at the terminal.  Callers check Context::terminal first: without one, a
// command fails at once and names the flag.  Questions go to standard error.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace mk8s::cli {

/// Errors of all: kCancelled on Ctrl-C, Ctrl-D or the end of input.
class Prompt {
 public:
  virtual ~Prompt() = default;
  /// An empty answer gives `fallback`.
  virtual Result<std::string> Line(std::string_view question, std::string_view fallback) = 0;
  virtual Result<Secret> Password(std::string_view question) = 0;
  /// Enter alone means no.
  virtual Result<bool> Confirm(std::string_view question) = 0;
  /// The index of the chosen option; `start` is where the cursor begins.
  virtual Result<std::size_t> Pick(std::string_view title, const std::vector<std::string>& options,
                                   std::size_t start) = 0;
};

std::unique_ptr<Prompt> NewTerminalPrompt();

/// The picker without its terminal: keys in, cursor and choice out.
class PickerState {
 public:
  PickerState(std::size_t count, std::size_t start) : count_(count), cursor_(start) {}
  enum class Outcome { kGoOn, kChosen, kCancelled };
  /// One byte: arrows (ESC [ A, ESC [ B), k and j, digits, Enter, q, Ctrl-C.
  Outcome Key(char key);
  std::size_t cursor() const { return cursor_; }

 private:
  std::size_t count_;
  std::size_t cursor_;
  int escape_ = 0;  // bytes of an escape sequence seen so far
};

}  // namespace mk8s::cli

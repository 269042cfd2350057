// The person's terminal, key by key; as it was again afterwards.
#pragma once

#include <termios.h>

namespace mk8s::cli {

class RawTerminal {
 public:
  enum class Mode {
    kKeys,  // keys one by one without echo; output is still the terminal's own
    kRaw,   // every byte both ways as it is: another terminal is at the far end
  };
  /// Standard input's.  Signals by key are off as well, so that Ctrl-C cannot leave the terminal
  /// without echo.  Does nothing where there is no terminal.
  explicit RawTerminal(Mode mode);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

}  // namespace mk8s::cli

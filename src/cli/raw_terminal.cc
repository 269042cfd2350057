// See raw_terminal.h.
#include "cli/raw_terminal.h"

#include <unistd.h>

namespace mk8s::cli {

RawTerminal::RawTerminal(Mode mode) {
  changed_ = tcgetattr(STDIN_FILENO, &before_) == 0;
  if (!changed_) return;
  termios raw = before_;
  if (mode == Mode::kRaw) {
    cfmakeraw(&raw);
  } else {
    raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
  }
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSANOW, &raw);  // what was typed ahead is the command's
}

RawTerminal::~RawTerminal() {
  if (changed_) tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

}  // namespace mk8s::cli

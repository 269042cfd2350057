// mk8s: parse, build, run, exit code.
#include <csignal>
#include <string>
#include <vector>

#include "cli/dispatch.h"
#include "cli/process_context.h"

int main(int argc, char** argv) {
  const std::unique_ptr<mk8s::cli::Prompt> prompt = mk8s::cli::NewTerminalPrompt();
  mk8s::cli::Context context = mk8s::cli::ProcessContext(*prompt);
  const int code = mk8s::cli::Dispatch(context, std::vector<std::string>(argv + 1, argv + argc));
  context.out.flush();
  if (context.raise_signal != 0) {
    // kubectl died of it: so do we, that a shell or `make` sees what happened.
    std::signal(context.raise_signal, SIG_DFL);
    std::raise(context.raise_signal);
  }
  return code;
}

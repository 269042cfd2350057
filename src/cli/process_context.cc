// See process_context.h.
#include "cli/process_context.h"

#include <filesystem>
#include <iostream>
#include <thread>

namespace mk8s::cli {

Context ProcessContext(Prompt& prompt) {
  std::error_code failure;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failure);
  return Context{
      .environment = Environment::OfProcess(),
      .terminal = TerminalOfProcess(),
      .in = std::cin,
      .out = std::cout,
      .err = std::cerr,
      .clock = SystemClock(),
      .prompt = prompt,
      .connect = NewTransport,
      .sleep = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); },
      .program = failure ? "mk8s" : program.string(),
      .flags = {},
  };
}

}  // namespace mk8s::cli

// A test program that starts sandboxes is itself what they start: `TEST_PROGRAM sandbox`.
#pragma once

#include <unistd.h>

#include <string_view>

#include "sandbox/enter.h"

namespace mk8s::sandbox {

// Before main, and before gtest would run every test once more.
[[gnu::constructor]] inline void EnterIfStartedAsSandbox(int argc, char** argv, char**) {
  if (argc == 2 && std::string_view(argv[1]) == kSubCommand) _exit(Enter());
}

}  // namespace mk8s::sandbox

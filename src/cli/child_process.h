// Runs kubectl as the shell would have run it: same terminal, same standard streams, same signals,
// same end.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/environment.h"

namespace mk8s::cli {

/// Holds back the signals that end or concern a command, until it dies.  While one lives, a signal
/// to mk8s cannot skip the clean-up: it waits, or goes to the child.
class SignalGuard {
 public:
  SignalGuard();
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

  struct Masks;
  const Masks& masks() const { return *masks_; }

 private:
  Masks* masks_;
};

struct ChildEnd {
  int exit_code = 0;
  int signal = 0;  // not 0: died of it, and exit_code is 128 + signal
};

/// Starts and waits.  Signals that a terminal sends reach the whole process group, so the child has
/// them already; those sent to mk8s alone (kill, a service manager) are passed on.
/// Error: kFailedPrecondition when the program cannot be started.
Result<ChildEnd> RunChild(const SignalGuard& guard, const std::filesystem::path& program,
                          const std::vector<std::string>& arguments,
                          const Environment& environment);

/// MK8S_KUBECTL, else the first kubectl in PATH that is not mk8s itself.
/// Error: kFailedPrecondition, saying how to get one.
Result<std::filesystem::path> FindKubectl(const Environment& environment);

}  // namespace mk8s::cli

// The agent's side of the sandbox: starts the process that becomes a confined kubectl, hears from
// it, ends it.  Everything here may be called on any thread; Start and Probe block for some
// milliseconds.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "sandbox/plan.h"

namespace mk8s::sandbox {

/// A file descriptor with an owner.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd() { Close(); }

  int get() const { return fd_; }
  int Take() { return std::exchange(fd_, -1); }
  void Close();
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// The command's ends; for a terminal the same thrice.
struct Stdio {
  int in = -1;
  int out = -1;
  int err = -1;
};

struct Started {
  pid_t pid = -1;   // leads the process group that holds all of the command
  OwnedFd control;  // non-blocking; ReadMessage
};

/// Errors: kUnavailable (no process or descriptor to be had).  `stdio` stays the caller's.
Result<Started> Start(const Plan& plan, const Stdio& stdio);

struct Message {
  Answer kind = Answer::kFailed;
  OwnedFd listening;  // of kListening
  int exit_code = 0;  // of kEnded
  std::string why;    // of kFailed
};
enum class ReadStatus { kMessage, kAgain, kEnd };
ReadStatus ReadMessage(int control, Message& message);

/// Ends the command with all its processes.  Only before Reap.
void Kill(pid_t pid);
/// Waits until the process is gone.
void Reap(pid_t pid);

/// The strongest level that this kernel and the agent's rights give, found by trying.  `why_not`
/// gets what kept the stronger ones away, for the log.
Level Probe(std::string& why_not);

}  // namespace mk8s::sandbox

// The child's side of the sandbox: `mk8s-agent sandbox`, which only the agent starts.
#pragma once

#include <string>

#include "sandbox/plan.h"

namespace mk8s::sandbox {

/// Takes the plan from kPlanFd, confines itself and becomes kubectl; the process between returns
/// its exit status.  Single-threaded.
int Enter();

// The steps, each in a file of its own.  They end the process with Answer::kFailed when the level
// cannot be had.

/// Says why and ends.
[[noreturn]] void Fail(const std::string& what);
/// The same with errno's text.
[[noreturn]] void FailErrno(const std::string& what);

/// mount.cc: a root of the command's own, with kubectl and little else; then its folder.
void MakeRoot(const Plan& plan, unsigned owner);
inline constexpr const char* kOwnFolder = "/scratch";

/// network.cc: brings the loopback up and hands the agent a socket that listens there.
void MakeNetwork(std::uint16_t port);

/// landlock.cc: of files only `folder` and kubectl, of the network only `port`.
void ApplyLandlock(const Plan& plan);

/// filter.cc: system calls that kubectl does not need.  The last step: kubectl is then started from
/// descriptor `program`.
void ApplyFilter(int program);

/// Whether an ELF program asks for a dynamic loader: then the system's libraries must be in reach.
bool NeedsLibraries(int program);

}  // namespace mk8s::sandbox

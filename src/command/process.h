// One sandboxed kubectl as a process: what it says of itself, its end, and its death.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "net/loop.h"
#include "net/work_pool.h"
#include "sandbox/launch.h"

namespace mk8s::command {

class ProcessEvents {
 public:
  virtual ~ProcessEvents() = default;
  /// A socket in the command's network namespace, where its kubectl will connect.
  virtual void OnListening(sandbox::OwnedFd listening) = 0;
  /// The exit code, as a shell gives it; or why it never ran.  Once; nothing of the command runs
  /// any more.  Errors: kUnavailable.
  virtual void OnExit(Result<int> code) = 0;
};

/// Loop thread only.
class Process : public net::Descriptor, public std::enable_shared_from_this<Process> {
 public:
  Process(net::Loop& loop, net::WorkPool& pool, sandbox::Started started,
          std::weak_ptr<ProcessEvents> events);
  /// As End, waiting for it.
  ~Process() override;

  /// Error: kUnavailable.
  Result<void> Open();
  /// Kills whatever still runs.  `gone` is called when nothing does, on a thread of the pool.
  void End(std::function<void()> gone);

  void OnReady(Readiness ready) override;
  void OnLoopStopped() override { CloseControl(); }

 private:
  void Exited(Result<int> code);
  void CloseControl();

  net::Loop& loop_;
  net::WorkPool& pool_;
  sandbox::Started started_;  // pid -1: reaped, or about to be
  const std::weak_ptr<ProcessEvents> events_;
  bool exited_ = false;
};

}  // namespace mk8s::command

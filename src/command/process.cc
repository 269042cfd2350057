// See process.h.
#include "command/process.h"

#include <utility>

#include "base/log.h"

namespace mk8s::command {

Process::Process(net::Loop& loop, net::WorkPool& pool, sandbox::Started started,
                 std::weak_ptr<ProcessEvents> events)
    : loop_(loop), pool_(pool), started_(std::move(started)), events_(std::move(events)) {}

Process::~Process() {
  if (started_.pid < 0) return;
  sandbox::Kill(started_.pid);
  sandbox::Reap(started_.pid);
}

Result<void> Process::Open() {
  if (loop_.Register(started_.control.get(), shared_from_this())) return {};
  return MakeError(ErrorCode::kUnavailable, "The agent cannot start a command now.",
                   "the loop takes no more descriptors");
}

void Process::End(std::function<void()> gone) {
  CloseControl();
  const pid_t pid = std::exchange(started_.pid, -1);
  if (pid < 0) return;
  sandbox::Kill(pid);
  const auto finish = [pid, gone = std::move(gone)] {
    sandbox::Reap(pid);
    gone();
  };
  if (!pool_.Submit(finish)) finish();  // it is dead, so this is short
}

void Process::OnReady(Readiness) {
  const auto self = shared_from_this();
  while (started_.control) {
    sandbox::Message message;
    switch (sandbox::ReadMessage(started_.control.get(), message)) {
      case sandbox::ReadStatus::kAgain:
        return;
      case sandbox::ReadStatus::kEnd:
        return Exited(MakeError(ErrorCode::kUnavailable,
                                "The command was killed on the cluster's side; try again.",
                                "the sandbox ended without a word"));
      case sandbox::ReadStatus::kMessage:
        break;
    }
    switch (message.kind) {
      case sandbox::Answer::kListening:
        if (const auto events = events_.lock()) events->OnListening(std::move(message.listening));
        break;
      case sandbox::Answer::kEnded:
        return Exited(message.exit_code);
      case sandbox::Answer::kFailed:
        return Exited(MakeError(ErrorCode::kUnavailable,
                                "The cluster's mk8s-agent could not run kubectl: " + message.why));
      case sandbox::Answer::kReady:  // of a probe alone
        break;
    }
  }
}

void Process::Exited(Result<int> code) {
  CloseControl();
  if (std::exchange(exited_, true)) return;
  // What holds its output open, if anything does, ends here.
  if (started_.pid >= 0) sandbox::Kill(started_.pid);
  if (const auto events = events_.lock()) events->OnExit(std::move(code));
}

void Process::CloseControl() {
  if (!started_.control) return;
  loop_.Unregister(started_.control.get());
  started_.control.Close();
}

}  // namespace mk8s::command

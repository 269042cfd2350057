// One command beside the agent, from ExecuteCommand's order to its exit code.
//
//   order -> [pool: choose kubectl, start the sandbox] -> output flows to the caller as fast as it
//   is taken -> exit, cancelled, or a limit -> [pool: kill, reap, remove]
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "command/endpoint.h"
#include "command/process.h"
#include "command/stdio.h"
#include "command/surroundings.h"
#include "net/loop.h"
#include "sandbox/plan.h"

namespace mk8s::command {

struct Order {
  std::string id;
  std::vector<std::string> arguments;  // kubectl's
  std::vector<sandbox::PlannedFile> files;
  std::optional<TerminalSize> terminal;
};

/// Who asked.  Called on the run's loop.
class Caller {
 public:
  virtual ~Caller() = default;
  /// False: no more until Run::Resume.
  virtual bool OnOutput(Output which, std::string_view bytes) = 0;
  /// The exit code, or why there is none, as the caller may be told.  Last, once; the run is over.
  virtual void OnDone(Result<int> code) = 0;
};

/// Loop thread only.  Dropped, it ends the command.
class Run : public OutputReader, public ProcessEvents, public std::enable_shared_from_this<Run> {
 public:
  /// `surroundings` outlive the run.
  Run(Surroundings& surroundings, Order order, Caller& caller);
  ~Run() override;

  void Start();
  /// `taken` runs when the command has read it, or will not.
  void Input(std::string bytes, std::function<void()> taken);
  void EndInput();
  void Resize(TerminalSize size);
  void Resume();
  /// The caller has gone: the command is killed, and nothing is said any more.
  void Cancel() { Finish(std::nullopt); }

  bool OnOutput(Output which, std::string_view bytes) override;
  void OnOutputEnd(Output which) override;
  void OnListening(sandbox::OwnedFd listening) override;
  void OnExit(Result<int> code) override;

 private:
  struct Claim;
  struct Launched;
  Result<void> Prepare();
  static Result<Launched> Launch(const Shared& shared, std::shared_ptr<Claim> claim,
                                 sandbox::Plan plan, std::optional<TerminalSize> terminal);
  void OnLaunched(Result<Launched> launched);
  Result<void> Join(Launched launched);
  void FinishIfAllCame();
  void Finish(std::optional<Result<int>> outcome);
  void CleanUp();

  Surroundings& around_;
  Order order_;
  Caller* caller_;  // null: finished
  std::shared_ptr<Claim> claim_;
  std::shared_ptr<Endpoint> endpoint_;
  std::shared_ptr<Process> process_;
  std::shared_ptr<InputPipe> input_;
  std::vector<std::shared_ptr<OutputPipe>> outputs_;
  std::optional<Result<int>> exit_;
  std::vector<std::pair<std::string, std::function<void()>>> early_input_;  // before input_
  std::uint64_t output_bytes_ = 0;
  bool input_ended_ = false;
};

}  // namespace mk8s::command

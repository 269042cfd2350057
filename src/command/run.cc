// See run.h.
#include "command/run.h"

#include <sys/types.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "base/limits.h"
#include "base/log.h"

namespace mk8s::command {
namespace {

Error TooManyCommands() {
  return MakeError(ErrorCode::kResourceExhausted,
                   "As many commands run beside the cluster's mk8s-agent as may; try again later.");
}

// For a command that has no mount namespace.
Result<std::string> MakeFolder() {
  std::error_code failed;
  std::string name = std::filesystem::temp_directory_path(failed) / "mk8s-command-XXXXXX";
  if (failed || mkdtemp(name.data()) == nullptr) {
    return MakeError(ErrorCode::kUnavailable, "The agent cannot start a command now.",
                     "cannot make " + name);
  }
  return name;
}

}  // namespace

// What a command holds as long as anything of it may run: its number and, without a mount
// namespace, its folder.
struct Run::Claim {
  Claim(Slots& of, std::uint32_t number) : slots(of), slot(number) {}
  ~Claim() {
    std::error_code failed;
    if (!folder.empty()) std::filesystem::remove_all(folder, failed);
    if (failed) log::Warn("cannot remove a command's folder", {{"reason", failed.message()}});
    slots.Free(slot);
  }
  Slots& slots;
  const std::uint32_t slot;
  std::string folder;
};

// What the pool made; dropped, it leaves nothing behind.
struct Run::Launched {
  Launched(sandbox::Started process, std::shared_ptr<Claim> held)
      : claim(std::move(held)), started(std::move(process)) {}
  Launched(Launched&&) = default;
  Launched& operator=(Launched&&) = default;
  ~Launched() {
    if (!started.control) return;
    sandbox::Kill(started.pid);
    sandbox::Reap(started.pid);
  }
  std::shared_ptr<Claim> claim;
  sandbox::Started started;
  StdioPair::Ends ours;
};

Run::Run(Surroundings& surroundings, Order order, Caller& caller)
    : around_(surroundings), order_(std::move(order)), caller_(&caller) {
  around_.shared.counters.running.fetch_add(1, std::memory_order_relaxed);
}

Run::~Run() {
  if (caller_ != nullptr) CleanUp();
  around_.shared.counters.running.fetch_sub(1, std::memory_order_relaxed);
}

void Run::Start() {
  if (const auto prepared = Prepare(); !prepared) {
    around_.shared.counters.refused.fetch_add(1, std::memory_order_relaxed);
    // From a later turn, as every other end.
    around_.loop.AtEndOfTurn(
        [self = shared_from_this(), why = prepared.error()] { self->Finish(Result<int>(why)); });
  }
}

Result<void> Run::Prepare() {
  Shared& shared = around_.shared;
  if (!shared.refusal.empty()) return MakeError(ErrorCode::kFailedPrecondition, shared.refusal);
  const std::optional<std::uint32_t> slot = shared.slots.Take();
  if (!slot) return TooManyCommands();
  claim_ = std::make_shared<Claim>(shared.slots, *slot);
  sandbox::Plan plan{.level = shared.level,
                     .terminal = order_.terminal.has_value(),
                     .slot = *slot,
                     .parent = getpid(),
                     .arguments = std::move(order_.arguments),
                     .files = std::move(order_.files)};
  endpoint_ = std::make_shared<Endpoint>(around_.loop, shared.tls, around_.central, order_.id);
  if (!sandbox::HasNamespaces(plan.level)) {
    MK8S_ASSIGN_OR_RETURN(plan.port, endpoint_->Listen());
    MK8S_ASSIGN_OR_RETURN(claim_->folder, MakeFolder());
    plan.folder = claim_->folder;
  }
  plan.kubeconfig = endpoint_->Kubeconfig(plan.port, shared.cluster_name);
  const bool queued =
      around_.pool.Submit([self = weak_from_this(), &shared, &loop = around_.loop, claim = claim_,
                           plan = std::move(plan), terminal = order_.terminal] {
        auto launched = std::make_shared<Result<Launched>>(Launch(shared, claim, plan, terminal));
        loop.Post([self, launched] {
          if (const auto run = self.lock()) run->OnLaunched(std::move(*launched));
        });
      });
  if (!queued) return TooManyCommands();
  return {};
}

// On the pool.
Result<Run::Launched> Run::Launch(const Shared& shared, std::shared_ptr<Claim> claim,
                                  sandbox::Plan plan, std::optional<TerminalSize> terminal) {
  MK8S_ASSIGN_OR_RETURN(plan.program, ChooseKubectl(shared.kubectl, shared.cluster_minor));
  MK8S_ASSIGN_OR_RETURN(StdioPair stdio, terminal ? OpenTerminal(*terminal) : OpenPipes());
  const StdioPair::Ends& theirs = stdio.theirs;
  MK8S_ASSIGN_OR_RETURN(
      sandbox::Started started,
      sandbox::Start(plan, {theirs.in.get(), theirs.out.get(), theirs.err.get()}));
  Launched launched(std::move(started), std::move(claim));
  launched.ours = std::move(stdio.ours);
  return launched;
}

void Run::OnLaunched(Result<Launched> launched) {
  if (caller_ == nullptr) return;  // cancelled meanwhile: ~Launched ends it
  const Result<void> joined = launched ? Join(*std::move(launched)) : launched.error();
  if (joined) {
    around_.shared.counters.started.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  around_.shared.counters.refused.fetch_add(1, std::memory_order_relaxed);
  Finish(Result<int>(joined.error()));
}

Result<void> Run::Join(Launched launched) {
  net::Loop& loop = around_.loop;
  process_ =
      std::make_shared<Process>(loop, around_.pool, std::move(launched.started), weak_from_this());
  input_ =
      std::make_shared<InputPipe>(loop, std::move(launched.ours.in), order_.terminal.has_value());
  outputs_.push_back(std::make_shared<OutputPipe>(loop, std::move(launched.ours.out),
                                                  Output::kStdout, weak_from_this()));
  if (launched.ours.err) {
    outputs_.push_back(std::make_shared<OutputPipe>(loop, std::move(launched.ours.err),
                                                    Output::kStderr, weak_from_this()));
  }
  MK8S_RETURN_IF_ERROR(process_->Open());
  MK8S_RETURN_IF_ERROR(input_->Open());
  for (const auto& output : outputs_) MK8S_RETURN_IF_ERROR(output->Open());
  for (auto& [bytes, taken] : std::exchange(early_input_, {})) {
    input_->Write(std::move(bytes), std::move(taken));
  }
  if (order_.terminal) input_->Resize(*order_.terminal);
  if (input_ended_) input_->End();
  return {};
}

// --- input ---

void Run::Input(std::string bytes, std::function<void()> taken) {
  if (caller_ == nullptr || input_ended_) return taken();
  if (input_) return input_->Write(std::move(bytes), std::move(taken));
  early_input_.emplace_back(std::move(bytes), std::move(taken));
}

void Run::EndInput() {
  input_ended_ = true;
  if (input_) input_->End();
}

void Run::Resize(TerminalSize size) {
  if (!order_.terminal) return;
  order_.terminal = size;
  if (input_) input_->Resize(size);
}

// --- output and end ---

bool Run::OnOutput(Output which, std::string_view bytes) {
  if (caller_ == nullptr) return false;
  output_bytes_ += bytes.size();
  if (output_bytes_ > limits::kCommandOutputBytesMax) {
    Finish(Result<int>(
        MakeError(ErrorCode::kTooLarge,
                  "The command was ended: its output is larger than a command's may be.")));
    return false;
  }
  return caller_->OnOutput(which, bytes);
}

void Run::OnOutputEnd(Output) { FinishIfAllCame(); }

void Run::Resume() {
  for (const auto& output : std::vector(outputs_)) output->Resume();
}

void Run::OnListening(sandbox::OwnedFd listening) {
  if (caller_ != nullptr && listening) endpoint_->Adopt(std::move(listening));
}

void Run::OnExit(Result<int> code) {
  if (caller_ == nullptr) return;
  if (!code) {
    log::Warn("a command beside the agent failed", {{"error", code.error()}});
    return Finish(std::move(code));
  }
  exit_ = std::move(code);
  FinishIfAllCame();
}

// Output may still be in the pipes when the command has gone.
void Run::FinishIfAllCame() {
  if (!exit_) return;
  for (const auto& output : outputs_) {
    if (output->open()) return;
  }
  Finish(*exit_);
}

void Run::Finish(std::optional<Result<int>> outcome) {
  Caller* const caller = std::exchange(caller_, nullptr);
  if (caller == nullptr) return;
  const auto self = shared_from_this();
  CleanUp();
  if (outcome) caller->OnDone(*std::move(outcome));
}

void Run::CleanUp() {
  if (endpoint_) endpoint_->Close();
  if (input_) input_->Close();
  for (const auto& output : outputs_) output->Close();
  for (auto& [bytes, taken] : std::exchange(early_input_, {})) taken();
  // Let go of when nothing of the command runs any more.
  auto claim = std::exchange(claim_, nullptr);
  if (process_) process_->End([claim = std::move(claim)] {});
}

}  // namespace mk8s::command

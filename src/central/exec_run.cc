// See exec_run.h.
#include "central/exec_run.h"

#include "base/limits.h"
#include "central/cross_loop_session.h"
#include "mk8s/agent/v1/agent.pb.h"
#include "net/connection.h"
#include "net/loop.h"

namespace mk8s::central {
namespace {

namespace pb = mk8s::agent::v1;

constexpr std::string_view kExecuteCommand = "/mk8s.agent.v1.AgentService/ExecuteCommand";
constexpr std::string_view kSendCommandInput = "/mk8s.agent.v1.AgentService/SendCommandInput";
constexpr std::string_view kAuthority = "mk8s-agent";
// The agent takes input as the command reads it; one that reads none is ended by its own time.
constexpr std::chrono::milliseconds kInputDeadline{limits::kExecStreamTime};

Error Disconnected() {
  return MakeError(ErrorCode::kUnavailable, "the cluster's agent has just disconnected; try again");
}

// What the agent's status means to who asked for the command.
Error ForCaller(Error error) {
  switch (error.code) {
    case ErrorCode::kFailedPrecondition:  // no kubectl there, or no sandbox where one is required
      error.code = ErrorCode::kUnimplemented;
      break;
    case ErrorCode::kUnimplemented:
      error.message =
          "the cluster's mk8s-agent does not run commands; install kubectl and run mk8s kubectl on "
          "your machine";
      break;
    case ErrorCode::kDeadlineExceeded:
      error.message = "the command ran for longer than it may and was ended";
      break;
    default:
      break;
  }
  return error;
}

pb::TerminalSize ToMessage(const TerminalSize& size) {
  pb::TerminalSize message;
  message.set_columns(size.columns);
  message.set_rows(size.rows);
  return message;
}

}  // namespace

std::string EncodeCommandRequest(const std::string& command_id, ExecOrder order) {
  pb::CommandRequest request;
  request.set_command_id(command_id);
  for (std::string& word : order.command) request.add_argv(std::move(word));
  request.set_stdin(std::move(order.stdin_bytes));
  request.set_stdin_streamed(order.stdin_streamed);
  for (ExecFile& file : order.files) {
    pb::File* message = request.add_files();
    message->set_path(std::move(file.path));
    message->set_content(std::move(file.content));
  }
  if (order.terminal) *request.mutable_terminal() = ToMessage(*order.terminal);
  return request.SerializeAsString();
}

ExecRun::ExecRun(net::Loop& loop, std::shared_ptr<Tunnel> tunnel, std::string command_id)
    : loop_(loop), tunnel_(std::move(tunnel)), command_id_(std::move(command_id)), timer_(loop) {
  if (tunnel_->loop != &loop_) across_ = std::make_unique<CrossLoopSession>(loop_, tunnel_);
}

ExecRun::~ExecRun() = default;

http::ClientSession* ExecRun::Session() {
  if (across_) return across_.get();
  return tunnel_->connection->closed() ? nullptr : tunnel_->session;
}

void ExecRun::Start(std::string_view request, std::chrono::milliseconds time_max,
                    Callbacks callbacks) {
  callbacks_ = std::move(callbacks);
  http::ClientSession* session = Session();
  if (session == nullptr) {
    return loop_.AtEndOfTurn([self = shared_from_this()] { self->OnCallDone(Disconnected()); });
  }
  call_ = grpc::ServerStreamingCall(
      *session, timer_, kExecuteCommand, request,
      {.deadline = time_max, .authority = std::string(kAuthority)},
      {.on_message =
           [self = shared_from_this()](const std::string& message) { self->OnMessage(message); },
       .on_done =
           [self = shared_from_this()](const Result<void>& result) { self->OnCallDone(result); }});
}

void ExecRun::OnMessage(const std::string& message) {
  pb::CommandResponse response;
  if (!response.ParseFromString(message)) {
    call_->Cancel();
    return OnCallDone(MakeError(ErrorCode::kBadGateway, "the agent answered with no message"));
  }
  if (!std::exchange(started_, true)) SendNextInput();
  switch (response.event_case()) {
    case pb::CommandResponse::kStdout:
      if (done_) break;
      return callbacks_.on_output(ExecOutput::kStdout, std::move(*response.mutable_stdout()),
                                  message.size());
    case pb::CommandResponse::kStderr:
      if (done_) break;
      return callbacks_.on_output(ExecOutput::kStderr, std::move(*response.mutable_stderr()),
                                  message.size());
    case pb::CommandResponse::kExitCode:
      exit_code_ = response.exit_code();
      break;
    case pb::CommandResponse::EVENT_NOT_SET:
      break;
  }
  call_->Release(message.size());
}

void ExecRun::OnCallDone(const Result<void>& result) {
  if (std::exchange(done_, true)) return;
  const Callbacks callbacks = std::exchange(callbacks_, {});
  if (!result) return callbacks.on_done(ForCaller(result.error()));
  if (!exit_code_) {
    return callbacks.on_done(
        MakeError(ErrorCode::kBadGateway, "the command ended without an exit code"));
  }
  callbacks.on_done(*exit_code_);
}

void ExecRun::Input(ExecInput input) {
  if (done_) return;
  waiting_bytes_ += input.bytes.size();
  inputs_.push_back(std::move(input));
  SendNextInput();
}

// One piece at a time, so that they arrive in order and a command that reads nothing stops its
// caller.
void ExecRun::SendNextInput() {
  if (done_ || !started_ || input_under_way_ || inputs_.empty()) return;
  http::ClientSession* session = Session();
  if (session == nullptr) return;  // the call ends by itself
  input_under_way_ = true;
  const ExecInput input = std::move(inputs_.front());
  inputs_.pop_front();
  pb::CommandInput message;
  message.set_command_id(command_id_);
  switch (input.kind) {
    case ExecInput::Kind::kStdin:
      message.set_stdin(input.bytes);
      break;
    case ExecInput::Kind::kEof:
      message.set_eof(true);
      break;
    case ExecInput::Kind::kResize:
      *message.mutable_resize() = ToMessage(input.size);
      break;
  }
  // A refused piece (the command closed its stdin) is dropped like bytes to a closed pipe.
  grpc::UnaryCall(*session, timer_, kSendCommandInput, message.SerializeAsString(),
                  {.deadline = kInputDeadline, .authority = std::string(kAuthority)},
                  [weak = weak_from_this(), bytes = input.bytes.size()](const auto&) {
                    const auto self = weak.lock();
                    if (!self) return;
                    self->input_under_way_ = false;
                    self->waiting_bytes_ -= bytes;
                    if (self->done_) return;
                    self->SendNextInput();
                    self->callbacks_.on_input_taken();
                  });
}

void ExecRun::Release(std::size_t held_bytes) {
  if (call_) call_->Release(held_bytes);
}

void ExecRun::Cancel() {
  if (std::exchange(done_, true)) return;
  callbacks_ = {};
  if (call_) call_->Cancel();
}

}  // namespace mk8s::central

// See service.h.
#include "command/service.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "kube/command_check.h"
#include "mk8s/agent/v1/agent.pb.h"

namespace mk8s::command {
namespace {

namespace pb = mk8s::agent::v1;

constexpr std::string_view kExecuteCommand = "/mk8s.agent.v1.AgentService/ExecuteCommand";
constexpr std::string_view kSendCommandInput = "/mk8s.agent.v1.AgentService/SendCommandInput";

Error Malformed(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, std::move(message));
}

TerminalSize SizeOf(const pb::TerminalSize& message) {
  const auto bounded = [](std::uint32_t number) {
    return static_cast<std::uint16_t>(std::clamp<std::uint32_t>(number, 1, 10'000));
  };
  return {.columns = bounded(message.columns()), .rows = bounded(message.rows())};
}

// Central has checked all of this for the caller; the agent does not rely on it.
Result<Order> OrderOf(pb::CommandRequest& request) {
  if (request.command_id().empty()) return Malformed("A command has an id.");
  Order order{.id = request.command_id()};
  for (std::string& word : *request.mutable_argv()) order.arguments.push_back(std::move(word));
  MK8S_RETURN_IF_ERROR(kube::CheckCommandArguments(order.arguments));
  for (pb::File& file : *request.mutable_files()) {
    if (!sandbox::IsFilePath(file.path())) return Malformed("A file's path leaves its folder.");
    order.files.push_back({std::move(*file.mutable_path()), std::move(*file.mutable_content())});
  }
  if (request.has_terminal()) order.terminal = SizeOf(request.terminal());
  return order;
}

}  // namespace

// A run and the stream that its output goes to.
class Service::Call : public Caller, public std::enable_shared_from_this<Call> {
 public:
  Call(Service& service, std::string id, std::shared_ptr<grpc::ServerWriter> writer)
      : service_(service), id_(std::move(id)), writer_(std::move(writer)) {}

  void Start(Order order) {
    run_ = std::make_shared<Run>(service_.around_, std::move(order), *this);
    writer_->context().OnCancelled([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Cancel();
    });
    writer_->OnWritable([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->run_->Resume();
    });
    // Without an event: input may come now.
    writer_->Write(pb::CommandResponse().SerializeAsString());
    run_->Start();
  }
  Run& run() { return *run_; }

  bool OnOutput(Output which, std::string_view bytes) override {
    pb::CommandResponse response;
    (which == Output::kStdout ? response.mutable_stdout() : response.mutable_stderr())
        ->assign(bytes);
    return writer_->Write(response.SerializeAsString());
  }
  void OnDone(Result<int> code) override {
    const auto self = shared_from_this();
    service_.calls_.erase(id_);
    if (!code) return writer_->Finish(std::move(code).error());
    pb::CommandResponse response;
    response.set_exit_code(*code);
    writer_->Write(response.SerializeAsString());
    writer_->Finish({});
  }

 private:
  void Cancel() {
    const auto self = shared_from_this();
    service_.calls_.erase(id_);
    run_->Cancel();
  }

  Service& service_;
  const std::string id_;
  const std::shared_ptr<grpc::ServerWriter> writer_;
  std::shared_ptr<Run> run_;
};

Service::~Service() = default;

void Service::AddTo(grpc::Server& server) {
  server.SetMessageBytesMax(limits::kCommandMessageBytesMax);
  server.AddServerStreaming(
      std::string(kExecuteCommand),
      [this](const std::string& request, auto writer) { Execute(request, std::move(writer)); });
  server.AddUnary(std::string(kSendCommandInput),
                  [this](grpc::CallContext&, const std::string& request, grpc::Reply reply) {
                    TakeInput(request, std::move(reply));
                  });
}

void Service::Execute(const std::string& bytes, std::shared_ptr<grpc::ServerWriter> writer) {
  pb::CommandRequest request;
  if (!request.ParseFromString(bytes)) return writer->Finish(Malformed("No command can be read."));
  std::string input = std::move(*request.mutable_stdin());
  const bool streamed = request.stdin_streamed();
  Result<Order> order = OrderOf(request);
  if (!order) return writer->Finish(order.error());
  const std::string id = order->id;
  if (calls_.contains(id)) {
    return writer->Finish(MakeError(ErrorCode::kAlreadyExists, "A command of that id runs."));
  }
  auto call = std::make_shared<Call>(*this, id, std::move(writer));
  calls_.emplace(id, call);
  call->Start(*std::move(order));
  if (!input.empty()) call->run().Input(std::move(input), [] {});
  if (!streamed) call->run().EndInput();
}

void Service::TakeInput(const std::string& bytes, grpc::Reply reply) {
  pb::CommandInput message;
  if (!message.ParseFromString(bytes)) return reply(Malformed("No input can be read."));
  const auto found = calls_.find(message.command_id());
  if (found == calls_.end()) {
    return reply(MakeError(ErrorCode::kNotFound, "The command has ended."));
  }
  Run& run = found->second->run();
  const auto taken = [reply] { reply(pb::CommandInputResponse().SerializeAsString()); };
  switch (message.event_case()) {
    case pb::CommandInput::kStdin:
      return run.Input(std::move(*message.mutable_stdin()), taken);
    case pb::CommandInput::kEof:
      run.EndInput();
      break;
    case pb::CommandInput::kResize:
      run.Resize(SizeOf(message.resize()));
      break;
    case pb::CommandInput::EVENT_NOT_SET:
      break;
  }
  taken();
}

}  // namespace mk8s::command

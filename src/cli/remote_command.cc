// See remote_command.h.
#include "cli/remote_command.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>

#include "base/encoding.h"
#include "base/limits.h"

namespace mk8s::cli {
namespace {

namespace json = boost::json;

constexpr auto kClient = http::WebSocketRole::kClient;
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
// Central's messages are pieces of output; none is near this.
constexpr std::size_t kMessageBytesMax = 32 * 1024 * 1024;
constexpr std::size_t kInputPieceBytes = 32 * 1024;
// After Ctrl-C: how long central gets to end the command before we leave all the same.
constexpr std::chrono::seconds kLeave{2};

}  // namespace

TerminalSize CurrentTerminalSize() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    return {};
  }
  return {size.ws_col, size.ws_row};
}

std::string ExecOrderMessage(const PackedCommand& command,
                             const std::optional<TerminalSize>& size) {
  json::object order;
  order["command"] = json::value_from(command.arguments);
  if (!command.reads_stdin) order["stdin"] = "";
  if (!command.files.empty()) {
    json::array files;
    for (const PackedFile& file : command.files) {
      files.push_back(
          json::object{{"path", file.path}, {"content_base64", Base64Encode(file.content)}});
    }
    order["files"] = std::move(files);
  }
  if (size) {
    order["tty"] = true;
    order["columns"] = size->columns;
    order["rows"] = size->rows;
  }
  return json::serialize(order);
}

// Standard input, read when there is room for it.  The descriptor stays as it is, since it may be
// shared with others: before each read poll says that it will not block.
class RemoteCommand::Input : public net::Descriptor {
 public:
  explicit Input(RemoteCommand& command) : command_(&command) {}

  void Start(net::Loop& loop, std::shared_ptr<Input> self) {
    // epoll knows no regular files, and they are always ready.
    registered_ = loop.Register(STDIN_FILENO, std::move(self));
    Read();
  }
  void Stop(net::Loop& loop) {
    command_ = nullptr;
    if (registered_) loop.Unregister(STDIN_FILENO);
    registered_ = false;
  }
  void Read() {
    char piece[kInputPieceBytes];
    while (command_ != nullptr && !ended_ && command_->InputHasRoom()) {
      pollfd ready{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, 0) <= 0 || ready.revents == 0) return;
      const ssize_t count = ::read(STDIN_FILENO, piece, sizeof piece);
      if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
      if (count > 0) {
        command_->OnInput({piece, static_cast<std::size_t>(count)});
      } else {
        ended_ = true;
        command_->OnInputEnd();
      }
    }
  }
  void OnReady(Readiness) override { Read(); }
  void OnLoopStopped() override {}

 private:
  RemoteCommand* command_;
  bool registered_ = false;
  bool ended_ = false;
};

class RemoteCommand::Signals : public net::Descriptor {
 public:
  explicit Signals(RemoteCommand& command) : command_(&command) {
    sigemptyset(&taken_);
    for (const int number : kSignals) sigaddset(&taken_, number);
    pthread_sigmask(SIG_BLOCK, &taken_, &before_);
    descriptor_ = ::signalfd(-1, &taken_, SFD_NONBLOCK | SFD_CLOEXEC);
  }
  ~Signals() override {
    if (descriptor_ >= 0) ::close(descriptor_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  void Start(net::Loop& loop, std::shared_ptr<Signals> self) {
    if (descriptor_ >= 0) loop.Register(descriptor_, std::move(self));
  }
  void Stop(net::Loop& loop) {
    command_ = nullptr;
    if (descriptor_ >= 0) loop.Unregister(descriptor_);
  }
  void OnReady(Readiness) override {
    signalfd_siginfo facts{};
    while (::read(descriptor_, &facts, sizeof facts) == sizeof facts && command_ != nullptr) {
      command_->OnSignal(static_cast<int>(facts.ssi_signo));
    }
  }
  void OnLoopStopped() override {}

 private:
  RemoteCommand* command_;
  sigset_t taken_{}, before_{};
  int descriptor_ = -1;
};

RemoteCommand::RemoteCommand(std::string first_message, bool streams_stdin, bool terminal,
                             std::ostream& out, std::ostream& err)
    : streams_stdin_(streams_stdin),
      terminal_(terminal),
      out_(out),
      err_(err),
      reader_(kClient, kMessageBytesMax),
      unsent_(http::WebSocketFrame(kClient, http::WebSocketOpcode::kText, first_message)),
      signals_(std::make_shared<Signals>(*this)) {}

RemoteCommand::~RemoteCommand() = default;

void RemoteCommand::OnStart(net::Loop& loop) {
  loop_ = &loop;
  signals_->Start(loop, signals_);
}

void RemoteCommand::OnOpen(std::shared_ptr<http::Stream> stream) {
  stream_ = std::move(stream);
  if (terminal_) raw_.emplace(RawTerminal::Mode::kRaw);
  SendMore();
  if (!streams_stdin_) return;
  input_ = std::make_shared<Input>(*this);
  input_->Start(*loop_, input_);
}

void RemoteCommand::OnBytes(std::string_view bytes) {
  stream_->Consume(bytes.size());
  if (done_) return;
  if (!reader_.Push(bytes, [this](const http::WebSocketMessage& message) { OnMessage(message); })) {
    Fail(MakeError(ErrorCode::kBadGateway, "central broke the WebSocket's protocol"));
  }
}

void RemoteCommand::OnMessage(const http::WebSocketMessage& message) {
  if (done_) return;
  switch (message.opcode) {
    case http::WebSocketOpcode::kText:
      return OnText(message.payload);
    case http::WebSocketOpcode::kPing:
      unsent_ += http::WebSocketFrame(kClient, http::WebSocketOpcode::kPong, message.payload);
      return SendMore();
    case http::WebSocketOpcode::kClose:
      return OnClosed();
    default:
      return;
  }
}

void RemoteCommand::OnText(const std::string& text) {
  boost::system::error_code failure;
  const json::value value = json::parse(text, failure);
  const auto text_of = [](const json::object& object, std::string_view key) -> std::string {
    const json::value* member = object.if_contains(key);
    return member && member->is_string() ? std::string(member->get_string()) : "";
  };
  if (failure || !value.is_object()) return;
  const json::object& object = value.get_object();
  const std::string type = text_of(object, "type");
  if (type == "stdout" || type == "stderr") {
    std::ostream& to = type == "stdout" ? out_ : err_;
    to << Base64Decode(text_of(object, "data_base64")).value_or("") << std::flush;
    // Nobody reads any more, as with `| head`.
    if (!to) Fail(MakeError(ErrorCode::kCancelled, "the output cannot be written"));
  } else if (type == "exit") {
    const json::value* code = object.if_contains("exit_code");
    if (!ended_)
      end_.exit_code = code && code->is_int64() ? static_cast<int>(code->get_int64()) : 1;
    ended_ = true;
  } else if (type == "error" && !ended_) {
    const json::value* error = object.if_contains("error");
    const json::object none;
    const json::object& why = error && error->is_object() ? error->get_object() : none;
    ErrorCode code = ErrorCode::kInternal;
    for (const ErrorCode known : kAllErrorCodes) {
      if (Name(known) == text_of(why, "code")) code = known;
    }
    ended_ = true;
    failure_ =
        MakeError(code, text_of(why, "message") + "\n  request id: " + text_of(why, "request_id"));
  }
}

void RemoteCommand::OnSent(std::size_t bytes) {
  in_flight_bytes_ -= std::min(bytes, in_flight_bytes_);
  SendMore();
  if (input_) input_->Read();
}

// In pieces: the first message may hold many files.
void RemoteCommand::SendMore() {
  while (unsent_from_ < unsent_.size() && in_flight_bytes_ < limits::kSendQueueBytes) {
    const auto piece = std::string_view(unsent_).substr(unsent_from_, limits::kFrameBytesMax);
    unsent_from_ += piece.size();
    in_flight_bytes_ += piece.size();
    stream_->SendBody(piece);
  }
  if (unsent_from_ < unsent_.size()) return;
  unsent_.clear();
  unsent_from_ = 0;
}

void RemoteCommand::SendText(std::string_view text) {
  unsent_ += http::WebSocketFrame(kClient, http::WebSocketOpcode::kText, text);
  SendMore();
}

bool RemoteCommand::InputHasRoom() const {
  return !done_ && unsent_.empty() && in_flight_bytes_ < limits::kSendQueueBytes;
}

void RemoteCommand::OnInput(std::string_view bytes) {
  SendText(R"({"type":"stdin","data_base64":")" + Base64Encode(bytes) + "\"}");
}

void RemoteCommand::OnInputEnd() { SendText(R"({"type":"eof"})"); }

void RemoteCommand::OnSignal(int number) {
  if (number == SIGWINCH) {
    if (!terminal_ || !stream_) return;
    const TerminalSize size = CurrentTerminalSize();
    return SendText(json::serialize(
        json::object{{"type", "resize"}, {"columns", size.columns}, {"rows", size.rows}}));
  }
  const bool again = end_.signal != 0;
  end_ = {128 + number, number};
  ended_ = true;
  failure_.reset();
  if (again || !stream_) return OnClosed();
  unsent_ += http::WebSocketClose(kClient, http::kCloseGoingAway);
  SendMore();
  leave_ = loop_->After(kLeave, [this] { OnClosed(); });
}

void RemoteCommand::OnClosed() {
  if (done_) return;
  done_ = true;
  raw_.reset();
  leave_.Cancel();
  if (input_) input_->Stop(*loop_);
  signals_->Stop(*loop_);
}

void RemoteCommand::Fail(Error why) {
  ended_ = true;
  failure_ = std::move(why);
  OnClosed();
}

Result<RemoteEnd> RemoteCommand::End() const {
  if (failure_) return *failure_;
  if (ended_) return end_;
  return MakeError(ErrorCode::kUnavailable,
                   "the connection to central was lost; whether the command took effect is not "
                   "known");
}

}  // namespace mk8s::cli

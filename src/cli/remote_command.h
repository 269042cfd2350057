// A command that runs beside the agent, at the person's end: its WebSocket with central, the
// standard streams, the terminal and the signals of this process.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/exec_files.h"
#include "cli/raw_terminal.h"
#include "http/websocket.h"
#include "net/blocking_upgrade.h"

namespace mk8s::cli {

struct TerminalSize {
  int columns = 80;
  int rows = 24;
};
/// Of standard output's terminal.
TerminalSize CurrentTerminalSize();

/// The WebSocket's first message.  `size`: a terminal is asked for.
std::string ExecOrderMessage(const PackedCommand& command, const std::optional<TerminalSize>& size);

struct RemoteEnd {
  int exit_code = 0;
  int signal = 0;  // not 0: the person ended it by this
};

/// One thread.  While one lives, SIGINT, SIGTERM, SIGHUP and SIGWINCH come to it: the first of them
/// that would end the process ends the command, the second leaves without waiting for that.
class RemoteCommand : public net::UpgradeHandler {
 public:
  /// `first_message` is ExecOrderMessage's.  `streams_stdin`: standard input follows it.
  /// `terminal`: the command has one, and this process's is raw while it runs.
  RemoteCommand(std::string first_message, bool streams_stdin, bool terminal, std::ostream& out,
                std::ostream& err);
  ~RemoteCommand() override;

  void OnStart(net::Loop& loop) override;
  void OnOpen(std::shared_ptr<http::Stream> stream) override;
  void OnBytes(std::string_view bytes) override;
  void OnSent(std::size_t bytes) override;
  void OnClosed() override;
  bool Done() const override { return done_; }

  /// How it ended, once the upgrade ran.  Errors: central's own; kUnavailable when the connection
  /// broke.
  Result<RemoteEnd> End() const;

 private:
  class Input;
  class Signals;

  void OnMessage(const http::WebSocketMessage& message);
  void OnText(const std::string& text);
  void SendText(std::string_view text);
  void SendMore();
  bool InputHasRoom() const;
  void OnInput(std::string_view bytes);
  void OnInputEnd();
  void OnSignal(int number);
  void Fail(Error why);

  const bool streams_stdin_;
  const bool terminal_;
  std::ostream& out_;
  std::ostream& err_;
  net::Loop* loop_ = nullptr;
  std::shared_ptr<http::Stream> stream_;
  http::WebSocketReader reader_;
  std::string unsent_;
  std::size_t unsent_from_ = 0;
  std::size_t in_flight_bytes_ = 0;
  std::shared_ptr<Input> input_;
  std::shared_ptr<Signals> signals_;
  std::optional<RawTerminal> raw_;
  net::Timer leave_;
  RemoteEnd end_;
  bool ended_ = false;  // end_ holds, or failure_
  std::optional<Error> failure_;
  bool done_ = false;
};

}  // namespace mk8s::cli

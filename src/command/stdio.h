// A command's input and output as descriptors of a loop: pipes, or a terminal.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/loop.h"
#include "sandbox/launch.h"

namespace mk8s::command {

struct TerminalSize {
  std::uint16_t columns = 80;
  std::uint16_t rows = 24;
};

/// Both ends of what a command reads and writes.  `ours` do not block.  Of a terminal `err` is
/// empty on our side: all output comes from `out`.
struct StdioPair {
  struct Ends {
    sandbox::OwnedFd in, out, err;
  };
  Ends ours;
  Ends theirs;
};

/// Errors of both: kUnavailable.
Result<StdioPair> OpenPipes();
Result<StdioPair> OpenTerminal(TerminalSize size);
/// The command hears of it by SIGWINCH.
void SetTerminalSize(int fd, TerminalSize size);

enum class Output { kStdout, kStderr };

class OutputReader {
 public:
  virtual ~OutputReader() = default;
  /// At most limits::kCommandChunkBytes.  False: no more until Resume.
  virtual bool OnOutput(Output which, std::string_view bytes) = 0;
  /// No process holds the other end any more.
  virtual void OnOutputEnd(Output which) = 0;
};

/// Reads an output as fast as its reader takes it.  Loop thread only.
class OutputPipe : public net::Descriptor, public std::enable_shared_from_this<OutputPipe> {
 public:
  OutputPipe(net::Loop& loop, sandbox::OwnedFd fd, Output which, std::weak_ptr<OutputReader> reader)
      : loop_(loop), fd_(std::move(fd)), which_(which), reader_(std::move(reader)) {}

  /// Error: kUnavailable.
  Result<void> Open();
  void Resume();
  void Close();
  bool open() const { return static_cast<bool>(fd_); }

  void OnReady(Readiness ready) override;
  void OnLoopStopped() override { Close(); }

 private:
  void Read();

  net::Loop& loop_;
  sandbox::OwnedFd fd_;
  const Output which_;
  const std::weak_ptr<OutputReader> reader_;
  bool paused_ = false;
};

/// Writes a command's input as fast as it reads.  Loop thread only.
class InputPipe : public net::Descriptor, public std::enable_shared_from_this<InputPipe> {
 public:
  /// `terminal`: the end of input is a character, and the descriptor stays open for the size.
  InputPipe(net::Loop& loop, sandbox::OwnedFd fd, bool terminal)
      : loop_(loop), fd_(std::move(fd)), terminal_(terminal) {}

  /// Error: kUnavailable.
  Result<void> Open();
  /// `taken` runs once the command, or its pipe, has all of it; also if it closed its input: then
  /// the bytes are lost as they are on any pipe.
  void Write(std::string bytes, std::function<void()> taken);
  /// Behind what was written.
  void End();
  void Resize(TerminalSize size);
  void Close();

  void OnReady(Readiness ready) override;
  void OnLoopStopped() override { Close(); }

 private:
  struct Piece {
    std::string bytes;
    std::function<void()> taken;
    std::size_t written = 0;
  };
  void Flush();
  void Drop();

  net::Loop& loop_;
  sandbox::OwnedFd fd_;
  const bool terminal_;
  std::deque<Piece> pieces_;
  bool broken_ = false;  // nobody reads it any more
  bool ending_ = false;
};

}  // namespace mk8s::command

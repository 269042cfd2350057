// See stdio.h.
#include "command/stdio.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/limits.h"

namespace mk8s::command {
namespace {

using sandbox::OwnedFd;

constexpr char kEndOfInput = 4;  // VEOF of a new terminal

Error NoDescriptor(const char* what) {
  return MakeError(ErrorCode::kUnavailable, "The agent cannot start a command now.",
                   std::string(what) + ": " + std::strerror(errno));
}

Error NotWatched() {
  return MakeError(ErrorCode::kUnavailable, "The agent cannot start a command now.",
                   "the loop takes no more descriptors");
}

void SetNonBlocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

bool Pipe(OwnedFd& read_end, OwnedFd& write_end) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  read_end = OwnedFd(ends[0]);
  write_end = OwnedFd(ends[1]);
  return true;
}

OwnedFd Duplicate(const OwnedFd& fd) { return OwnedFd(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)); }

}  // namespace

Result<StdioPair> OpenPipes() {
  StdioPair pair;
  if (!Pipe(pair.theirs.in, pair.ours.in) || !Pipe(pair.ours.out, pair.theirs.out) ||
      !Pipe(pair.ours.err, pair.theirs.err)) {
    return NoDescriptor("pipe");
  }
  for (const OwnedFd* fd : {&pair.ours.in, &pair.ours.out, &pair.ours.err}) {
    SetNonBlocking(fd->get());
  }
  return pair;
}

Result<StdioPair> OpenTerminal(TerminalSize size) {
  StdioPair pair;
  pair.ours.in = OwnedFd(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  std::array<char, 64> name{};
  if (!pair.ours.in || grantpt(pair.ours.in.get()) != 0 || unlockpt(pair.ours.in.get()) != 0 ||
      ptsname_r(pair.ours.in.get(), name.data(), name.size()) != 0) {
    return NoDescriptor("no terminal");
  }
  pair.theirs.in = OwnedFd(open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  pair.theirs.out = Duplicate(pair.theirs.in);
  pair.theirs.err = Duplicate(pair.theirs.in);
  pair.ours.out = Duplicate(pair.ours.in);
  if (!pair.theirs.in || !pair.theirs.out || !pair.theirs.err || !pair.ours.out) {
    return NoDescriptor("no terminal");
  }
  SetNonBlocking(pair.ours.in.get());  // the duplicate shares it
  SetTerminalSize(pair.ours.in.get(), size);
  return pair;
}

void SetTerminalSize(int fd, TerminalSize size) {
  winsize window{};
  window.ws_col = size.columns;
  window.ws_row = size.rows;
  ioctl(fd, TIOCSWINSZ, &window);
}

// --- output ---

Result<void> OutputPipe::Open() {
  if (!loop_.Register(fd_.get(), shared_from_this())) return NotWatched();
  return {};
}

void OutputPipe::OnReady(Readiness) {
  if (!paused_) Read();
}

void OutputPipe::Resume() {
  if (std::exchange(paused_, false)) Read();
}

void OutputPipe::Read() {
  thread_local std::array<char, limits::kCommandChunkBytes> buffer;
  while (fd_ && !paused_) {
    const ssize_t got = read(fd_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    const auto reader = reader_.lock();
    if (!reader) return Close();
    if (got <= 0) {  // EIO: the terminal's last user has gone
      Close();
      return reader->OnOutputEnd(which_);
    }
    paused_ = !reader->OnOutput(which_, {buffer.data(), static_cast<std::size_t>(got)});
  }
}

void OutputPipe::Close() {
  if (!fd_) return;
  loop_.Unregister(fd_.get());
  fd_.Close();
}

// --- input ---

Result<void> InputPipe::Open() {
  if (!loop_.Register(fd_.get(), shared_from_this())) return NotWatched();
  return {};
}

void InputPipe::Write(std::string bytes, std::function<void()> taken) {
  pieces_.push_back({std::move(bytes), std::move(taken)});
  Flush();
}

void InputPipe::End() {
  if (std::exchange(ending_, true)) return;
  if (terminal_) pieces_.push_back({std::string(1, kEndOfInput), nullptr});
  Flush();
}

void InputPipe::Resize(TerminalSize size) {
  if (fd_) SetTerminalSize(fd_.get(), size);
}

void InputPipe::OnReady(Readiness ready) {
  if (ready.error && !terminal_) broken_ = true;
  Flush();
}

void InputPipe::Flush() {
  while (fd_ && !broken_ && !pieces_.empty()) {
    Piece& piece = pieces_.front();
    if (piece.written < piece.bytes.size()) {
      const ssize_t put =
          write(fd_.get(), piece.bytes.data() + piece.written, piece.bytes.size() - piece.written);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0 && errno == EAGAIN) return;
      if (put < 0) {
        broken_ = true;
        break;
      }
      piece.written += static_cast<std::size_t>(put);
      if (piece.written < piece.bytes.size()) continue;
    }
    const auto taken = std::move(piece.taken);
    pieces_.pop_front();
    if (taken) taken();
  }
  if (!fd_ || broken_) return Drop();
  if (ending_ && !terminal_) Close();
}

void InputPipe::Drop() {
  for (const Piece& piece : std::exchange(pieces_, {})) {
    if (piece.taken) piece.taken();
  }
}

void InputPipe::Close() {
  if (!fd_) return;
  loop_.Unregister(fd_.get());
  fd_.Close();
  Drop();
}

}  // namespace mk8s::command

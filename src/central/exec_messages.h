// What callers of POST /clusters/{id}/exec and mk8s say to each other (contract.md): the order to
// run a command, its input, its output; as JSON bodies, server-sent events and WebSocket messages.
// Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mk8s::central {

struct TerminalSize {
  std::uint32_t columns = 80;
  std::uint32_t rows = 24;
};

struct ExecFile {
  std::string path;  // as the caller wrote it: the agent holds it to its folder
  std::string content;
};

struct ExecOrder {
  std::vector<std::string> command;  // kubectl's arguments, at least one
  std::string stdin_bytes;
  bool stdin_streamed = false;  // more comes as ExecInput
  std::vector<ExecFile> files;
  std::optional<TerminalSize> terminal;
};

/// The body.  `interactive`: it came as a WebSocket's first message, so that without "stdin" input
/// follows, and a terminal may be asked for.  Errors: kInvalidArgument, naming the member;
/// kTooLarge.
Result<ExecOrder> ParseExecOrder(std::string_view body, bool interactive);

struct ExecInput {
  enum class Kind { kStdin, kEof, kResize };
  Kind kind = Kind::kStdin;
  std::string bytes;
  TerminalSize size;
};

/// A WebSocket's later message.  Error: kInvalidArgument.
Result<ExecInput> ParseExecInput(std::string_view message);

enum class ExecOutput { kStdout, kStderr };

/// {"output","stderr","exit_code"}.  JSON holds text: bytes that are no UTF-8 become U+FFFD.
std::string RenderExecAnswer(std::string_view output, std::string_view errors, int exit_code);

/// The end of a stream that no exit code ends.
struct ExecFailure {
  std::string_view code;  // of the error, in its JSON name
  std::string_view message;
  std::string_view request_id;
};

// Server-sent events (HTML, section 9.2), each whole.
std::string ExecOutputEvent(ExecOutput which, std::string_view bytes);
std::string ExecExitEvent(int exit_code);
std::string ExecFailureEvent(const ExecFailure& failure);

// The same as WebSocket messages.
std::string ExecOutputMessage(ExecOutput which, std::string_view bytes);
std::string ExecExitMessage(int exit_code);
std::string ExecFailureMessage(const ExecFailure& failure);

}  // namespace mk8s::central

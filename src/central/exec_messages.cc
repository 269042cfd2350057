// See exec_messages.h.
#include "central/exec_messages.h"

#include <boost/json.hpp>

#include "base/encoding.h"
#include "base/limits.h"
#include "base/text.h"

namespace mk8s::central {
namespace {

namespace json = boost::json;

constexpr std::uint32_t kTerminalCellsMax = 10'000;  // columns or rows; no terminal has more

Error Bad(std::string_view key, std::string_view what) {
  return MakeError(ErrorCode::kInvalidArgument, std::string(key) + ": " + std::string(what));
}

Result<json::object> ParseObject(std::string_view text) {
  json::parse_options options;
  options.max_depth = limits::kJsonDepthMax;
  boost::system::error_code failure;
  json::value value = json::parse(text, failure, {}, options);
  if (failure || !value.is_object()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     R"(the body must be a JSON object such as {"command":["get","pods"]})",
                     failure.message());
  }
  return std::move(value.get_object());
}

Result<std::string_view> Text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return Bad(key, "must be a string");
  return std::string_view(value->get_string());
}

Result<std::string> Bytes(const json::object& object, std::string_view key) {
  MK8S_ASSIGN_OR_RETURN(const std::string_view text, Text(object, key));
  Result<std::string> bytes = Base64Decode(text);
  if (!bytes) return Bad(key, "must be base64 with padding");
  return bytes;
}

Result<std::uint32_t> Cells(const json::object& object, std::string_view key,
                            std::uint32_t missing) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return missing;
  if (!value->is_int64() || value->get_int64() < 1 || value->get_int64() > kTerminalCellsMax) {
    return Bad(key, "must be a number from 1 to " + std::to_string(kTerminalCellsMax));
  }
  return static_cast<std::uint32_t>(value->get_int64());
}

Result<TerminalSize> Size(const json::object& object) {
  TerminalSize size;
  MK8S_ASSIGN_OR_RETURN(size.columns, Cells(object, "columns", size.columns));
  MK8S_ASSIGN_OR_RETURN(size.rows, Cells(object, "rows", size.rows));
  return size;
}

Result<std::vector<std::string>> Command(const json::object& object) {
  constexpr std::string_view kKey = "command";
  const json::value* value = object.if_contains(kKey);
  if (value == nullptr || !value->is_array() || value->get_array().empty()) {
    return Bad(kKey, R"(must be kubectl's arguments, such as ["get","pods"])");
  }
  if (value->get_array().size() > limits::kExecArgumentsMax) {
    return Bad(kKey, "at most " + std::to_string(limits::kExecArgumentsMax) + " arguments");
  }
  std::vector<std::string> command;
  std::size_t bytes = 0;
  for (const json::value& word : value->get_array()) {
    if (!word.is_string()) return Bad(kKey, "must be strings");
    command.emplace_back(std::string_view(word.get_string()));
    bytes += command.back().size();
  }
  if (bytes > limits::kExecArgumentsBytesMax) {
    return Bad(kKey, "at most " + std::to_string(limits::kExecArgumentsBytesMax / 1024) + " KiB");
  }
  return command;
}

Result<std::vector<ExecFile>> Files(const json::object& object) {
  constexpr std::string_view kKey = "files";
  const json::value* value = object.if_contains(kKey);
  if (value == nullptr) return std::vector<ExecFile>();
  if (!value->is_array()) return Bad(kKey, "must be a list of {path, content_base64}");
  if (value->get_array().size() > limits::kExecFilesMax) {
    return Bad(kKey, "at most " + std::to_string(limits::kExecFilesMax) + " files");
  }
  std::vector<ExecFile> files;
  for (const json::value& entry : value->get_array()) {
    if (!entry.is_object()) return Bad(kKey, "must be a list of {path, content_base64}");
    MK8S_ASSIGN_OR_RETURN(const std::string_view path, Text(entry.get_object(), "path"));
    if (path.empty() || path.find('\0') != std::string_view::npos) {
      return Bad("path", "must name a file below the command's folder");
    }
    MK8S_ASSIGN_OR_RETURN(std::string content, Bytes(entry.get_object(), "content_base64"));
    files.push_back({std::string(path), std::move(content)});
  }
  return files;
}

std::string_view NameOf(ExecOutput which) {
  return which == ExecOutput::kStdout ? "stdout" : "stderr";
}

std::string OutputJson(std::string_view bytes, std::string_view type) {
  // By hand: base64 needs no escapes, and this is the way of all output.
  std::string text = "{";
  if (!type.empty()) text.append("\"type\":\"").append(type).append("\",");
  return text.append("\"data_base64\":\"").append(Base64Encode(bytes)).append("\"}");
}

std::string Event(std::string_view name, std::string_view json) {
  std::string text = "event: ";
  return text.append(name).append("\ndata: ").append(json).append("\n\n");
}

json::object ErrorObject(const ExecFailure& failure) {
  return {{"code", failure.code}, {"message", failure.message}, {"request_id", failure.request_id}};
}

// Replaces what is no UTF-8, byte by byte.
std::string AsText(std::string_view bytes) {
  if (IsUtf8(bytes)) return std::string(bytes);
  std::string text;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto lead = static_cast<unsigned char>(bytes[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const std::string_view character = bytes.substr(at, length);
    if (character.size() == length && IsUtf8(character)) {
      text += character;
      at += length;
    } else {
      text += "\xef\xbf\xbd";
      ++at;
    }
  }
  return text;
}

}  // namespace

Result<ExecOrder> ParseExecOrder(std::string_view body, bool interactive) {
  MK8S_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  for (const auto& member : object) {
    const std::string_view key = member.key();
    if (key != "command" && key != "stdin" && key != "files" && key != "tty" && key != "columns" &&
        key != "rows") {
      return Bad(Printable(key, 64), "there is no such member here");
    }
  }
  ExecOrder order;
  MK8S_ASSIGN_OR_RETURN(order.command, Command(object));
  MK8S_ASSIGN_OR_RETURN(order.files, Files(object));
  const json::value* given = object.if_contains("stdin");
  order.stdin_streamed = interactive && given == nullptr;
  if (given != nullptr) {
    MK8S_ASSIGN_OR_RETURN(const std::string_view text, Text(object, "stdin"));
    order.stdin_bytes = text;
  }
  if (const json::value* tty = object.if_contains("tty")) {
    if (!tty->is_bool()) return Bad("tty", "must be true or false");
    if (tty->get_bool() && !interactive) return Bad("tty", "a terminal needs a WebSocket");
    MK8S_ASSIGN_OR_RETURN(const TerminalSize size, Size(object));
    if (tty->get_bool()) order.terminal = size;
  }
  std::size_t input_bytes = order.stdin_bytes.size();
  for (const ExecFile& file : order.files) input_bytes += file.path.size() + file.content.size();
  if (input_bytes > limits::kExecInputBytesMax) {
    return MakeError(ErrorCode::kTooLarge,
                     "files and stdin are over " +
                         std::to_string(limits::kExecInputBytesMax / 1024 / 1024) +
                         " MiB; run it with mk8s kubectl on your machine");
  }
  return order;
}

Result<ExecInput> ParseExecInput(std::string_view message) {
  MK8S_ASSIGN_OR_RETURN(const json::object object, ParseObject(message));
  MK8S_ASSIGN_OR_RETURN(const std::string_view type, Text(object, "type"));
  ExecInput input;
  if (type == "stdin") {
    MK8S_ASSIGN_OR_RETURN(input.bytes, Bytes(object, "data_base64"));
    return input;
  }
  if (type == "eof") {
    input.kind = ExecInput::Kind::kEof;
    return input;
  }
  if (type == "resize") {
    input.kind = ExecInput::Kind::kResize;
    MK8S_ASSIGN_OR_RETURN(input.size, Size(object));
    return input;
  }
  return Bad("type", "must be stdin, eof or resize");
}

std::string RenderExecAnswer(std::string_view output, std::string_view errors, int exit_code) {
  return json::serialize(json::object{
      {"output", AsText(output)}, {"stderr", AsText(errors)}, {"exit_code", exit_code}});
}

std::string ExecOutputEvent(ExecOutput which, std::string_view bytes) {
  return Event(NameOf(which), OutputJson(bytes, {}));
}

std::string ExecExitEvent(int exit_code) {
  return Event("exit", json::serialize(json::object{{"exit_code", exit_code}}));
}

std::string ExecFailureEvent(const ExecFailure& failure) {
  return Event("error", json::serialize(json::object{{"error", ErrorObject(failure)}}));
}

std::string ExecOutputMessage(ExecOutput which, std::string_view bytes) {
  return OutputJson(bytes, NameOf(which));
}

std::string ExecExitMessage(int exit_code) {
  return json::serialize(json::object{{"type", "exit"}, {"exit_code", exit_code}});
}

std::string ExecFailureMessage(const ExecFailure& failure) {
  return json::serialize(json::object{{"type", "error"}, {"error", ErrorObject(failure)}});
}

}  // namespace mk8s::central

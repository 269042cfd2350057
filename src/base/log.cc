// See log.h.  spdlog brings the locked sink; the JSON is ours so that every value is escaped.
#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/clock.h"
#include "base/text.h"

namespace mk8s::log {
namespace {

spdlog::logger& Logger() {
  static const auto logger = [] {
    auto made =
        std::make_shared<spdlog::logger>("mk8s", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

void Write(spdlog::level::level_enum level, std::string_view name, std::string_view message,
           Fields fields) {
  if (!Logger().should_log(level)) return;
  std::string line = "{\"time\":\"" + FormatTime(SystemClock().Now()) + "\",\"level\":\"";
  line.append(name).append("\",\"message\":").append(JsonString(message));
  for (const Field& field : fields) {
    line.append(",").append(JsonString(field.key())).append(":").append(field.json());
  }
  Logger().log(level, "{}", line + "}");
}

}  // namespace

Field::Field(std::string_view key, std::string_view value) : key_(key), json_(JsonString(value)) {}
Field::Field(std::string_view key, bool value) : key_(key), json_(value ? "true" : "false") {}
Field::Field(std::string_view key, const Error& error)
    : key_(key),
      json_(JsonString(error.detail.empty() ? error.message
                                            : error.message + " (" + error.detail + ")")) {}

void SetLevel(Level level) {
  switch (level) {
    case Level::kDebug:
      return Logger().set_level(spdlog::level::debug);
    case Level::kInfo:
      return Logger().set_level(spdlog::level::info);
    case Level::kWarn:
      return Logger().set_level(spdlog::level::warn);
    case Level::kError:
      return Logger().set_level(spdlog::level::err);
  }
}

void Debug(std::string_view message, Fields fields) {
  Write(spdlog::level::debug, "debug", message, fields);
}
void Info(std::string_view message, Fields fields) {
  Write(spdlog::level::info, "info", message, fields);
}
void Warn(std::string_view message, Fields fields) {
  Write(spdlog::level::warn, "warn", message, fields);
}
void Err(std::string_view message, Fields fields) {
  Write(spdlog::level::err, "error", message, fields);
}

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (char c : Printable(text, 16384)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace mk8s::log

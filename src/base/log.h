// Structured log: one JSON object a line on standard error.  Thread-safe.
//   log::Info("agent connected", {{"cluster", name}, {"epoch", epoch}});
// Never pass a Secret's Reveal(); values are escaped, so they cannot fake a line.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/error.h"

namespace mk8s::log {

enum class Level { kDebug, kInfo, kWarn, kError };

class Field {
 public:
  Field(std::string_view key, std::string_view value);
  Field(std::string_view key, const char* value) : Field(key, std::string_view(value)) {}
  Field(std::string_view key, const std::string& value) : Field(key, std::string_view(value)) {}
  Field(std::string_view key, bool value);
  Field(std::string_view key, const Error& error);
  template <std::integral T>
  Field(std::string_view key, T value) : key_(key), json_(std::to_string(value)) {}

  std::string_view key() const { return key_; }
  const std::string& json() const { return json_; }

 private:
  std::string_view key_;
  std::string json_;
};

using Fields = std::initializer_list<Field>;

/// Lines below `level` are dropped.  Call once, before other threads start.
void SetLevel(Level level);

void Debug(std::string_view message, Fields fields = {});
void Info(std::string_view message, Fields fields = {});
void Warn(std::string_view message, Fields fields = {});
void Err(std::string_view message, Fields fields = {});

/// `text` as a JSON string with quotes; invalid UTF-8 and control bytes escaped.
std::string JsonString(std::string_view text);

}  // namespace mk8s::log

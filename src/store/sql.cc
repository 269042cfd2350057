// Conversions between column text and our types, the same for both databases.
#include "store/sql.h"

#include <charconv>

namespace mk8s::store {

Param::Param(const std::optional<WallTime>& time) {
  if (time) *this = Param(*time);
}

Param Param::Bytes(std::string_view bytes) {
  Param param;
  param.kind = Kind::kBytes;
  param.view = bytes;
  return param;
}

std::int64_t Row::Integer(int column) const {
  const std::string_view text = Text(column);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool Row::Boolean(int column) const {
  const std::string_view text = Text(column);  // SQLite: 1, PostgreSQL: t
  return text == "1" || text == "t";
}

WallTime Row::Time(int column) const { return OptionalTime(column).value_or(WallTime{}); }

std::optional<WallTime> Row::OptionalTime(int column) const {
  if (IsNull(column)) return std::nullopt;
  std::string text = String(column);
  // PostgreSQL (DateStyle ISO, TimeZone UTC) writes "2026-11-24 10:34:31.123+00".
  if (text.size() > 10 && text[10] == ' ') text[10] = 'T';
  if (text.ends_with("+00")) text.replace(text.size() - 3, 3, "Z");
  const auto time = ParseTime(text);
  return time ? std::optional(*time) : std::nullopt;
}

}  // namespace mk8s::store

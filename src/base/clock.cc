// See clock.h.
#include "base/clock.h"

#include <charconv>
#include <cstdio>

namespace mk8s {
namespace {

class MachineClock : public Clock {
 public:
  WallTime Now() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
  MonotonicTime Monotonic() const override { return std::chrono::steady_clock::now(); }
};

Error BadTime(std::string_view text) {
  return MakeError(
      ErrorCode::kInvalidArgument,
      "\"" + std::string(text) + "\" is not an RFC 3339 time such as 2026-01-31T08:00:00Z");
}

// Takes exactly `digits` decimal digits off the front of `text`.
bool TakeNumber(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc{} || end != text.data() + digits || value < 0) return false;
  text.remove_prefix(digits);
  return true;
}

bool TakeChar(std::string_view& text, char expected) {
  if (text.empty() || (text[0] | 0x20) != (expected | 0x20)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

const Clock& SystemClock() {
  static const MachineClock clock;
  return clock;
}

std::string FormatTime(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[64];
  const int length = std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return std::string(text, static_cast<std::size_t>(length));
}

Result<WallTime> ParseTime(std::string_view text) {
  std::string_view rest = text;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!TakeNumber(rest, 4, year) || !TakeChar(rest, '-') || !TakeNumber(rest, 2, month) ||
      !TakeChar(rest, '-') || !TakeNumber(rest, 2, day) || !TakeChar(rest, 'T') ||
      !TakeNumber(rest, 2, hour) || !TakeChar(rest, ':') || !TakeNumber(rest, 2, minute) ||
      !TakeChar(rest, ':') || !TakeNumber(rest, 2, second)) {
    return BadTime(text);
  }
  int fraction_ms = 0;
  if (TakeChar(rest, '.')) {
    int scale = 100, digits = 0;
    for (; !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; rest.remove_prefix(1), ++digits) {
      fraction_ms += (rest[0] - '0') * scale;
      scale /= 10;
    }
    if (digits == 0) return BadTime(text);
  }
  int offset_minutes = 0;
  if (!TakeChar(rest, 'Z')) {
    const int sign = rest.starts_with('-') ? -1 : 1;
    int offset_hour = 0, offset_minute = 0;
    if ((!TakeChar(rest, '+') && !TakeChar(rest, '-')) || !TakeNumber(rest, 2, offset_hour) ||
        !TakeChar(rest, ':') || !TakeNumber(rest, 2, offset_minute)) {
      return BadTime(text);
    }
    offset_minutes = sign * (offset_hour * 60 + offset_minute);
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!rest.empty() || !date.ok() || hour > 23 || minute > 59 || second > 60) return BadTime(text);
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute - offset_minutes) + std::chrono::seconds(second) +
         std::chrono::milliseconds(fraction_ms);
}

namespace {

struct Unit {
  std::string_view suffix;
  std::int64_t length_ms;
};
constexpr Unit kUnits[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};

}  // namespace

std::string FormatDuration(std::chrono::milliseconds duration) {
  std::int64_t left_ms = duration.count();
  if (left_ms < 0) return "-" + FormatDuration(-duration);
  if (left_ms < 1000) return std::to_string(left_ms) + "ms";
  std::string text;
  int parts = 0;
  for (const Unit& unit : kUnits) {
    if (unit.suffix == "ms" || parts == 2) break;
    const std::int64_t count = left_ms / unit.length_ms;
    left_ms %= unit.length_ms;
    if (count == 0 && parts == 0) continue;
    ++parts;
    if (count != 0) text += std::to_string(count) + std::string(unit.suffix);
  }
  return text;
}

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  const auto bad = [&] {
    return MakeError(ErrorCode::kInvalidArgument,
                     "\"" + std::string(text) + "\" is not a duration such as 24h, 15m or 1h30m");
  };
  constexpr std::int64_t kMaxMs = 100LL * 365 * 86'400'000;
  std::int64_t total_ms = 0;
  std::string_view rest = text;
  if (rest.empty()) return bad();
  while (!rest.empty()) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (error != std::errc{} || count < 0 || count > kMaxMs) return bad();
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const std::size_t length = std::min(rest.find_first_of("0123456789"), rest.size());
    const std::string_view suffix = rest.substr(0, length);
    std::int64_t unit_ms = 0;
    for (const Unit& unit : kUnits) {
      if (unit.suffix == suffix) unit_ms = unit.length_ms;
    }
    if (unit_ms == 0 || count > kMaxMs / unit_ms) return bad();
    total_ms += count * unit_ms;
    if (total_ms > kMaxMs) return bad();
    rest.remove_prefix(length);
  }
  return std::chrono::milliseconds(total_ms);
}

}  // namespace mk8s

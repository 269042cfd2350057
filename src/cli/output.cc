// Tables, colours and times.  See output.h.
#include "cli/output.h"

#include <ctime>

#include "base/text.h"

namespace mk8s::cli {
namespace {

// Code points stand for columns: right for all that Kubernetes allows in names.
std::size_t Width(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  return width;
}

}  // namespace

std::string Paint(std::string_view text, Tone tone, bool colour) {
  if (!colour || tone == Tone::kPlain) return std::string(text);
  const char* code = "0";
  switch (tone) {
    case Tone::kPlain:
      break;
    case Tone::kGood:
      code = "32";
      break;
    case Tone::kBad:
      code = "31";
      break;
    case Tone::kWarn:
      code = "33";
      break;
    case Tone::kDim:
      code = "2";
      break;
    case Tone::kBold:
      code = "1";
      break;
  }
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

void Table::Add(std::vector<Cell> cells) {
  for (Cell& cell : cells) cell.text = cell.text.empty() ? "-" : Printable(cell.text);
  cells.resize(columns_.size(), Cell("-"));
  rows_.push_back(std::move(cells));
}

std::string Table::Render(bool wide, bool headers, bool colour,
                          std::vector<std::size_t>* kept_widths) const {
  std::vector<std::size_t> shown;
  std::vector<std::size_t> own_widths;
  std::vector<std::size_t>& widths = kept_widths == nullptr ? own_widths : *kept_widths;
  widths.resize(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].wide_only && !wide) continue;
    shown.push_back(i);
    if (headers) widths[i] = std::max(widths[i], Width(columns_[i].title));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], Width(row[i].text));
  }
  std::string out;
  const auto add_line = [&](const auto& cell_at) {
    for (const std::size_t i : shown) {
      const Cell cell = cell_at(i);
      out += Paint(cell.text, cell.tone, colour);
      if (i == shown.back()) break;
      out.append(widths[i] - Width(cell.text) + 3, ' ');
    }
    out += '\n';
  };
  if (headers) add_line([&](std::size_t i) { return Cell(columns_[i].title, Tone::kDim); });
  for (const auto& row : rows_) add_line([&](std::size_t i) { return row[i]; });
  return out;
}

std::string LocalTime(WallTime time, bool with_zone) {
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[64];
  const std::size_t length = std::strftime(
      text, sizeof text, with_zone ? "%Y-%m-%d %H:%M:%S %Z" : "%Y-%m-%d %H:%M:%S", &parts);
  return std::string(text, length);
}

std::string Ago(WallTime time, WallTime now) {
  // Clocks differ a little between machines: the future is now.
  if (now - time < std::chrono::seconds(1)) return "just now";
  return FormatDuration(now - time) + " ago";
}

std::string Join(const std::vector<std::string>& items, std::string_view separator) {
  std::string out;
  for (const std::string& item : items) {
    if (!out.empty()) out += separator;
    out += item;
  }
  return out;
}

}  // namespace mk8s::cli

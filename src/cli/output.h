// How a command shows what it read: tables for people, JSON and YAML for programs, bare names for
// shell loops.  Pure: text in, text out.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace mk8s::cli {

enum class Format { kTable, kWide, kName, kJson, kYaml };

struct OutputFlags {
  Format format = Format::kTable;
  bool no_headers = false;
};

enum class Tone { kPlain, kGood, kBad, kWarn, kDim, kBold };

/// `text` in the tone's colour, or as it is.
std::string Paint(std::string_view text, Tone tone, bool colour);

struct Cell {
  Cell(std::string cell_text, Tone cell_tone = Tone::kPlain)
      : text(std::move(cell_text)), tone(cell_tone) {}
  Cell(const char* cell_text) : text(cell_text) {}
  std::string text;
  Tone tone = Tone::kPlain;
};

struct Column {
  std::string title;
  bool wide_only = false;
};

/// Left-aligned columns, three spaces apart as kubectl's.  Control bytes in cells are escaped.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// As many cells as columns; empty ones show as "-".
  void Add(std::vector<Cell> cells);
  bool empty() const { return rows_.empty(); }
  /// `widths`, if given, are kept from one table to the next, so that rows which come later stand
  /// under the earlier ones.
  std::string Render(bool wide, bool headers, bool colour,
                     std::vector<std::size_t>* widths = nullptr) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

/// Two-space indentation, members in their order, a newline at the end.  Error: kBadGateway.
Result<std::string> PrettyJson(std::string_view json);

/// The same document as block-style YAML.  Strings that YAML would read as something else are
/// quoted.  Error: kBadGateway.
Result<std::string> JsonToYaml(std::string_view json);

/// "2026-11-24 10:34:31" in the machine's zone, with the zone's name on request.
std::string LocalTime(WallTime time, bool with_zone);

/// "4s ago", "3d2h ago"; "just now" below a second.
std::string Ago(WallTime time, WallTime now);

std::string Join(const std::vector<std::string>& items, std::string_view separator);

}  // namespace mk8s::cli

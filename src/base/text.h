// Small pure functions on text that several layers need.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mk8s {

/// Shell-style match of the whole of `text`: `*` any run of characters, `?` one byte; all else
/// literal, case-sensitive. Linear in text for each `*`; no recursion, so hostile patterns cost at
/// most |pattern| x |text|.
bool GlobMatch(std::string_view pattern, std::string_view text);

/// Splits at each `separator`; "" gives one empty piece.
std::vector<std::string_view> Split(std::string_view text, char separator);

std::string_view TrimSpace(std::string_view text);
std::string ToLower(std::string_view text);  // ASCII only
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

/// Well-formed UTF-8 without overlong forms or surrogates (RFC 3629).
bool IsUtf8(std::string_view text);

/// For logs, audit and terminals: control bytes, DEL and invalid UTF-8 become \xNN, so a name
/// cannot move the cursor or fake a line.  Cut to at most `max_bytes` with "..." at the end.
std::string Printable(std::string_view text, std::size_t max_bytes = 4096);

}  // namespace mk8s

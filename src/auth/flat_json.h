// The JSON of a token: one object of strings and whole numbers, nothing nested, no name twice.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace mk8s::auth {

using FlatObject = std::map<std::string, std::variant<std::string, std::int64_t>, std::less<>>;

/// Strict RFC 8259; a duplicate name, a nested or other value, and bytes after the object are
/// errors (RFC 8725 section 3.11: parsers that disagree about duplicates are an attack). Error:
/// kInvalidArgument.
Result<FlatObject> ParseFlatJson(std::string_view text);

/// `text` as a JSON string with quotes, which ParseFlatJson gives back byte for byte.
std::string JsonText(std::string_view text);

}  // namespace mk8s::auth

// JSON and YAML text of boost::json values, and YAML read into them.  Only .cc files include this:
// it needs Boost.JSON.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mk8s::cli {

/// Block-style YAML with a newline at the end.
std::string ToYaml(const boost::json::value& value);

/// Two-space indentation with a newline at the end.
std::string ToPrettyJson(const boost::json::value& value);

/// One YAML document.  Plain scalars true, false, null and integers get their types, all others
/// are strings; aliases are expanded.  Error: kInvalidArgument with the line or the reason,
/// kTooLarge.
Result<boost::json::value> ParseYaml(std::string_view text);

}  // namespace mk8s::cli

// YAML that we ship (api/openapi.yaml) as JSON.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mk8s::config {

/// Maps, lists and scalars; plain scalars that YAML's JSON schema reads as null, booleans or whole
/// numbers (YAML 1.2 section 10.2) stay such, everything else becomes a string.  For text of our
/// own, so its depth is not bounded.  Error: kInvalidArgument.
Result<std::string> YamlToJson(std::string_view yaml);

}  // namespace mk8s::config

// The process environment behind a function, so that tests give their own.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace mk8s::config {

/// Value of a variable, or nothing where it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

/// getenv.  Call before other threads start.
Environment ProcessEnvironment();

/// For tests.
Environment FixedEnvironment(std::map<std::string, std::string, std::less<>> variables);

}  // namespace mk8s::config

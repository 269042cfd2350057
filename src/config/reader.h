// Fills a table of settings from YAML and from the environment; the same for every program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/environment.h"
#include "config/setting.h"

namespace mk8s::config {

/// The file's text, at most limits::kConfigFileBytesMax.  Error: kNotFound, kPermissionDenied,
/// kTooLarge, each naming the file.
Result<std::string> ReadConfigFile(const std::string& file);

/// A document of sections with keys.  `${VAR}` in a value is replaced after parsing, so a variable
/// cannot add keys.  Keys without a value keep their default.  Error: kInvalidArgument,
/// "FILE:LINE: ...", for malformed YAML, an unknown key (with the nearest known one), a key given
/// twice, a value of another type or range, and an undefined variable.
Result<void> ApplyYaml(std::string_view yaml, const std::string& file,
                       const Environment& environment, const std::vector<Setting>& settings);

/// MK8S_<SECTION>_<KEY> of every setting, taken as it is.  Error: kInvalidArgument naming the
/// variable.
Result<void> ApplyEnvironment(const Environment& environment, const std::vector<Setting>& settings);

/// The one of `words` that a person most likely meant by `word`; empty if none is near.
std::string_view Nearest(std::string_view word, const std::vector<std::string_view>& words);

}  // namespace mk8s::config

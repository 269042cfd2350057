// `--help` of every command.
#pragma once

#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace mk8s::cli {

std::string HelpText(const CLI::App& command, bool colour);

/// "mk8s clusters use"
std::string FullName(const CLI::App& command);

/// "-o, --output FORMAT"; a positional's own name.
std::string OptionName(const CLI::Option& option);

}  // namespace mk8s::cli

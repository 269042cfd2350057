// See help.h.
#include "cli/help.h"

#include <CLI/CLI.hpp>

#include "cli/output.h"

namespace mk8s::cli {
namespace {

struct Entry {
  std::string name;
  std::string text;
};

std::string Section(std::string_view title, const std::vector<Entry>& entries, bool colour) {
  if (entries.empty()) return {};
  std::size_t width = 0;
  for (const Entry& entry : entries) width = std::max(width, entry.name.size());
  std::string out = "\n" + Paint(title, Tone::kBold, colour) + "\n";
  for (const Entry& entry : entries) {
    out += "  " + entry.name + std::string(width - entry.name.size() + 3, ' ') + entry.text + "\n";
  }
  return out;
}

std::vector<const CLI::Option*> Shown(const CLI::App& command, bool positional) {
  return command.get_options([&](const CLI::Option* option) {
    return !option->get_group().empty() && option->get_positional() == positional;
  });
}

std::vector<Entry> Flags(const CLI::App& command) {
  std::vector<Entry> entries;
  for (const CLI::Option* option : Shown(command, false)) {
    entries.push_back({OptionName(*option), option->get_description()});
  }
  return entries;
}

std::string Usage(const CLI::App& command, bool has_commands, bool has_flags) {
  std::string line = "  " + FullName(command);
  if (has_commands) line += " COMMAND";
  for (const CLI::Option* option : Shown(command, true)) {
    std::string word = option->get_name(true);
    if (option->get_items_expected_max() > 1) word += "...";
    line += option->get_required() ? " " + word : " [" + word + "]";
  }
  return line + (has_flags ? " [FLAGS]" : "");
}

}  // namespace

std::string FullName(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name() : FullName(*parent) + " " + command.get_name();
}

std::string OptionName(const CLI::Option& option) {
  if (option.get_positional()) return option.get_name(true);
  const auto& short_names = option.get_snames();
  const auto& long_names = option.get_lnames();
  std::string name = short_names.empty() ? "    " : "-" + short_names[0];
  if (!short_names.empty() && !long_names.empty()) name += ", ";
  if (!long_names.empty()) name += "--" + long_names[0];
  if (option.get_items_expected_max() > 0) name += " " + option.get_type_name();
  return name;
}

std::string HelpText(const CLI::App& command, bool colour) {
  std::vector<Entry> commands;
  for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; })) {
    if (!sub->get_group().empty()) commands.push_back({sub->get_name(), sub->get_description()});
  }
  std::vector<Entry> arguments;
  for (const CLI::Option* option : Shown(command, true)) {
    arguments.push_back({OptionName(*option), option->get_description()});
  }
  const std::vector<Entry> flags = Flags(command);
  std::string out = command.get_description() + "\n\n" + Paint("Usage", Tone::kBold, colour) +
                    "\n" + Usage(command, !commands.empty(), !flags.empty()) + "\n";
  out += Section("Commands", commands, colour);
  out += Section("Arguments", arguments, colour);
  out += Section("Flags", flags, colour);
  const CLI::App* root = &command;
  while (root->get_parent() != nullptr) root = root->get_parent();
  if (root != &command && commands.empty()) {
    std::vector<Entry> global;
    for (Entry& entry : Flags(*root)) {
      const bool own = std::any_of(flags.begin(), flags.end(),
                                   [&](const Entry& flag) { return flag.name == entry.name; });
      if (!own && entry.name.find("--version") == std::string::npos) {
        global.push_back(std::move(entry));
      }
    }
    out += Section("Global flags", global, colour);
  }
  if (const std::string& examples = command.get_footer(); !examples.empty()) {
    out += "\n" + Paint("Examples", Tone::kBold, colour) + "\n" + examples;
  }
  return out;
}

}  // namespace mk8s::cli

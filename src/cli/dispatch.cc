// See dispatch.h.  CLI11 understands the line; this file says what went wrong in our words.
#include "cli/dispatch.h"

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/suggest.h"

namespace mk8s::cli {
namespace {

constexpr int kUsageExit = 2;

constexpr std::string_view kRootExamples =
    "  mk8s login mk8s.example.com\n"
    "  mk8s clusters use prod-eu\n"
    "  mk8s kubectl get pods -A\n"
    "  mk8s k --cluster staging logs -f deploy/web\n"
    "\n"
    "Environment: MK8S_CENTRAL_URL, MK8S_CLUSTER, MK8S_TOKEN, MK8S_CA_FILE, MK8S_HOME,\n"
    "MK8S_KUBECTL, NO_COLOR.  A flag comes before the environment, that before config.yaml.\n"
    "Exit codes: 0 ok, 1 failed, 2 usage, 4 needs login; mk8s kubectl and exec-remote return\n"
    "kubectl's own.\n";

void AddGlobalFlags(CLI::App& root, GlobalFlags& flags) {
  root.add_option("--cluster", flags.cluster, "Cluster for this call (MK8S_CLUSTER)")
      ->type_name("CLUSTER");
  root.add_option("--server", flags.server, "Address of mk8s-central (MK8S_CENTRAL_URL)")
      ->type_name("URL");
  root.add_option("--ca-file", flags.ca_file, "PEM file of the CA to trust for it (MK8S_CA_FILE)")
      ->type_name("FILE");
  root.add_flag("--insecure-skip-tls-verify", flags.insecure_skip_tls_verify,
                "Do not check its certificate: for tests only");
}

void AddAllCommands(Registry& registry) {
  AddLoginCommands(registry);
  AddStatusCommand(registry);
  AddClusterCommands(registry);
  // Listed for the help and for suggestions; TakeKubectlCall has taken real calls before.
  AddCommand(registry, registry.root, "kubectl", "Run kubectl on the current cluster (short: k)",
             "", [](Context& context) { return RunKubectl(context, {}); });
  AddCommand(registry, registry.root, "exec-remote", "Run kubectl beside the cluster's agent", "",
             [](Context& context) { return RunExecRemote(context, {}); });
  AddKubeconfigCommands(registry);
  AddUserCommands(registry);
  AddRoleCommands(registry);
  AddAuditCommands(registry);
  AddCompletionCommand(registry);
  AddVersionCommand(registry);
}

const CLI::App* Deepest(const CLI::App* command) {
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return command;
}

std::vector<std::string> KnownWords(const CLI::App& command, bool flags) {
  std::vector<std::string> words;
  if (!flags) {
    for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; })) {
      if (!sub->get_group().empty()) words.push_back(sub->get_name());
    }
    return words;
  }
  for (const CLI::App* at = &command; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
    }
  }
  return words;
}

Error Usage(const CLI::App& command, const std::string& message) {
  return MakeError(ErrorCode::kInvalidArgument,
                   message + "\n  next: " + FullName(command) + " --help");
}

Error UnknownWord(const CLI::App& command, const std::string& word) {
  const bool is_flag = word.size() > 1 && word[0] == '-';
  const bool has_commands = !KnownWords(command, false).empty();
  const std::string what = is_flag        ? "unknown flag"
                           : has_commands ? "unknown command"
                                          : "unexpected argument";
  const std::string flag = word.substr(0, word.find('='));
  return Usage(command, what + " \"" + word + "\"" +
                            DidYouMean(is_flag ? flag : word, KnownWords(command, is_flag)));
}

int HelpExit(Context& context, const CLI::App& command) {
  context.out << HelpText(command, context.ColourOut());
  return 0;
}

int RunAction(Context& context, const Action& action) {
  const Result<int> code = action(context);
  return code ? *code : Report(context, code.error());
}

// "-o=json" as kubectl takes it: CLI11 knows only "-o json", "-ojson" and "--output=json".
std::vector<std::string> SplitShortFlags(const std::vector<std::string>& words) {
  std::vector<std::string> split;
  for (const std::string& word : words) {
    if (word.size() > 2 && word[0] == '-' && word[1] != '-' && word[2] == '=') {
      split.push_back(word.substr(0, 2));
      split.push_back(word.substr(3));
    } else {
      split.push_back(word);
    }
  }
  return split;
}

int ParseAndRun(Context& context, CLI::App& root, Registry& registry,
                std::vector<std::string> words) {
  words = SplitShortFlags(words);
  std::reverse(words.begin(), words.end());  // CLI11's own order
  try {
    root.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    return HelpExit(context, *Deepest(&root));
  } catch (const CLI::CallForVersion& version) {
    context.out << version.what() << "\n";
    return 0;
  } catch (const CLI::ParseError& failure) {
    return Report(context, Usage(*Deepest(&root), failure.what()));
  }
  const CLI::App* command = Deepest(&root);
  if (const std::vector<std::string> extras = root.remaining(true); !extras.empty()) {
    return Report(context, UnknownWord(*command, extras.front()));
  }
  if (!registry.chosen) return HelpExit(context, *command);
  return RunAction(context, registry.chosen);
}

// One of the global flags at `at`, in either spelling; `at` moves past it.
bool TakeGlobalFlag(const std::vector<std::string>& words, std::size_t& at, GlobalFlags& flags,
                    bool cluster_only) {
  const std::string& word = words[at];
  if (word == "--insecure-skip-tls-verify" && !cluster_only) {
    flags.insecure_skip_tls_verify = true;
    ++at;
    return true;
  }
  const std::pair<std::string_view, std::string*> texts[] = {
      {"--cluster", &flags.cluster}, {"--server", &flags.server}, {"--ca-file", &flags.ca_file}};
  for (const auto& [name, value] : texts) {
    if (cluster_only && name != "--cluster") continue;
    if (word == name && at + 1 < words.size()) {
      *value = words[at + 1];
      at += 2;
      return true;
    }
    if (word.starts_with(std::string(name) + "=")) {
      *value = word.substr(name.size() + 1);
      ++at;
      return true;
    }
  }
  return false;
}

}  // namespace

CLI::App* AddGroup(CLI::App& parent, std::string_view name, std::string_view summary) {
  CLI::App* group = parent.add_subcommand(std::string(name), std::string(summary));
  group->require_subcommand(0, 1);
  group->footer("");
  group->allow_extras();
  return group;
}

CLI::App* AddCommand(Registry& registry, CLI::App& parent, std::string_view name,
                     std::string_view summary, std::string_view examples, Action action) {
  CLI::App* command = parent.add_subcommand(std::string(name), std::string(summary));
  command->footer(std::string(examples));
  command->allow_extras();
  command->callback([&registry, action = std::move(action)] { registry.chosen = action; });
  return command;
}

void AddOutputFlags(CLI::App* command, OutputFlags& flags) {
  command
      ->add_option_function<std::string>(
          "-o,--output",
          [&flags](const std::string& text) {
            const std::pair<std::string_view, Format> formats[] = {{"table", Format::kTable},
                                                                   {"wide", Format::kWide},
                                                                   {"name", Format::kName},
                                                                   {"json", Format::kJson},
                                                                   {"yaml", Format::kYaml}};
            for (const auto& [name, format] : formats) {
              if (text != name) continue;
              flags.format = format;
              return;
            }
            throw CLI::ValidationError("-o \"" + text +
                                       "\" is none of table, wide, name, json, yaml");
          },
          "table, wide, name, json or yaml")
      ->type_name("FORMAT");
  command->add_flag("--no-headers", flags.no_headers, "Leave out the table's first line");
}

void AddYesFlag(CLI::App* command, bool& yes) { command->add_flag("-y,--yes", yes, "Do not ask"); }

std::optional<KubectlCall> TakeKubectlCall(const std::vector<std::string>& words,
                                           GlobalFlags& flags) {
  GlobalFlags taken = flags;
  std::size_t at = 0;
  while (at < words.size() && TakeGlobalFlag(words, at, taken, false)) {
  }
  if (at == words.size()) return std::nullopt;
  const bool remote = words[at] == "exec-remote";
  if (!remote && words[at] != "kubectl" && words[at] != "k") return std::nullopt;
  ++at;
  while (at < words.size() && TakeGlobalFlag(words, at, taken, true)) {
  }
  flags = std::move(taken);
  return KubectlCall{remote, {words.begin() + static_cast<std::ptrdiff_t>(at), words.end()}};
}

int Dispatch(Context& context, std::vector<std::string> words) {
  if (const auto call = TakeKubectlCall(words, context.flags)) {
    return RunAction(context, [&](Context&) {
      return call->remote ? RunExecRemote(context, call->arguments)
                          : RunKubectl(context, call->arguments);
    });
  }
  CLI::App root("One login, and kubectl for all of your Kubernetes clusters", "mk8s");
  root.fallthrough();
  root.require_subcommand(0, 1);
  root.allow_extras();
  root.footer(std::string(kRootExamples));
  root.set_help_flag("-h,--help", "Show this help");
  root.set_version_flag("--version", "mk8s " MK8S_VERSION, "Show the version");
  AddGlobalFlags(root, context.flags);
  Registry registry{root, {}};
  AddAllCommands(registry);
  if (!words.empty() && words[0] == "help") {
    words.erase(words.begin());
    words.push_back("--help");
  }
  if (!words.empty() && words[0] == "__complete") {
    return Complete(context, root, {words.begin() + 1, words.end()});
  }
  return ParseAndRun(context, root, registry, std::move(words));
}

}  // namespace mk8s::cli

// `mk8s completion SHELL` prints a script; it calls `mk8s __complete WORDS`, which walks the same
// command tree that the parser uses, and asks central for names (clusters, users, roles).
#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/cluster_choice.h"
#include "cli/commands.h"
#include "cli/completion_scripts.h"
#include "cli/dispatch.h"
#include "cli/suggest.h"

namespace mk8s::cli {
namespace {

// cobra's directives, as `kubectl __complete` prints them.
constexpr int kDirectiveFiles = 0;
constexpr int kDirectiveNoFiles = 4;
// A key press waits for this.
constexpr std::chrono::milliseconds kCompletionDeadline{2'000};

struct Candidate {
  std::string word;
  std::string description;
};

struct Candidates {
  std::vector<Candidate> list;
  int directive = kDirectiveNoFiles;
};

void AddWords(Candidates& candidates, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) candidates.list.push_back({std::string(word), ""});
}

// Whatever goes wrong here, there is just nothing to offer.
void AddFromCentral(Context& context, std::string_view kind, Candidates& candidates) {
  const auto connect = context.connect;
  context.connect = [connect](Endpoint endpoint) {
    endpoint.timeout = kCompletionDeadline;
    return connect(std::move(endpoint));
  };
  const Result<std::unique_ptr<Workspace>> workspace = OpenWorkspace(context);
  if (!workspace) return;
  if (kind == "CLUSTER") {
    const Result<Listing<ClusterView>> listing = ListAndRemember(**workspace);
    if (listing) {
      for (const ClusterView& c : listing->items) candidates.list.push_back({c.name, c.status});
    } else {
      for (const KnownCluster& c : KnownClusters(**workspace)) {
        candidates.list.push_back({c.name, ""});
      }
    }
  } else if (kind == "USER") {
    const Result<Listing<UserView>> listing = (*workspace)->client.ListUsers();
    if (!listing) return;
    for (const UserView& user : listing->items) {
      candidates.list.push_back({user.email, Join(user.roles, ", ")});
    }
  } else if (kind == "ROLE") {
    const Result<Listing<Role>> listing = (*workspace)->client.ListRoles();
    if (!listing) return;
    for (const Role& role : listing->items) candidates.list.push_back({role.name, ""});
  }
}

// The type name that a command gave its option says what can stand there.
void AddValues(Context& context, const std::string& kind, Candidates& candidates) {
  if (kind == "FORMAT") {
    AddWords(candidates, {"table", "wide", "name", "json", "yaml"});
  } else if (kind == "STATUS") {
    AddWords(candidates, {"started", "allowed", "denied", "failed", "interrupted"});
  } else if (kind == "VERB") {
    AddWords(candidates, {"get", "list", "watch", "create", "update", "patch", "delete"});
  } else if (kind == "SHELL") {
    AddWords(candidates, {"bash", "zsh", "fish"});
  } else if (kind == "TIME") {
    AddWords(candidates, {"15m", "1h", "24h", "7d"});
  } else if (kind == "FILE") {
    candidates.directive = kDirectiveFiles;
  } else {
    AddFromCentral(context, kind, candidates);
  }
}

const CLI::Option* FindFlag(const CLI::App* command, const std::string& word) {
  for (; command != nullptr; command = command->get_parent()) {
    for (const CLI::Option* option : command->get_options()) {
      if (!option->get_positional() && option->check_name(word)) return option;
    }
  }
  return nullptr;
}

void AddFlags(const CLI::App* command, Candidates& candidates) {
  for (; command != nullptr; command = command->get_parent()) {
    for (const CLI::Option* option : command->get_options()) {
      if (option->get_positional() || option->get_lnames().empty()) continue;
      candidates.list.push_back({"--" + option->get_lnames()[0], option->get_description()});
    }
  }
}

const CLI::App* FindCommand(const CLI::App& parent, const std::string& word) {
  for (const CLI::App* sub : parent.get_subcommands([](const CLI::App*) { return true; })) {
    if (sub->get_name() == word && !sub->get_group().empty()) return sub;
  }
  return nullptr;
}

struct Place {
  const CLI::App* command;
  std::size_t positionals = 0;  // words already given to the command
};

Place Walk(const CLI::App& root, const std::vector<std::string>& words) {
  Place place{&root};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.starts_with("-") && word != "-") {
      const CLI::Option* option = FindFlag(place.command, word);
      if (option != nullptr && option->get_items_expected_max() > 0) ++i;
    } else if (const CLI::App* sub = FindCommand(*place.command, word)) {
      place = {sub};
    } else {
      ++place.positionals;
    }
  }
  return place;
}

Candidates Find(Context& context, const CLI::App& root, const std::vector<std::string>& words) {
  Candidates candidates;
  const Place place = Walk(root, words);
  const std::string last = words.empty() ? "" : words.back();
  if (words.size() >= 2 && words[words.size() - 2].starts_with("-")) {
    const CLI::Option* option = FindFlag(place.command, words[words.size() - 2]);
    if (option != nullptr && option->get_items_expected_max() > 0) {
      AddValues(context, option->get_type_name(), candidates);
      return candidates;
    }
  }
  if (last.starts_with("-") && last != "-") {
    AddFlags(place.command, candidates);
    return candidates;
  }
  for (const CLI::App* sub : place.command->get_subcommands([](const CLI::App*) { return true; })) {
    if (!sub->get_group().empty()) {
      candidates.list.push_back({sub->get_name(), sub->get_description()});
    }
  }
  std::size_t index = 0;
  for (const CLI::Option* option : place.command->get_options()) {
    if (!option->get_positional()) continue;
    const bool repeats = option->get_items_expected_max() > 1;
    if (index++ == place.positionals || (repeats && index <= place.positionals + 1)) {
      AddValues(context, option->get_type_name(), candidates);
    }
  }
  return candidates;
}

Result<int> PrintScript(Context& context, const std::string& shell) {
  const std::string_view script = CompletionScript(shell);
  if (script.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "there is no completion for \"" + shell + "\"" +
                         DidYouMean(shell, {"bash", "zsh", "fish"}) +
                         "\n  next: mk8s completion bash, zsh or fish");
  }
  context.out << script;
  return 0;
}

}  // namespace

int Complete(Context& context, const CLI::App& root, const std::vector<std::string>& words) {
  if (const auto call = TakeKubectlCall(words, context.flags); call && !call->arguments.empty()) {
    // kubectl completes its own words, with the chosen cluster behind it; what it has to say about
    // failures is not for the middle of a command line.
    std::vector<std::string> asked = {"__complete"};
    asked.insert(asked.end(), call->arguments.begin(), call->arguments.end());
    const Result<int> code = RunKubectl(context, asked);
    if (!code) context.out << ":" << kDirectiveNoFiles << "\n";
    return 0;
  }
  const Candidates candidates = Find(context, root, words);
  const std::string last = words.empty() ? "" : words.back();
  for (const Candidate& candidate : candidates.list) {
    if (!candidate.word.starts_with(last)) continue;
    context.out << Printable(candidate.word);
    if (!candidate.description.empty()) context.out << "\t" << Printable(candidate.description);
    context.out << "\n";
  }
  context.out << ":" << candidates.directive << "\n";
  return 0;
}

void AddCompletionCommand(Registry& registry) {
  auto shell = std::make_shared<std::string>();
  CLI::App* completion =
      AddCommand(registry, registry.root, "completion", "Print the completion script for a shell",
                 "  source <(mk8s completion bash)                    # in ~/.bashrc\n"
                 "  mk8s completion zsh > \"${fpath[1]}/_mk8s\"\n"
                 "  mk8s completion fish > ~/.config/fish/completions/mk8s.fish\n",
                 [shell](Context& context) { return PrintScript(context, *shell); });
  completion->add_option("SHELL", *shell, "bash, zsh or fish")->required()->type_name("SHELL");
}

}  // namespace mk8s::cli

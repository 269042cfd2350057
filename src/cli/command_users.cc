// `mk8s users`: for administrators.
#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/commands.h"

namespace mk8s::cli {
namespace {

struct Flags {
  OutputFlags output;
  std::string email;
  std::vector<std::string> roles;
  bool password_stdin = false;
  bool yes = false;
};

std::string StateOf(const UserView& user) {
  if (user.disabled) return "disabled";
  return user.locked ? "locked" : "active";
}

Result<int> List(Context& context, const OutputFlags& flags) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_ASSIGN_OR_RETURN(const Listing<UserView> listing, workspace->client.ListUsers());
  Table table({{"E-MAIL"}, {"ROLES"}, {"STATE"}, {"LAST LOGIN"}, {"CREATED", true}, {"ID", true}});
  std::vector<std::string> emails;
  const WallTime now = context.clock.Now();
  for (const UserView& user : listing.items) {
    const std::string state = StateOf(user);
    table.Add({user.email, Join(user.roles, ","),
               Cell(state, state == "active" ? Tone::kGood : Tone::kBad),
               user.last_login ? Ago(*user.last_login, now) : "never",
               user.created_at ? LocalTime(*user.created_at, false) : "", user.id});
    emails.push_back(user.email);
  }
  MK8S_RETURN_IF_ERROR(Show(context, flags, listing.json, table, emails));
  return 0;
}

// "a,b" and repeated arguments mean the same.
std::vector<std::string> SplitRoles(const std::vector<std::string>& words) {
  std::vector<std::string> roles;
  for (const std::string& word : words) {
    for (const std::string_view role : Split(word, ',')) {
      if (!TrimSpace(role).empty()) roles.emplace_back(TrimSpace(role));
    }
  }
  return roles;
}

// "no role", "the role dev", "the roles dev, viewer".
std::string RolesPhrase(const std::vector<std::string>& roles) {
  if (roles.empty()) return "no role";
  return (roles.size() == 1 ? "the role " : "the roles ") + Printable(Join(roles, ", "));
}

// The one-time password, if there is one, alone on standard output; what it is on standard error.
Result<void> ShowChanged(Context& context, const OutputFlags& flags, const UserView& user) {
  if (flags.format == Format::kJson || flags.format == Format::kYaml) {
    return Show(context, flags, user.json, Table({}), {});
  }
  if (user.initial_password.empty()) return {};
  context.err << "Their one-time password, to be changed at the first login:\n";
  context.out << user.initial_password << "\n";
  return {};
}

Result<int> Create(Context& context, const Flags& flags) {
  Secret password;
  if (flags.password_stdin) {
    std::string line;
    std::getline(context.in, line);
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) {
      return MakeError(ErrorCode::kInvalidArgument, "standard input holds no password");
    }
    password = Secret(std::move(line));
  }
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  const std::vector<std::string> roles = SplitRoles(flags.roles);
  MK8S_ASSIGN_OR_RETURN(const UserView user,
                        workspace->client.CreateUser(flags.email, password, roles));
  context.err << "Created " << Printable(user.email) << " with " << RolesPhrase(roles) << ".\n";
  if (roles.empty()) {
    context.err << "  next: mk8s users set-roles " << Printable(user.email) << " ROLE\n";
  }
  MK8S_RETURN_IF_ERROR(ShowChanged(context, flags.output, user));
  return 0;
}

Result<int> Patch(Context& context, const Flags& flags, std::string_view key, bool value,
                  std::string_view done) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_ASSIGN_OR_RETURN(const UserView user, workspace->client.PatchUser(flags.email, key, value));
  context.err << done << " " << Printable(flags.email) << ".\n";
  MK8S_RETURN_IF_ERROR(ShowChanged(context, flags.output, user));
  return 0;
}

Result<int> Delete(Context& context, const Flags& flags) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_RETURN_IF_ERROR(ConfirmOrFail(
      context, flags.yes,
      "Delete " + flags.email + "?  Their sessions end; the audit log keeps their name."));
  MK8S_RETURN_IF_ERROR(workspace->client.DeleteUser(flags.email));
  context.err << "Deleted " << Printable(flags.email) << ".\n";
  return 0;
}

Result<int> SetRoles(Context& context, const Flags& flags) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  const std::vector<std::string> roles = SplitRoles(flags.roles);
  MK8S_RETURN_IF_ERROR(workspace->client.SetUserRoles(flags.email, roles));
  context.err << Printable(flags.email) << " now has " << RolesPhrase(roles) << ".\n";
  return 0;
}

CLI::App* AddUserCommand(Registry& registry, CLI::App& group, const std::shared_ptr<Flags>& flags,
                         std::string_view name, std::string_view summary, std::string_view examples,
                         Action action) {
  CLI::App* command = AddCommand(registry, group, name, summary, examples, std::move(action));
  command->add_option("EMAIL", flags->email, "Their e-mail address")
      ->required()
      ->type_name(name == "create" ? "NEW" : "USER");
  return command;
}

void AddPatch(Registry& registry, CLI::App& group, const std::shared_ptr<Flags>& flags,
              std::string_view name, std::string_view summary, std::string_view key, bool value,
              std::string_view done) {
  CLI::App* command = AddUserCommand(registry, group, flags, name, summary, "",
                                     [flags, key, value, done](Context& context) {
                                       return Patch(context, *flags, key, value, done);
                                     });
  AddOutputFlags(command, flags->output);
}

}  // namespace

void AddUserCommands(Registry& registry) {
  auto flags = std::make_shared<Flags>();
  CLI::App& group = *AddGroup(registry.root, "users", "Administer users");
  CLI::App* list =
      AddCommand(registry, group, "list", "List all users", "  mk8s users list -o wide\n",
                 [flags](Context& context) { return List(context, flags->output); });
  AddOutputFlags(list, flags->output);

  CLI::App* create = AddUserCommand(
      registry, group, flags, "create", "Create a user; without a password, print a one-time one",
      "  mk8s users create dev@example.com --role developer\n"
      "  pwgen 20 1 | mk8s users create ci@example.com --role viewer --password-stdin\n",
      [flags](Context& context) { return Create(context, *flags); });
  create->add_option("--role,--roles", flags->roles, "A role to give them; may be repeated")
      ->type_name("ROLE")
      ->allow_extra_args(false);
  create->add_flag("--password-stdin", flags->password_stdin,
                   "Read their password from standard input");
  AddOutputFlags(create, flags->output);

  AddPatch(registry, group, flags, "disable", "Refuse a user at once and cut what they have open",
           "disabled", true, "Disabled");
  AddPatch(registry, group, flags, "enable", "Let a disabled user in again", "disabled", false,
           "Enabled");
  AddPatch(registry, group, flags, "unlock", "End the lock after too many failed logins", "locked",
           false, "Unlocked");
  AddPatch(registry, group, flags, "reset-password", "Print a one-time password for a user",
           "reset_password", true, "Reset the password of");

  CLI::App* remove = AddUserCommand(registry, group, flags, "delete", "Delete a user", "",
                                    [flags](Context& context) { return Delete(context, *flags); });
  AddYesFlag(remove, flags->yes);

  CLI::App* set_roles =
      AddUserCommand(registry, group, flags, "set-roles", "Replace all roles of a user",
                     "  mk8s users set-roles dev@example.com developer viewer\n",
                     [flags](Context& context) { return SetRoles(context, *flags); });
  set_roles->add_option("ROLE", flags->roles, "The roles from now on; none takes all away")
      ->type_name("ROLE");
}

}  // namespace mk8s::cli

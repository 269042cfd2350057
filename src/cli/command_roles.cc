// `mk8s roles`: list, show, apply a roles file, delete.
#include <CLI/CLI.hpp>
#include <iterator>

#include "auth/role_parse.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/suggest.h"

namespace mk8s::cli {
namespace {

struct Flags {
  OutputFlags output;
  std::string name;
  std::string file;
  bool yes = false;
};

std::string ClustersOf(const Role& role) {
  std::vector<std::string> clusters;
  for (const Grant& grant : role.grants) {
    if (std::find(clusters.begin(), clusters.end(), grant.cluster) == clusters.end()) {
      clusters.push_back(grant.cluster);
    }
  }
  return Join(clusters, ",");
}

Result<int> List(Context& context, const OutputFlags& flags) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_ASSIGN_OR_RETURN(const Listing<Role> listing, workspace->client.ListRoles());
  Table table({{"NAME"}, {"ADMIN"}, {"CLUSTERS"}, {"RULES"}});
  std::vector<std::string> names;
  for (const Role& role : listing.items) {
    table.Add({role.name, role.admin ? "yes" : "no", ClustersOf(role),
               std::to_string(role.grants.size())});
    names.push_back(role.name);
  }
  MK8S_RETURN_IF_ERROR(Show(context, flags, listing.json, table, names));
  return 0;
}

Result<Role> FindRole(Workspace& workspace, const std::string& name) {
  MK8S_ASSIGN_OR_RETURN(const Listing<Role> listing, workspace.client.ListRoles());
  std::vector<std::string> names;
  for (const Role& role : listing.items) {
    if (role.name == name) return role;
    names.push_back(role.name);
  }
  return MakeError(ErrorCode::kNotFound, "there is no role \"" + name + "\"" +
                                             DidYouMean(name, names) + "\n  next: mk8s roles list");
}

// YAML by default: what it prints can be edited and applied again.
Result<int> ShowRole(Context& context, const Flags& flags) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_ASSIGN_OR_RETURN(const Role role, FindRole(*workspace, flags.name));
  if (flags.output.format == Format::kJson || flags.output.format == Format::kName) {
    MK8S_RETURN_IF_ERROR(
        Show(context, flags.output, auth::RoleToJson(role), Table({}), {role.name}));
  } else {
    context.out << auth::RolesToYaml({role});
  }
  return 0;
}

Result<std::string> ReadRolesText(Context& context, const std::string& file) {
  if (file != "-") return ReadFile(file);
  return std::string(std::istreambuf_iterator<char>(context.in), {});
}

Result<void> ApplyRoles(Context& context, Workspace& workspace, const std::vector<Role>& roles) {
  MK8S_ASSIGN_OR_RETURN(const Listing<Role> listing, workspace.client.ListRoles());
  for (const Role& role : roles) {
    const auto present = std::find_if(listing.items.begin(), listing.items.end(),
                                      [&](const Role& item) { return item.name == role.name; });
    std::string_view outcome = "unchanged";
    if (present == listing.items.end()) {
      MK8S_RETURN_IF_ERROR(workspace.client.CreateRole(role));
      outcome = "created";
    } else if (present->admin != role.admin || present->grants != role.grants) {
      MK8S_RETURN_IF_ERROR(workspace.client.ReplaceRole(role));
      outcome = "configured";
    }
    context.out << "role/" << Printable(role.name) << " " << outcome << "\n";
  }
  return {};
}

Result<void> ApplyAssignments(Context& context, Workspace& workspace,
                              const std::vector<auth::RoleAssignment>& assignments) {
  if (assignments.empty()) return {};
  MK8S_ASSIGN_OR_RETURN(const Listing<UserView> listing, workspace.client.ListUsers());
  for (const auth::RoleAssignment& assignment : assignments) {
    const auto present =
        std::find_if(listing.items.begin(), listing.items.end(),
                     [&](const UserView& user) { return user.email == assignment.email; });
    if (present == listing.items.end()) {
      std::vector<std::string> emails;
      for (const UserView& user : listing.items) emails.push_back(user.email);
      return MakeError(ErrorCode::kNotFound, "there is no user \"" + assignment.email + "\"" +
                                                 DidYouMean(assignment.email, emails) +
                                                 "\n  next: mk8s users create " + assignment.email);
    }
    std::vector<std::string> before = present->roles, wanted = assignment.roles;
    std::sort(before.begin(), before.end());
    std::sort(wanted.begin(), wanted.end());
    const bool changed = before != wanted;
    if (changed) {
      MK8S_RETURN_IF_ERROR(workspace.client.SetUserRoles(assignment.email, assignment.roles));
    }
    context.out << "user/" << Printable(assignment.email)
                << (changed ? " configured\n" : " unchanged\n");
  }
  return {};
}

Result<int> Apply(Context& context, const Flags& flags) {
  MK8S_ASSIGN_OR_RETURN(const std::string text, ReadRolesText(context, flags.file));
  const std::string source = flags.file == "-" ? "standard input" : flags.file;
  // The whole file is understood before anything is changed.
  const Result<auth::RolesFile> file = auth::ParseRolesFile(text);
  if (!file) return MakeError(file.error().code, source + ": " + file.error().message);
  if (file->roles.empty() && file->users.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, source + " holds neither roles nor users");
  }
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_RETURN_IF_ERROR(ApplyRoles(context, *workspace, file->roles));
  MK8S_RETURN_IF_ERROR(ApplyAssignments(context, *workspace, file->users));
  return 0;
}

Result<int> Delete(Context& context, const Flags& flags) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_ASSIGN_OR_RETURN(const Role role, FindRole(*workspace, flags.name));
  MK8S_RETURN_IF_ERROR(ConfirmOrFail(
      context, flags.yes, "Delete the role " + role.name + "?  Who has it loses what it grants."));
  MK8S_RETURN_IF_ERROR(workspace->client.DeleteRole(role.name));
  context.out << "role/" << Printable(role.name) << " deleted\n";
  return 0;
}

}  // namespace

void AddRoleCommands(Registry& registry) {
  auto flags = std::make_shared<Flags>();
  CLI::App& group = *AddGroup(registry.root, "roles", "Administer roles");
  CLI::App* list = AddCommand(registry, group, "list", "List all roles", "",
                              [flags](Context& context) { return List(context, flags->output); });
  AddOutputFlags(list, flags->output);

  CLI::App* show = AddCommand(registry, group, "show", "Show a role as a file that apply takes",
                              "  mk8s roles show developer > developer.yaml\n",
                              [flags](Context& context) { return ShowRole(context, *flags); });
  show->add_option("NAME", flags->name, "The role")->required()->type_name("ROLE");
  AddOutputFlags(show, flags->output);

  CLI::App* apply =
      AddCommand(registry, group, "apply", "Create or change roles from a file",
                 "  mk8s roles apply -f roles.yaml\n"
                 "  mk8s roles show viewer | sed 's/viewer/guest/' | mk8s roles apply -f -\n",
                 [flags](Context& context) { return Apply(context, *flags); });
  apply->add_option("-f,--filename", flags->file, "The roles file (YAML), or - for standard input")
      ->required()
      ->type_name("FILE");

  CLI::App* remove = AddCommand(registry, group, "delete", "Delete a role", "",
                                [flags](Context& context) { return Delete(context, *flags); });
  remove->add_option("NAME", flags->name, "The role")->required()->type_name("ROLE");
  AddYesFlag(remove, flags->yes);
}

}  // namespace mk8s::cli

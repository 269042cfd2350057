// See role_parse.h.
#include "auth/role_parse.h"

#include <algorithm>

#include "auth/role_document.h"
#include "auth/role_grant.h"
#include "auth/role_resources.h"
#include "auth/role_verbs.h"
#include "base/text.h"

namespace mk8s::auth {
namespace {

using Kind = DocumentNode::Kind;
using Strings = std::vector<std::string>;

// Far above any role seen, low enough that a decision over all of them stays cheap.
constexpr std::size_t kGrantsPerRoleMax = 500;
constexpr std::size_t kItemsPerListMax = 500;
constexpr std::size_t kItemBytesMax = 253;  // the longest name in Kubernetes
constexpr std::size_t kRoleNameBytesMax = 64;
constexpr std::size_t kEmailBytesMax = 254;

Error Wrong(const DocumentNode& node, const std::string& path, const std::string& why) {
  std::string message = node.line > 0 ? "line " + std::to_string(node.line) + ": " : "";
  if (!path.empty()) message += path + ": ";
  return MakeError(ErrorCode::kInvalidArgument, message + why);
}

std::string Indexed(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

std::string Joined(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

Result<void> CheckKeys(const DocumentNode& node, const std::string& path,
                       std::initializer_list<std::string_view> known) {
  if (node.kind != Kind::kMap) return Wrong(node, path, "must be a mapping of keys to values");
  for (const auto& [key, value] : node.entries) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::vector<std::string_view> candidates(known);
    const std::string_view meant = Nearest(ToLower(key), candidates);
    std::string why = "unknown key \"" + Printable(key, 80) + "\"";
    if (!meant.empty()) why += "; did you mean \"" + std::string(meant) + "\"?";
    return Wrong(value, path, why);
  }
  return {};
}

const DocumentNode* Find(const DocumentNode& node, std::string_view wanted) {
  for (const auto& [key, value] : node.entries) {
    if (key == wanted) return &value;
  }
  return nullptr;
}

Result<const DocumentNode*> Require(const DocumentNode& node, const std::string& path,
                                    std::string_view key) {
  const DocumentNode* found = Find(node, key);
  if (found == nullptr) return Wrong(node, path, "key \"" + std::string(key) + "\" is missing");
  return found;
}

Result<std::string> ReadString(const DocumentNode& node, const std::string& path) {
  if (node.kind != Kind::kString) return Wrong(node, path, "must be a string");
  if (node.text.empty()) return Wrong(node, path, "must not be empty");
  if (node.text.size() > kItemBytesMax || !IsUtf8(node.text) || Printable(node.text) != node.text) {
    return Wrong(node, path, "must be printable and at most 253 bytes");
  }
  return node.text;
}

// `check` says what is wrong with one item, for people; "" if nothing is.
template <typename Check>
Result<Strings> ReadList(const DocumentNode& node, const std::string& path, Check check) {
  if (node.kind != Kind::kList) return Wrong(node, path, "must be a list, as in [\"*\"]");
  if (node.items.size() > kItemsPerListMax) return Wrong(node, path, "has more than 500 items");
  Strings strings;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const std::string item_path = Indexed(path, i);
    MK8S_ASSIGN_OR_RETURN(std::string text, ReadString(node.items[i], item_path));
    const std::string why = check(text);
    if (!why.empty()) return Wrong(node.items[i], item_path, why);
    strings.push_back(std::move(text));
  }
  return strings;
}

std::string Anything(std::string_view) { return {}; }

std::string ResourceFault(std::string_view written) {
  const auto parsed = ParseResource(written);
  return parsed ? "" : parsed.error().message;
}

Result<Strings> ReadRequiredList(const DocumentNode& grant, const std::string& path,
                                 std::string_view key, std::string (*check)(std::string_view)) {
  MK8S_ASSIGN_OR_RETURN(const DocumentNode* node, Require(grant, path, key));
  MK8S_ASSIGN_OR_RETURN(Strings strings, ReadList(*node, Joined(path, key), check));
  if (strings.empty()) return Wrong(*node, Joined(path, key), "is empty, so it grants nothing");
  return strings;
}

Result<Strings> ReadOptionalList(const DocumentNode& grant, const std::string& path,
                                 std::string_view key, std::string (*check)(std::string_view)) {
  const DocumentNode* node = Find(grant, key);
  if (node == nullptr || node->kind == Kind::kNull) return Strings();
  return ReadList(*node, Joined(path, key), check);
}

Result<Grant> ReadGrant(const DocumentNode& node, const std::string& path) {
  MK8S_RETURN_IF_ERROR(CheckKeys(node, path,
                                 {"name", "namespaces", "verbs", "resources", "names",
                                  "except_resources", "except_namespaces"}));
  Grant grant;
  MK8S_ASSIGN_OR_RETURN(const DocumentNode* name, Require(node, path, "name"));
  MK8S_ASSIGN_OR_RETURN(grant.cluster, ReadString(*name, Joined(path, "name")));
  MK8S_ASSIGN_OR_RETURN(grant.namespaces, ReadRequiredList(node, path, "namespaces", Anything));
  MK8S_ASSIGN_OR_RETURN(grant.verbs, ReadRequiredList(node, path, "verbs", VerbFault));
  MK8S_ASSIGN_OR_RETURN(grant.resources, ReadRequiredList(node, path, "resources", ResourceFault));
  MK8S_ASSIGN_OR_RETURN(grant.names, ReadOptionalList(node, path, "names", Anything));
  MK8S_ASSIGN_OR_RETURN(grant.except_resources,
                        ReadOptionalList(node, path, "except_resources", ResourceFault));
  MK8S_ASSIGN_OR_RETURN(grant.except_namespaces,
                        ReadOptionalList(node, path, "except_namespaces", Anything));
  return grant;
}

std::string RoleNameFault(std::string_view name) {
  const auto sound = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  const bool edges = !name.empty() && name.front() != '-' && name.front() != '.';
  if (edges && name.size() <= kRoleNameBytesMax && std::all_of(name.begin(), name.end(), sound)) {
    return {};
  }
  return "a role's name has up to 64 of a-z 0-9 - _ . and begins with none of - .";
}

Result<Role> ReadRole(const DocumentNode& node, const std::string& path) {
  MK8S_RETURN_IF_ERROR(CheckKeys(node, path, {"name", "admin", "clusters"}));
  Role role;
  MK8S_ASSIGN_OR_RETURN(const DocumentNode* name, Require(node, path, "name"));
  MK8S_ASSIGN_OR_RETURN(role.name, ReadString(*name, Joined(path, "name")));
  if (const std::string why = RoleNameFault(role.name); !why.empty()) {
    return Wrong(*name, Joined(path, "name"), why);
  }
  if (const DocumentNode* admin = Find(node, "admin"); admin != nullptr) {
    if (admin->kind != Kind::kBool) {
      return Wrong(*admin, Joined(path, "admin"), "must be true or false");
    }
    role.admin = admin->text == "true";
  }
  const DocumentNode* clusters = Find(node, "clusters");
  if (clusters == nullptr || clusters->kind == Kind::kNull) return role;
  const std::string clusters_path = Joined(path, "clusters");
  if (clusters->kind != Kind::kList) return Wrong(*clusters, clusters_path, "must be a list");
  if (clusters->items.size() > kGrantsPerRoleMax) {
    return Wrong(*clusters, clusters_path, "has more than 500 entries");
  }
  for (std::size_t i = 0; i < clusters->items.size(); ++i) {
    MK8S_ASSIGN_OR_RETURN(Grant grant, ReadGrant(clusters->items[i], Indexed(clusters_path, i)));
    role.grants.push_back(std::move(grant));
  }
  return role;
}

Result<RoleAssignment> ReadAssignment(const DocumentNode& node, const std::string& path) {
  MK8S_RETURN_IF_ERROR(CheckKeys(node, path, {"email", "roles"}));
  RoleAssignment assignment;
  MK8S_ASSIGN_OR_RETURN(const DocumentNode* email, Require(node, path, "email"));
  MK8S_ASSIGN_OR_RETURN(assignment.email, ReadString(*email, Joined(path, "email")));
  const std::size_t at = assignment.email.find('@');
  if (at == 0 || at == std::string::npos || at + 1 == assignment.email.size() ||
      assignment.email.size() > kEmailBytesMax || assignment.email.find(' ') != std::string::npos) {
    return Wrong(*email, Joined(path, "email"), "must be an e-mail address");
  }
  assignment.email = ToLower(assignment.email);
  MK8S_ASSIGN_OR_RETURN(const DocumentNode* roles, Require(node, path, "roles"));
  MK8S_ASSIGN_OR_RETURN(assignment.roles, ReadList(*roles, Joined(path, "roles"), RoleNameFault));
  return assignment;
}

// Appends each item of the list at `key`, read by `read`, to `out`.
template <typename T, typename Read>
Result<void> ReadItems(const DocumentNode& document, std::string_view key, Read read,
                       std::vector<T>& out) {
  const DocumentNode* list = Find(document, key);
  if (list == nullptr || list->kind == Kind::kNull) return {};
  const std::string path(key);
  if (list->kind != Kind::kList) return Wrong(*list, path, "must be a list");
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    MK8S_ASSIGN_OR_RETURN(T item, read(list->items[i], Indexed(path, i)));
    out.push_back(std::move(item));
  }
  return {};
}

}  // namespace

Result<RolesFile> ParseRolesFile(std::string_view yaml) {
  MK8S_ASSIGN_OR_RETURN(const std::vector<DocumentNode> documents, DocumentsFromYaml(yaml));
  RolesFile file;
  for (const DocumentNode& document : documents) {
    if (document.kind == Kind::kNull) continue;
    MK8S_RETURN_IF_ERROR(CheckKeys(document, "", {"roles", "users"}));
    const std::size_t before = file.roles.size();
    MK8S_RETURN_IF_ERROR(ReadItems(document, "roles", ReadRole, file.roles));
    MK8S_RETURN_IF_ERROR(ReadItems(document, "users", ReadAssignment, file.users));
    for (std::size_t i = before; i < file.roles.size(); ++i) {
      const auto earlier = file.roles.begin() + static_cast<std::ptrdiff_t>(i);
      const bool twice = std::any_of(file.roles.begin(), earlier,
                                     [&](const Role& role) { return role.name == earlier->name; });
      const DocumentNode& written = Find(document, "roles")->items[i - before];
      if (twice) return Wrong(written, "", "role \"" + earlier->name + "\" is defined twice");
    }
  }
  return file;
}

Result<Role> ParseRoleJson(std::string_view json) {
  MK8S_ASSIGN_OR_RETURN(const DocumentNode document, DocumentFromJson(json));
  return ReadRole(document, "");
}

Result<void> ValidateRole(const Role& role) {
  // The one set of rules is the reader's, and what is written can be read.
  MK8S_ASSIGN_OR_RETURN(const Role read, ParseRoleJson(RoleToJson(role)));
  (void)read;
  return {};
}

}  // namespace mk8s::auth

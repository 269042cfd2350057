// Roles written back (role_parse.h): JSON for the API and the database, YAML for people; and the
// roles that every mk8s has.
#include <yaml-cpp/yaml.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "auth/role_parse.h"

namespace mk8s::auth {
namespace {

using Strings = std::vector<std::string>;

void AddList(boost::json::object& object, std::string_view key, const Strings& strings,
             bool optional) {
  if (optional && strings.empty()) return;
  object[key] = boost::json::array(strings.begin(), strings.end());
}

void EmitList(YAML::Emitter& out, const char* key, const Strings& strings, bool optional) {
  if (optional && strings.empty()) return;
  out << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
  for (const std::string& text : strings) out << YAML::DoubleQuoted << text;
  out << YAML::EndSeq;
}

void EmitRole(YAML::Emitter& out, const Role& role) {
  // Quoted, for a role may be called "true".
  out << YAML::BeginMap << YAML::Key << "name" << YAML::Value << YAML::DoubleQuoted << role.name;
  if (role.admin) out << YAML::Key << "admin" << YAML::Value << true;
  out << YAML::Key << "clusters" << YAML::Value << YAML::BeginSeq;
  for (const Grant& grant : role.grants) {
    out << YAML::BeginMap;
    out << YAML::Key << "name" << YAML::Value << YAML::DoubleQuoted << grant.cluster;
    EmitList(out, "namespaces", grant.namespaces, false);
    EmitList(out, "verbs", grant.verbs, false);
    EmitList(out, "resources", grant.resources, false);
    EmitList(out, "names", grant.names, true);
    EmitList(out, "except_resources", grant.except_resources, true);
    EmitList(out, "except_namespaces", grant.except_namespaces, true);
    out << YAML::EndMap;
  }
  out << YAML::EndSeq << YAML::EndMap;
}

}  // namespace

std::string RoleToJson(const Role& role) {
  boost::json::array clusters;
  for (const Grant& grant : role.grants) {
    boost::json::object cluster{{"name", grant.cluster}};
    AddList(cluster, "namespaces", grant.namespaces, false);
    AddList(cluster, "verbs", grant.verbs, false);
    AddList(cluster, "resources", grant.resources, false);
    AddList(cluster, "names", grant.names, true);
    AddList(cluster, "except_resources", grant.except_resources, true);
    AddList(cluster, "except_namespaces", grant.except_namespaces, true);
    clusters.push_back(std::move(cluster));
  }
  return boost::json::serialize(boost::json::object{
      {"name", role.name}, {"admin", role.admin}, {"clusters", std::move(clusters)}});
}

std::string RolesToYaml(const std::vector<Role>& roles) {
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "roles" << YAML::Value << YAML::BeginSeq;
  for (const Role& role : roles) EmitRole(out, role);
  out << YAML::EndSeq << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

const std::vector<Role>& BuiltInRoles() {
  static const std::vector<Role> roles = {
      {.name = "admin",
       .admin = true,
       .grants = {{.cluster = "*", .namespaces = {"*"}, .verbs = {"*"}, .resources = {"*"}}},
       .built_in = true},
      {.name = "developer",
       .grants = {{.cluster = "dev-*",
                   .namespaces = {"*"},
                   .verbs = {"get", "list", "logs", "exec"},
                   .resources = {"pods", "services", "deployments"}}},
       .built_in = true},
      {.name = "viewer",
       .grants = {{.cluster = "*",
                   .namespaces = {"*"},
                   .verbs = {"get", "list"},
                   .resources = {"*"},
                   .except_resources = {"secrets"}}},
       .built_in = true},
  };
  return roles;
}

}  // namespace mk8s::auth

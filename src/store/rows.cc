// Rows to models; the two JSON columns.
#include "store/rows.h"

#include <boost/json.hpp>

#include "auth/role_parse.h"
#include "base/log.h"

namespace mk8s::store {
namespace {

// What an agent said of its cluster is for display: unreadable pieces are left empty.
ClusterMetadata ParseMetadata(std::string_view json) {
  ClusterMetadata metadata;
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(json, error);
  const auto* object = error ? nullptr : value.if_object();
  if (!object) return metadata;
  const auto text = [&](std::string_view key) {
    const auto* member = object->if_contains(key);
    return member && member->is_string() ? std::string(member->get_string()) : std::string();
  };
  metadata.kubernetes_version = text("kubernetes_version");
  metadata.agent_version = text("agent_version");
  metadata.platform = text("platform");
  metadata.sandbox = text("sandbox");
  const auto* nodes = object->if_contains("node_count");
  if (nodes && nodes->is_int64()) metadata.node_count = static_cast<int>(nodes->get_int64());
  return metadata;
}

}  // namespace

User ReadUser(const Row& row) {
  User user;
  user.id = row.String(0);
  user.email = row.String(1);
  user.password_hash = row.String(2);
  user.password_change_required = row.Boolean(3);
  user.disabled = row.Boolean(4);
  user.created_at = row.Time(5);
  user.last_login = row.OptionalTime(6);
  return user;
}

Role ReadRole(const Row& row) {
  auto role = auth::ParseRoleJson(row.Text(1));
  if (!role) {
    log::Err("role in the database cannot be read and grants nothing",
             {{"role", row.Text(0)}, {"error", role.error()}});
    role = Role{};
  }
  role->name = row.String(0);
  role->built_in = row.Boolean(2);
  return *std::move(role);
}

Cluster ReadCluster(const Row& row) {
  Cluster cluster;
  cluster.id = row.String(0);
  cluster.name = row.String(1);
  cluster.agent_token_hash = row.String(2);
  cluster.token_generation = row.Integer(3);
  cluster.epoch = row.Integer(4);
  cluster.last_seen = row.OptionalTime(5);
  cluster.metadata = ParseMetadata(row.Text(6));
  cluster.created_at = row.Time(7);
  return cluster;
}

std::string MetadataToJson(const ClusterMetadata& metadata) {
  return boost::json::serialize(
      boost::json::object{{"kubernetes_version", metadata.kubernetes_version},
                          {"node_count", metadata.node_count},
                          {"agent_version", metadata.agent_version},
                          {"platform", metadata.platform},
                          {"sandbox", metadata.sandbox}});
}

LoginSession ReadSession(const Row& row) {
  LoginSession session;
  session.id = row.String(0);
  session.user_id = row.String(1);
  session.created_at = row.Time(2);
  session.expires_at = row.Time(3);
  session.revoked_at = row.OptionalTime(4);
  session.refresh_hash = row.String(5);
  session.source_ip = row.String(6);
  session.user_agent = row.String(7);
  return session;
}

std::string Select(std::string_view columns, std::string_view rest) {
  return "SELECT " + std::string(columns) + " " + std::string(rest);
}

}  // namespace mk8s::store

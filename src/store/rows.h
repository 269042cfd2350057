// Columns of the tables <-> models.  Each SELECT that is read by one of these lists its columns by
// the constant beside it.
#pragma once

#include <string>
#include <string_view>

#include "models/account.h"
#include "models/cluster.h"
#include "models/role.h"
#include "store/sql.h"

namespace mk8s::store {

inline constexpr std::string_view kUserColumns =
    "id, email, password_hash, password_change_required, disabled, created_at, last_login";
User ReadUser(const Row& row);  // without roles

inline constexpr std::string_view kRoleColumns = "name, permissions, built_in";
/// A role that cannot be read (a newer mk8s wrote it) grants nothing, and the log says so.
Role ReadRole(const Row& row);

inline constexpr std::string_view kClusterColumns =
    "id, name, agent_token, token_generation, epoch, last_seen, metadata, created_at";
Cluster ReadCluster(const Row& row);
std::string MetadataToJson(const ClusterMetadata& metadata);

inline constexpr std::string_view kSessionColumns =
    "id, user_id, created_at, expires_at, revoked_at, refresh_hash, source_ip, user_agent";
LoginSession ReadSession(const Row& row);

/// "SELECT <columns> <rest>".
std::string Select(std::string_view columns, std::string_view rest);

}  // namespace mk8s::store

// Clusters and what their agents say of them.
#include "base/text.h"
#include "store/rows.h"
#include "store/sql_store.h"

namespace mk8s::store {
namespace {

Error NoSuchCluster(std::string_view cluster) {
  return MakeError(ErrorCode::kNotFound, "there is no cluster \"" + Printable(cluster, 253) + "\"");
}

}  // namespace

Result<void> SqlStore::CreateCluster(const Cluster& cluster) {
  return Change([&](Connection& connection) -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(
        const std::int64_t created,
        connection.Execute(
            "INSERT INTO clusters (id, name, agent_token, token_generation, epoch, status, "
            "last_seen, metadata, created_at) VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7, $8) "
            "ON CONFLICT DO NOTHING",
            {cluster.id, cluster.name, cluster.agent_token_hash, cluster.token_generation,
             cluster.epoch, cluster.last_seen, MetadataToJson(cluster.metadata),
             cluster.created_at}));
    if (created == 0) {
      return MakeError(ErrorCode::kAlreadyExists,
                       "there is a cluster \"" + Printable(cluster.name, 253) +
                           "\" already; mk8s clusters rotate-token makes a new token for it");
    }
    return {};
  });
}

Result<void> SqlStore::DeleteCluster(std::string_view cluster) {
  return Change([&](Connection& connection) -> Result<void> {
    MK8S_ASSIGN_OR_RETURN(
        const std::int64_t deleted,
        connection.Execute("DELETE FROM clusters WHERE id = $1 OR name = $1", {cluster}));
    if (deleted == 0) return NoSuchCluster(cluster);
    return {};
  });
}

Result<Cluster> SqlStore::RotateClusterToken(std::string_view cluster,
                                             std::string_view token_hash) {
  std::optional<Cluster> rotated;
  MK8S_RETURN_IF_ERROR(Change([&](Connection& connection) -> Result<void> {
    rotated.reset();
    MK8S_RETURN_IF_ERROR(connection.Execute(
        "UPDATE clusters SET agent_token = $2, token_generation = token_generation + 1 WHERE id = "
        "$1 OR name = $1 RETURNING " +
            std::string(kClusterColumns),
        {cluster, token_hash}, [&](const Row& row) { rotated = ReadCluster(row); }));
    if (!rotated) return NoSuchCluster(cluster);
    return {};
  }));
  return *std::move(rotated);
}

Result<std::int64_t> SqlStore::NextClusterEpoch(std::string_view cluster) {
  std::optional<std::int64_t> epoch;
  MK8S_RETURN_IF_ERROR(database_->Run(Access::kWrite, [&](Connection& connection) -> Result<void> {
    epoch.reset();
    MK8S_RETURN_IF_ERROR(connection.Execute(
        "UPDATE clusters SET epoch = epoch + 1 WHERE id = $1 OR name = $1 RETURNING epoch",
        {cluster}, [&](const Row& row) { epoch = row.Integer(0); }));
    if (!epoch) return NoSuchCluster(cluster);
    return {};
  }));
  return *epoch;
}

Result<void> SqlStore::RecordSightings(std::span<const ClusterSighting> sightings) {
  return database_->Run(Access::kWrite, [&](Connection& connection) -> Result<void> {
    for (const ClusterSighting& sighting : sightings) {
      MK8S_RETURN_IF_ERROR(connection.Execute(
          "UPDATE clusters SET status = $2, last_seen = $3, metadata = $4 WHERE id = $1",
          {sighting.cluster_id, sighting.connected ? "connected" : "disconnected", sighting.seen_at,
           MetadataToJson(sighting.metadata)}));
    }
    return {};
  });
}

}  // namespace mk8s::store

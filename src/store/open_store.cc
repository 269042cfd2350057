// From configuration to an open, migrated store.
#include "store/databases.h"
#include "store/migrations.h"
#include "store/sql_store.h"

namespace mk8s::store {
namespace {

Result<std::unique_ptr<Database>> OpenDatabase(std::string_view driver, const std::string& url,
                                               int connections_max) {
  if (driver == "postgres") return OpenPostgres(url, connections_max);
  if (driver != "sqlite") {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "database.driver must be sqlite or postgres, not \"" + std::string(driver) + "\"");
  }
  std::string_view path = url;
  if (path.starts_with("sqlite:")) path.remove_prefix(7);
  if (path.starts_with("//")) path.remove_prefix(2);
  if (path.empty() || path.find("://") != std::string_view::npos) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "database.url must name a file, such as sqlite:///var/lib/mk8s/mk8s.db");
  }
  return OpenSqlite(std::string(path));
}

}  // namespace

Result<std::unique_ptr<Store>> OpenStore(std::string_view driver, const Secret& url,
                                         int connections_max) {
  MK8S_ASSIGN_OR_RETURN(auto database, OpenDatabase(driver, url.Reveal(), connections_max));
  MK8S_RETURN_IF_ERROR(Migrate(*database));
  return std::unique_ptr<Store>(std::make_unique<SqlStore>(std::move(database)));
}

}  // namespace mk8s::store

// The schema's versions.
#pragma once

#include "base/result.h"
#include "store/sql.h"

namespace mk8s::store {

/// Brings the tables up to the newest version, all steps in one transaction.  Safe to run twice and
/// from several processes at once.  kFailedPrecondition if a newer mk8s wrote the database.
Result<void> Migrate(Database& database);

Result<int> ReadSchemaVersion(Database& database);

}  // namespace mk8s::store

// The two databases behind sql.h.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "store/sql.h"

namespace mk8s::store {

/// `path` is created with mode 0600 if absent; its folder must exist.  Proves that it can be
/// written.  WAL with synchronous=FULL: a commit is on disk when Run returns.  One writer at a time
/// in all processes; readers do not wait for it.
Result<std::unique_ptr<Database>> OpenSqlite(const std::string& path);

/// `conninfo` is a libpq URL or key=value string.  Proves that it can be reached.  Connections that
/// die are made again by the next call.
Result<std::unique_ptr<Database>> OpenPostgres(const std::string& conninfo, int connections_max);

}  // namespace mk8s::store

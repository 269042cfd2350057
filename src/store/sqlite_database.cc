// SQLite behind sql.h: a writer and a few readers over one WAL file.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <unordered_map>

#include "base/limits.h"
#include "store/databases.h"
#include "store/pool.h"

namespace mk8s::store {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

Error Unwritable(const std::string& path, std::string_view why, std::string detail) {
  return MakeError(ErrorCode::kPermissionDenied,
                   "cannot write the database " + path + ": " + std::string(why) +
                       "; give the user that runs mk8s-central write access to the file and its "
                       "folder, or set database.url to another path",
                   std::move(detail));
}

Error ToError(sqlite3* database, const std::string& path) {
  const int code = sqlite3_extended_errcode(database);
  std::string detail = "sqlite " + std::to_string(code) + ": " + sqlite3_errmsg(database);
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY) {
        return MakeError(ErrorCode::kAlreadyExists, "it exists already", std::move(detail));
      }
      return MakeError(ErrorCode::kInternal, "the database refused a write", std::move(detail));
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Unwritable(path, "it is read-only", std::move(detail));
    case SQLITE_CANTOPEN:
      return Unwritable(path, "it cannot be opened", std::move(detail));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return MakeError(ErrorCode::kUnavailable,
                       "the database is locked by another process; try again later",
                       std::move(detail));
    case SQLITE_FULL:
      return MakeError(ErrorCode::kUnavailable,
                       "the disk of the database " + path + " is full; free some space",
                       std::move(detail));
    case SQLITE_IOERR:
      return MakeError(ErrorCode::kUnavailable,
                       "the database " + path + " cannot be read or written", std::move(detail));
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return MakeError(ErrorCode::kDataLoss,
                       path + " is not a SQLite database or is damaged; restore it from a backup",
                       std::move(detail));
    default:
      return MakeError(ErrorCode::kInternal, "the database failed", std::move(detail));
  }
}

class SqliteRow : public Row {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  bool IsNull(int column) const override {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  std::string_view Text(int column) const override {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return {text ? text : "", static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }
  std::string Bytes(int column) const override {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return bytes ? std::string(bytes,
                               static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
                 : std::string();
  }

 private:
  sqlite3_stmt* statement_;
};

class SqliteConnection : public Connection {
 public:
  static Result<std::unique_ptr<SqliteConnection>> Open(const std::string& path);

  using Connection::Execute;
  Result<std::int64_t> Execute(std::string_view sql, std::span<const Param> params,
                               const RowReader& reader) override;
  Result<void> ExecuteScript(const std::string& sql) override;
  bool InTransaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }

 private:
  Result<sqlite3_stmt*> Prepare(std::string_view sql);
  void Bind(sqlite3_stmt* statement, std::span<const Param> params);

  std::string path_;
  // The statements go before the database that they belong to.
  std::unique_ptr<sqlite3, CloseDatabase> database_;
  std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, FinalizeStatement>> statements_;
};

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(const std::string& path) {
  auto connection = std::make_unique<SqliteConnection>();
  connection->path_ = path;
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &database,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  connection->database_.reset(database);
  if (code != SQLITE_OK) return ToError(database, path);
  const auto wait = std::chrono::milliseconds(limits::kStoreDeadline);
  sqlite3_busy_timeout(database, static_cast<int>(wait.count()));
  // FULL: in WAL mode a commit is synced before it is answered; the audit log stands on that.
  constexpr const char* kSettings =
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
      "PRAGMA journal_size_limit = 67108864;";
  // While another opens or closes the same file, SQLite answers the first of these by BUSY at once,
  // past the busy timeout.
  constexpr std::chrono::milliseconds kPause{5};
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (;;) {
    const auto set = connection->ExecuteScript(kSettings);
    if (set) break;
    const bool busy = sqlite3_errcode(database) == SQLITE_BUSY;
    if (!busy || std::chrono::steady_clock::now() >= deadline) return set.error();
    std::this_thread::sleep_for(kPause);
  }
  return connection;
}

// PostgreSQL's $1 is a name to SQLite, numbered by first appearance and looked up from the list's
// start: an insert of many rows spent most of its time on that.  ?1 is the number itself.  Our SQL
// has no $ in its literals.
std::string WithNumberedParameters(std::string sql) {
  std::replace(sql.begin(), sql.end(), '$', '?');
  return sql;
}

Result<sqlite3_stmt*> SqliteConnection::Prepare(std::string_view sql) {
  const std::string key(sql);
  if (const auto found = statements_.find(key); found != statements_.end()) {
    return found->second.get();
  }
  sqlite3_stmt* statement = nullptr;
  const std::string numbered = WithNumberedParameters(key);
  if (sqlite3_prepare_v3(database_.get(), numbered.c_str(), static_cast<int>(numbered.size() + 1),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    return ToError(database_.get(), path_);
  }
  statements_.emplace(key, statement);
  return statement;
}

void SqliteConnection::Bind(sqlite3_stmt* statement, std::span<const Param> params) {
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Param& param = params[i];
    const int index = static_cast<int>(i + 1);
    const std::string_view text = param.Text();
    switch (param.kind) {
      case Param::Kind::kNull:
        sqlite3_bind_null(statement, index);
        break;
      case Param::Kind::kInteger:
      case Param::Kind::kBoolean:
        sqlite3_bind_int64(statement, index, param.integer);
        break;
      case Param::Kind::kText:
        sqlite3_bind_text64(statement, index, text.data() ? text.data() : "", text.size(),
                            SQLITE_STATIC, SQLITE_UTF8);
        break;
      case Param::Kind::kBytes:
        sqlite3_bind_blob64(statement, index, text.data() ? text.data() : "", text.size(),
                            SQLITE_STATIC);
        break;
    }
  }
}

Result<std::int64_t> SqliteConnection::Execute(std::string_view sql, std::span<const Param> params,
                                               const RowReader& reader) {
  MK8S_ASSIGN_OR_RETURN(sqlite3_stmt * statement, Prepare(sql));
  Bind(statement, params);
  std::int64_t rows = 0;
  int code = SQLITE_ROW;
  const SqliteRow row(statement);
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    ++rows;
    if (reader) reader(row);
  }
  const bool returns_rows = sqlite3_column_count(statement) > 0;
  std::optional<Error> error;
  if (code != SQLITE_DONE) error = ToError(database_.get(), path_);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (error) return *std::move(error);
  return returns_rows ? rows : sqlite3_changes64(database_.get());
}

Result<void> SqliteConnection::ExecuteScript(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return ToError(database_.get(), path_);
  }
  return {};
}

class SqliteDatabase : public Database {
 public:
  explicit SqliteDatabase(const std::string& path)
      : writer_(1, [path] { return SqliteConnection::Open(path); }),
        readers_(limits::kSqliteReadersMax, [path] { return SqliteConnection::Open(path); }) {}

  Result<void> Run(Access access, const Body& body) override {
    const bool reading = access == Access::kRead;
    MK8S_ASSIGN_OR_RETURN(auto connection, (reading ? readers_ : writer_).Acquire());
    MK8S_RETURN_IF_ERROR(connection->Execute(reading ? "BEGIN" : "BEGIN IMMEDIATE"));
    auto result = body(*connection);
    if (result) {
      if (auto committed = connection->Execute("COMMIT"); !committed) {
        result = std::move(committed).error();
      }
    }
    if (result) return result;
    // Some failures (disk full, I/O) rolled back already.
    if (connection->InTransaction() && !connection->Execute("ROLLBACK")) connection.Discard();
    return result;
  }

 private:
  Pool<SqliteConnection> writer_;
  Pool<SqliteConnection> readers_;
};

}  // namespace

Result<std::unique_ptr<Database>> OpenSqlite(const std::string& path) {
  // SQLite would create it with the umask's mode; its -wal and -shm files take this one's.  An
  // existing file is not opened here: closing it would drop the locks that this process holds on
  // it through SQLite (POSIX advisory locks, https://sqlite.org/howtocorrupt.html section 2.2).
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) {
    ::close(file);
  } else if (errno != EEXIST) {
    const std::string why = std::strerror(errno);
    return Unwritable(path, why, "open: " + why);
  }
  auto database = std::make_unique<SqliteDatabase>(path);
  // Taking the write lock shows what opening does not: a read-only file system, a missing folder
  // permission for the -wal file.
  MK8S_RETURN_IF_ERROR(database->Run(Access::kWrite, [](Connection&) { return Result<void>(); }));
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace mk8s::store

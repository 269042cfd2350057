// What SqlStore needs of a database, implemented by sqlite_database.cc and postgres_database.cc.
// Both take the same SQL text: parameters are $1, $2, ...; types are those of PostgreSQL, which
// SQLite reads as affinities (TIMESTAMPTZ holds RFC 3339 text there, JSONB and BOOLEAN text and
// integers).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace mk8s::store {

/// A parameter.  Text and bytes are views: they must live until Execute returns.
struct Param {
  enum class Kind { kNull, kInteger, kBoolean, kText, kBytes };

  Param(std::string_view text) : kind(Kind::kText), view(text) {}
  Param(const std::string& text) : Param(std::string_view(text)) {}
  Param(const char* text) : Param(std::string_view(text)) {}
  Param(std::int64_t number) : kind(Kind::kInteger), integer(number) {}
  Param(int number) : Param(std::int64_t{number}) {}
  Param(bool flag) : kind(Kind::kBoolean), integer(flag) {}
  Param(WallTime time) : kind(Kind::kText), owned(FormatTime(time)) {}
  Param(const std::optional<WallTime>& time);
  static Param Bytes(std::string_view bytes);

  std::string_view Text() const { return owned.empty() ? view : std::string_view(owned); }

  Kind kind = Kind::kNull;
  std::int64_t integer = 0;
  std::string_view view;
  std::string owned;  // of times

 private:
  Param() = default;
};

/// One row of an answer, valid only during the call it is given to.  Columns count from 0.
class Row {
 public:
  virtual ~Row() = default;
  virtual bool IsNull(int column) const = 0;
  virtual std::string_view Text(int column) const = 0;  // NULL: empty
  virtual std::string Bytes(int column) const = 0;

  std::string String(int column) const { return std::string(Text(column)); }
  std::int64_t Integer(int column) const;
  bool Boolean(int column) const;
  WallTime Time(int column) const;  // the epoch if unreadable
  std::optional<WallTime> OptionalTime(int column) const;
};

using RowReader = std::function<void(const Row&)>;

/// One connection inside a transaction.  One thread at a time.
class Connection {
 public:
  virtual ~Connection() = default;
  /// Runs one statement, prepared on first use and kept; `sql` must come from a small set.  Returns
  /// the rows changed (those returned, for SELECT).  Errors: kAlreadyExists (a unique constraint),
  /// kInvalidArgument (text the database cannot hold), kUnavailable, kInternal.  After an error the
  /// transaction can only be given up.
  virtual Result<std::int64_t> Execute(std::string_view sql, std::span<const Param> params,
                                       const RowReader& reader) = 0;
  /// Several statements without parameters: the text of a migration.
  virtual Result<void> ExecuteScript(const std::string& sql) = 0;

  Result<std::int64_t> Execute(std::string_view sql, std::initializer_list<Param> params = {},
                               const RowReader& reader = {}) {
    return Execute(sql, std::span(params.begin(), params.size()), reader);
  }
};

enum class Access {
  kRead,     // one consistent view of the whole database
  kWrite,    // sees what others committed; durable when done
  kMigrate,  // kWrite, alone among all processes that migrate
};

/// Threads: any.
class Database {
 public:
  virtual ~Database() = default;
  using Body = std::function<Result<void>(Connection&)>;
  /// Runs `body` in a transaction: commits if it returns no error, else rolls back.  `body` may run
  /// again from the start after a lost connection or a conflict, so it begins by clearing what it
  /// fills.  Ends within about limits::kStoreDeadline.
  virtual Result<void> Run(Access access, const Body& body) = 0;
};

}  // namespace mk8s::store

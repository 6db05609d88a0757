// A thin SQLite connection: cached statements, typed binding, transactions that roll back unless committed.
// Thread: one caller at a time per Database. A Query borrows its Database and ends before it; one Query per
// SQL text at a time. Failures are thrown as ErrorException (kFatal, with words) and turned into Results at
// the ledger's surface.
#pragma once
#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.hpp"
#include "chain/types.hpp"

namespace anduin::settle {

class Database {
 public:
  enum class Mode : std::uint8_t { kReadWrite, kReadOnly };
  /// kReadWrite creates the file with mode 0600 in WAL mode and holds `<path>.lock` while open: a second
  /// process is refused. `synchronous` off is for throw-away files.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path, Mode mode,
                                                bool synchronous = true);
  /// For a file that nobody else has: written without WAL and without the lock, FULL synchronous.
  static Result<std::unique_ptr<Database>> open_copy(const std::filesystem::path& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void exec(const char* sql);
  [[nodiscard]] std::int64_t last_id() const { return sqlite3_last_insert_rowid(db_); }
  [[nodiscard]] int changes() const { return sqlite3_changes(db_); }
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }
  [[nodiscard]] sqlite3* handle() const { return db_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// After a failed sync the file's true content is unknown to this process: no more writes until a
  /// restart.
  [[nodiscard]] bool broken() const { return broken_; }
  [[noreturn]] void fail(const char* doing);

 private:
  friend class Query;
  Database() = default;
  sqlite3_stmt* prepare(std::string_view sql);

  sqlite3* db_ = nullptr;
  std::string path_;
  int lock_fd_ = -1;
  bool broken_ = false;
  std::unordered_map<std::string_view, sqlite3_stmt*> statements_;  ///< keys are literals of the program
};

/// One execution of a statement. `sql` must be a literal or live as long as the Database.
class Query {
 public:
  Query(Database& db, std::string_view sql);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& bind(std::int64_t v);
  Query& bind(std::string_view v);
  Query& bind(const Bytes& v);
  Query& bind(const chain::Hash& v) { return bind_blob(v.bytes.data(), v.bytes.size()); }
  Query& bind(const chain::Address& v) { return bind_blob(v.bytes.data(), v.bytes.size()); }
  Query& bind(std::nullptr_t);
  /// 256-bit numbers are decimal text: SQLite's integers have 64 bits and a sign.
  Query& bind(const chain::U256& v) { return bind(std::string_view(v.str())); }
  template <class T>
  Query& bind(const std::optional<T>& v) {
    return v ? bind(*v) : bind(nullptr);
  }
  Query& bind(double) = delete;
  template <class A, class B, class... Rest>
  Query& bind(const A& a, const B& b, const Rest&... rest) {
    bind(a);
    return bind(b, rest...);
  }

  /// True while there is a row.
  bool step();
  /// Runs a statement without rows; returns how many rows it changed.
  int run();

  [[nodiscard]] bool null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  /// The column's type, length and bytes, so that no two rows give the same text. For digests.
  void append_to(std::string& out, int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] Bytes blob(int column) const;
  [[nodiscard]] chain::Hash hash(int column) const;
  [[nodiscard]] chain::Address address(int column) const;
  [[nodiscard]] chain::U256 number(int column) const;

 private:
  Query& bind_blob(const void* data, std::size_t size);
  void check(int rc);
  Database& db_;
  sqlite3_stmt* statement_;
  int next_ = 1;
};

/// BEGIN IMMEDIATE; rolls back unless commit() was reached.
class Transaction {
 public:
  explicit Transaction(Database& db);
  ~Transaction();
  void commit();

 private:
  Database& db_;
};

}  // namespace anduin::settle

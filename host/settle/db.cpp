#include "settle/db.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace anduin::settle {
namespace {

/// A CLI reader may hold the file for a moment; longer than this is a hang and must be told.
constexpr int kBusyMs = 5'000;

Error fatal(const std::string& path, const std::string& text) { return {ErrorKind::kFatal, path, text}; }

/// What the operator has to do about a database failure.
std::string advice(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return "the disk (or its quota) is full; nothing of this write was kept. Free space";
    case SQLITE_IOERR:
      return "the disk failed to read, write or sync; nothing more is written until the host is restarted. "
             "Check the disk";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return "the file or its folder cannot be opened for writing by this user";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "the file is damaged or is no ledger; restore a backup";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another program holds the ledger locked";
    default:
      return "the ledger database failed";
  }
}

/// One writing process per ledger: nonces and slots have a single owner.
Result<int> take_lock(const std::string& path) {
  const std::string lock = path + ".lock";
  const int fd = ::open(lock.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return fatal(lock, std::string("cannot create the lock file: ") + std::strerror(errno));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return fatal(path, "another process has this ledger open for writing; one host per ledger");
  }
  return fd;
}

/// Mode 0600; SQLite gives its -wal and -shm files the mode of the database file. An existing file is not
/// opened here: closing it again would drop the locks of another connection in this process.
Result<void> make_private(const std::string& path) {
  const int fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
    return {};
  }
  if (errno != EEXIST) return fatal(path, std::string("cannot create: ") + std::strerror(errno));
  if (::chmod(path.c_str(), 0600) != 0)
    return fatal(path, std::string("cannot set mode 0600: ") + std::strerror(errno));
  return {};
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path, Mode mode,
                                                 bool synchronous) {
  std::unique_ptr<Database> out(new Database());
  out->path_ = path.string();
  int flags = SQLITE_OPEN_NOMUTEX;
  if (mode == Mode::kReadWrite) {
    const auto lock = take_lock(out->path_);
    if (!lock) return lock.error();
    out->lock_fd_ = *lock;
    if (auto made = make_private(out->path_); !made) return made.error();
    flags |= SQLITE_OPEN_READWRITE;
  } else {
    if (!std::filesystem::exists(path))
      return Error{ErrorKind::kBadRequest, out->path_, "there is no such ledger"};
    flags |= SQLITE_OPEN_READONLY;
  }
  if (sqlite3_open_v2(out->path_.c_str(), &out->db_, flags, nullptr) != SQLITE_OK) {
    const std::string text = out->db_ != nullptr ? sqlite3_errmsg(out->db_) : "out of memory";
    return fatal(out->path_, "cannot open the ledger: " + text);
  }
  sqlite3_extended_result_codes(out->db_, 1);
  sqlite3_busy_timeout(out->db_, kBusyMs);
  try {
    out->exec("PRAGMA foreign_keys=ON");
    // 64 MiB: every new refId lands on a random page of its index, and of a million rows the usual 2 MiB hold a fraction.
    out->exec("PRAGMA cache_size=-65536");
    if (mode == Mode::kReadWrite) {
      out->exec("PRAGMA journal_mode=WAL");
      out->exec(synchronous ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
      // A checkpoint stalls the commit that triggers it: with about ten pages a commit this is one in eight
      // hundred, behind the 99th percentile, and the log stays under 32 MiB.
      out->exec("PRAGMA wal_autocheckpoint=8192");
    }
    out->exec("PRAGMA temp_store=MEMORY");
  } catch (const ErrorException& e) {
    return e.error;
  }
  return out;
}

Result<std::unique_ptr<Database>> Database::open_copy(const std::filesystem::path& path) {
  std::unique_ptr<Database> out(new Database());
  out->path_ = path.string();
  if (sqlite3_open_v2(out->path_.c_str(), &out->db_, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK)
    return fatal(out->path_, "cannot open the copy");
  sqlite3_extended_result_codes(out->db_, 1);
  try {
    out->exec("PRAGMA synchronous=FULL");
    out->exec("PRAGMA temp_store=MEMORY");
  } catch (const ErrorException& e) {
    return e.error;
  }
  return out;
}

Database::~Database() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(db_);
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

void Database::fail(const char* doing) {
  const int code = sqlite3_extended_errcode(db_);
  if ((code & 0xff) == SQLITE_IOERR) broken_ = true;
  throw ErrorException(
      Error{ErrorKind::kFatal, path_, advice(code) + " (" + doing + ": " + sqlite3_errmsg(db_) + ")"});
}

void Database::exec(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("exec");
}

sqlite3_stmt* Database::prepare(std::string_view sql) {
  if (const auto it = statements_.find(sql); it != statements_.end()) return it->second;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                         &statement, nullptr) != SQLITE_OK) {
    fail("prepare");
  }
  statements_.emplace(sql, statement);
  return statement;
}

Query::Query(Database& db, std::string_view sql) : db_(db), statement_(db.prepare(sql)) {}

Query::~Query() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Query::check(int rc) {
  if (rc != SQLITE_OK) db_.fail("bind");
}

Query& Query::bind(std::int64_t v) {
  check(sqlite3_bind_int64(statement_, next_++, v));
  return *this;
}

Query& Query::bind(std::string_view v) {
  const char* data = v.data() != nullptr ? v.data() : "";
  check(sqlite3_bind_text64(statement_, next_++, data, v.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Query& Query::bind(const Bytes& v) { return bind_blob(v.data(), v.size()); }

Query& Query::bind(std::nullptr_t) {
  check(sqlite3_bind_null(statement_, next_++));
  return *this;
}

Query& Query::bind_blob(const void* data, std::size_t size) {
  // A null pointer would bind NULL instead of an empty blob.
  check(sqlite3_bind_blob64(statement_, next_++, data != nullptr ? data : "", size, SQLITE_TRANSIENT));
  return *this;
}

bool Query::step() {
  const int rc = sqlite3_step(statement_);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  db_.fail("step");
}

int Query::run() {
  while (step()) {
  }
  return db_.changes();
}

void Query::append_to(std::string& out, int column) const {
  switch (sqlite3_column_type(statement_, column)) {
    case SQLITE_NULL:
      out += 'n';
      return;
    case SQLITE_INTEGER:
      out += 'i' + std::to_string(integer(column)) + ';';
      return;
    case SQLITE_BLOB:
      out += 'b';
      break;
    default:
      out += 't';
  }
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  out += std::to_string(size) + ':';
  if (data != nullptr) out.append(data, size);
}

std::string Query::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Bytes Query::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  if (data == nullptr) return {};
  return {data, data + sqlite3_column_bytes(statement_, column)};
}

chain::Hash Query::hash(int column) const {
  chain::Hash out;
  const Bytes b = blob(column);
  if (b.size() == out.bytes.size()) std::memcpy(out.bytes.data(), b.data(), b.size());
  return out;
}

chain::Address Query::address(int column) const {
  chain::Address out;
  const Bytes b = blob(column);
  if (b.size() == out.bytes.size()) std::memcpy(out.bytes.data(), b.data(), b.size());
  return out;
}

chain::U256 Query::number(int column) const {
  const std::string t = text(column);
  return t.empty() ? chain::U256(0) : chain::U256(t);
}

Transaction::Transaction(Database& db) : db_(db) { db_.exec("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  // Some failures have rolled back already; a rollback that fails leaves nothing we could do better.
  if (db_.in_transaction()) sqlite3_exec(db_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() { db_.exec("COMMIT"); }

}  // namespace anduin::settle

#include "settle/backup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "settle/ledger_schema.hpp"

namespace anduin::settle {
namespace {

namespace fs = std::filesystem;

constexpr int kBusyMs = 5'000;  ///< a writer's commit takes milliseconds

[[noreturn]] void fail(ErrorKind kind, const fs::path& path, const std::string& text) {
  throw ErrorException(Error{kind, path.string(), text});
}

struct Close {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Connection = std::unique_ptr<sqlite3, Close>;

Connection open(const fs::path& path, int flags) {
  sqlite3* raw = nullptr;
  const int rc = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Connection out(raw);
  if (rc != SQLITE_OK) fail(ErrorKind::kFatal, path, std::string("cannot open: ") + sqlite3_errmsg(raw));
  sqlite3_busy_timeout(raw, kBusyMs);
  return out;
}

void run(sqlite3* db, const fs::path& path, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    fail(ErrorKind::kFatal, path, std::string(sql) + ": " + sqlite3_errmsg(db));
}

/// One pass: a read transaction keeps the source as it is, and the host goes on writing.
void copy_pages(const fs::path& from, const fs::path& to) {
  const Connection source = open(from, SQLITE_OPEN_READONLY), target = open(to, SQLITE_OPEN_READWRITE);
  sqlite3_backup* copy = sqlite3_backup_init(target.get(), "main", source.get(), "main");
  if (copy == nullptr) fail(ErrorKind::kFatal, to, sqlite3_errmsg(target.get()));
  const int done = sqlite3_backup_step(copy, -1);
  const int finished = sqlite3_backup_finish(copy);
  if (done != SQLITE_DONE || finished != SQLITE_OK)
    fail(ErrorKind::kFatal, from, std::string("copying failed: ") + sqlite3_errstr(done != SQLITE_DONE ? done : finished));
  run(target.get(), to, "PRAGMA journal_mode=DELETE");  // one file, nothing beside it
}

void check_pages(const fs::path& path) {
  const Connection db = open(path, SQLITE_OPEN_READONLY);
  std::string verdict;
  const auto take = [](void* out, int, char** values, char**) {
    *static_cast<std::string*>(out) += std::string(values[0] != nullptr ? values[0] : "") + " ";
    return 0;
  };
  if (sqlite3_exec(db.get(), "PRAGMA integrity_check(3)", take, &verdict, nullptr) != SQLITE_OK)
    fail(ErrorKind::kFatal, path, std::string("the copy cannot be checked: ") + sqlite3_errmsg(db.get()));
  if (verdict != "ok ") fail(ErrorKind::kFatal, path, "the ledger is damaged: " + verdict);
}

void sync(const fs::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  const bool good = fd >= 0 && ::fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!good) fail(ErrorKind::kFatal, path, std::string("cannot be synced to disk: ") + std::strerror(error));
}

/// Goes away unless it became the copy.
struct Partial {
  fs::path path;
  ~Partial() {
    std::error_code ignored;
    for (const char* suffix : {"", "-journal", "-wal", "-shm"}) fs::remove(path.string() + suffix, ignored);
  }
};

void make_private(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) fail(ErrorKind::kFatal, path, std::string("cannot create: ") + std::strerror(errno));
  ::fchmod(fd, 0600);
  ::close(fd);
}

/// Takes the name only if nobody has it.
void publish(const fs::path& from, const fs::path& to) {
  if (::link(from.c_str(), to.c_str()) != 0) {
    fail(errno == EEXIST ? ErrorKind::kBadRequest : ErrorKind::kFatal, to,
         errno == EEXIST ? "exists; a backup never overwrites" : std::string("cannot be named: ") + std::strerror(errno));
  }
}

template <class Mark>
Result<BackupReport> copy(const fs::path& ledger, const fs::path& target, const Mark& mark) {
  try {
    std::error_code ignored;
    if (!fs::exists(ledger, ignored)) fail(ErrorKind::kBadRequest, ledger, "there is no such ledger");
    if (fs::exists(target, ignored)) fail(ErrorKind::kBadRequest, target, "exists; a backup never overwrites");
    const Partial partial{target.string() + ".partial-" + std::to_string(::getpid())};
    make_private(partial.path);
    copy_pages(ledger, partial.path);
    BackupReport out;
    mark(partial.path, out);
    check_pages(partial.path);
    sync(partial.path, O_RDWR);
    publish(partial.path, target);
    const fs::path folder = target.parent_path();
    sync(folder.empty() ? fs::path(".") : folder, O_RDONLY | O_DIRECTORY);
    out.bytes = fs::file_size(target, ignored);
    return out;
  } catch (const ErrorException& e) {
    return e.error;
  }
}

}  // namespace

Result<BackupReport> backup_ledger(const fs::path& ledger, const fs::path& target, std::int64_t now_ms) {
  return copy(ledger, target, [now_ms](const fs::path& path, BackupReport& out) {
    auto db = Database::open_copy(path);
    if (!db) throw ErrorException(db.error());
    if (auto ok = check_version(**db, schema_steps().size()); !ok) throw ErrorException(ok.error());
    out.checkpoint = checkpoint(**db);
    Query q(**db, "INSERT OR REPLACE INTO copy_mark(id, copied_ms, audit_rows, audit_digest, adopted_ms) VALUES(1, ?, ?, ?, NULL)");
    q.bind(now_ms, static_cast<std::int64_t>(out.checkpoint.rows), out.checkpoint.digest);
    q.run();
  });
}

Result<BackupReport> copy_as_it_is(const fs::path& ledger, const fs::path& target) {
  return copy(ledger, target, [](const fs::path& path, BackupReport& out) {
    auto db = Database::open_copy(path);
    if (!db) throw ErrorException(db.error());
    out.checkpoint = checkpoint(**db);
  });
}

}  // namespace anduin::settle

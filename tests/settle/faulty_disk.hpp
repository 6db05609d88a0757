// A disk that can be told to fail: an SQLite VFS in front of the real one. While an object lives it is the default for
// connections that are opened; those must be closed before it goes. One thread at a time arms it.
#pragma once
#include <sqlite3.h>

#include <atomic>
#include <cstring>

namespace anduin::settle::test {

class FaultyDisk {
 public:
  /// SQLite result codes that the next calls answer with; SQLITE_OK = the disk works.
  std::atomic<int> on_sync{SQLITE_OK}, on_write{SQLITE_OK};
  std::atomic<int> syncs{0}, failed{0};

  FaultyDisk() {
    real_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_;
    vfs_.pNext = nullptr;
    vfs_.zName = "anduin-faulty-disk";
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.pAppData = this;
    vfs_.xOpen = &open;
    vfs_.xDelete = [](sqlite3_vfs* v, const char* n, int d) { return self(v)->real_->xDelete(self(v)->real_, n, d); };
    vfs_.xAccess = [](sqlite3_vfs* v, const char* n, int f, int* r) { return self(v)->real_->xAccess(self(v)->real_, n, f, r); };
    vfs_.xFullPathname = [](sqlite3_vfs* v, const char* n, int s, char* o) {
      return self(v)->real_->xFullPathname(self(v)->real_, n, s, o);
    };
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~FaultyDisk() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
  }
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

 private:
  struct File {
    sqlite3_file base;
    FaultyDisk* disk;
    [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static FaultyDisk* self(sqlite3_vfs* v) { return static_cast<FaultyDisk*>(v->pAppData); }
  static File* file(sqlite3_file* f) { return reinterpret_cast<File*>(f); }
  static sqlite3_file* real(sqlite3_file* f) { return file(f)->real(); }

  static int open(sqlite3_vfs* v, const char* name, sqlite3_file* f, int flags, int* out) {
    File* mine = file(f);
    mine->base.pMethods = nullptr;
    mine->disk = self(v);
    std::memset(mine->real(), 0, static_cast<std::size_t>(self(v)->real_->szOsFile));
    const int rc = self(v)->real_->xOpen(self(v)->real_, name, mine->real(), flags, out);
    if (rc == SQLITE_OK) mine->base.pMethods = &methods();
    return rc;
  }

  static int write(sqlite3_file* f, const void* data, int size, sqlite3_int64 at) {
    if (const int rc = file(f)->disk->on_write; rc != SQLITE_OK) {
      ++file(f)->disk->failed;
      return rc;
    }
    return real(f)->pMethods->xWrite(real(f), data, size, at);
  }
  static int sync(sqlite3_file* f, int flags) {
    ++file(f)->disk->syncs;
    if (const int rc = file(f)->disk->on_sync; rc != SQLITE_OK) {
      ++file(f)->disk->failed;
      return rc;
    }
    return real(f)->pMethods->xSync(real(f), flags);
  }

  static const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods m = [] {
      sqlite3_io_methods out{};
      out.iVersion = 2;
      out.xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); };
      out.xRead = [](sqlite3_file* f, void* d, int n, sqlite3_int64 at) { return real(f)->pMethods->xRead(real(f), d, n, at); };
      out.xWrite = &write;
      out.xTruncate = [](sqlite3_file* f, sqlite3_int64 n) { return real(f)->pMethods->xTruncate(real(f), n); };
      out.xSync = &sync;
      out.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) { return real(f)->pMethods->xFileSize(real(f), n); };
      out.xLock = [](sqlite3_file* f, int k) { return real(f)->pMethods->xLock(real(f), k); };
      out.xUnlock = [](sqlite3_file* f, int k) { return real(f)->pMethods->xUnlock(real(f), k); };
      out.xCheckReservedLock = [](sqlite3_file* f, int* r) { return real(f)->pMethods->xCheckReservedLock(real(f), r); };
      out.xFileControl = [](sqlite3_file* f, int op, void* a) { return real(f)->pMethods->xFileControl(real(f), op, a); };
      out.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
      out.xDeviceCharacteristics = [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); };
      out.xShmMap = [](sqlite3_file* f, int i, int n, int e, void volatile** p) { return real(f)->pMethods->xShmMap(real(f), i, n, e, p); };
      out.xShmLock = [](sqlite3_file* f, int o, int n, int k) { return real(f)->pMethods->xShmLock(real(f), o, n, k); };
      out.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
      out.xShmUnmap = [](sqlite3_file* f, int d) { return real(f)->pMethods->xShmUnmap(real(f), d); };
      return out;
    }();
    return m;
  }

  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_{};
};

}  // namespace anduin::settle::test

#include "plugin/library.hpp"

#include <boost/dll/shared_library.hpp>
#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>

#include "base/hex.hpp"
#include "plugin/elf.hpp"

namespace anduin::plugin {
namespace {

constexpr const char* kSymbol = "anduin_plugin_v1";
constexpr std::uintmax_t kFileBytesMax = 256U << 20U;  // far above any plugin; stops a wrong path from filling memory

// What a pure function has no use for. A plugin that imports one of these breaks the contract of plugin.h.
constexpr std::array kForbiddenImports = {
    "socket", "connect", "bind", "listen", "accept", "accept4", "sendto", "recvfrom", "getaddrinfo",
    "fork", "vfork", "clone", "execve", "execv", "execvp", "posix_spawn", "posix_spawnp", "system", "popen",
    "pthread_create", "thrd_create", "dlopen", "dlmopen", "ptrace", "signal", "sigaction",
    "clock_gettime", "gettimeofday", "time", "rand", "random", "getrandom", "getenv", "secure_getenv",
    "fopen", "fopen64", "open", "open64", "openat", "creat", "unlink", "rename",
};

Result<Bytes> read_file(const std::string& path) {
  std::error_code ec;
  const auto size = std::filesystem::file_size(path, ec);
  if (ec) return Error{ErrorKind::kBadRequest, path, "cannot be read: " + ec.message()};
  if (size > kFileBytesMax) return Error{ErrorKind::kBadRequest, path, "is too large for a plugin (over 256 MiB)"};
  std::ifstream in(path, std::ios::binary);
  Bytes bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in) return Error{ErrorKind::kBadRequest, path, "cannot be read"};
  return bytes;
}

std::string sha256_hex(const Bytes& bytes) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(bytes.data(), bytes.size(), digest.data());
  return to_hex(digest).substr(2);
}

Result<Inspection> inspect_bytes(const Bytes& bytes, const std::string& path) {
  const auto refuse = [&](std::string what) { return Error{ErrorKind::kBadRequest, path, std::move(what)}; };
  auto elf = read_elf(bytes, ".anduin", path);
  if (!elf) return elf.error();

  const auto& exported = elf->exported;
  if (std::find(exported.begin(), exported.end(), kSymbol) == exported.end()) {
    for (const std::string& name : exported)
      if (name.starts_with("anduin_plugin_v"))
        return refuse("was built for plugin ABI major " + name.substr(15) + "; this host speaks major 1: "
                      "install the plugin's build for ABI 1, or a host of that major");
    return refuse("exports no anduin_plugin_v1: it is not an Anduin plugin");
  }
  for (const std::string& name : exported)
    if (name != kSymbol)
      return refuse("exports a second symbol, '" + name + "': build it with anduin_add_plugin(), which hides all "
                    "but anduin_plugin_v1");
  for (const std::string& name : elf->imported) {
    const std::string plain = name.substr(0, name.find('@'));
    for (const char* forbidden : kForbiddenImports)
      if (plain == forbidden)
        return refuse("imports '" + plain + "': a plugin opens nothing, starts nothing and reads no clock; the "
                      "host does that for it");
  }
  if (elf->section.empty()) return refuse("has no .anduin section: build it with anduin_add_plugin()");
  auto manifest = Manifest::parse(elf->section, path);
  if (!manifest) return manifest.error();
  if (manifest->abi_major != AND_ABI_MAJOR)
    return refuse("its manifest says ABI major " + std::to_string(manifest->abi_major) + ", the host speaks 1");
  if (manifest->abi_minor_min > AND_ABI_MINOR)
    return refuse("needs a host with ABI 1." + std::to_string(manifest->abi_minor_min) + "; this one has 1." +
                  std::to_string(AND_ABI_MINOR) + ": upgrade the host");
  return Inspection{std::move(*manifest), sha256_hex(bytes)};
}

}  // namespace

/// The sealed copy and the loaded image. The descriptor stays open as long as the image: a path under /proc/self/fd
/// that is used again would name another file to the loader's cache.
struct Library::Image {
  int fd = -1;
  boost::dll::shared_library library;
};

Result<Inspection> inspect(const std::string& path) {
  auto bytes = read_file(path);
  if (!bytes) return bytes.error();
  return inspect_bytes(*bytes, path);
}

Library::Library(std::string path, Inspection inspection, std::unique_ptr<Image> image, const and_plugin_v1* table)
    : path_(std::move(path)), inspection_(std::move(inspection)), image_(std::move(image)), table_(table) {}

Library::~Library() {
  // The image stays mapped for the life of the process: thread-local destructors and function pointers of a plugin
  // may outlive its last instance, and a retained image costs some 100 kB.
  static std::mutex mutex;
  static auto* const parked = new std::vector<boost::dll::shared_library>;  // never destroyed
  const std::lock_guard lock(mutex);
  parked->push_back(std::move(image_->library));
}

Result<std::shared_ptr<const Library>> Library::load(const std::string& path, const std::string& pin) {
  auto bytes = read_file(path);
  if (!bytes) return bytes.error();
  auto inspection = inspect_bytes(*bytes, path);
  if (!inspection) return inspection.error();
  if (!pin.empty() && pin != "sha256:" + inspection->sha256)
    return Error{ErrorKind::kBadRequest, path,
                 "its hash is sha256:" + inspection->sha256 + ", the pipeline file pins " + pin +
                     ": install the pinned file, or change the pin after checking where this one came from"};

  auto image = std::make_unique<Image>();
  image->fd = memfd_create(("anduin-" + inspection->manifest.id).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (image->fd < 0) return Error{ErrorKind::kFatal, path, "no memory file for the plugin"};
  for (std::size_t done = 0; done < bytes->size();) {
    const ssize_t n = write(image->fd, bytes->data() + done, bytes->size() - done);
    if (n <= 0) return Error{ErrorKind::kFatal, path, "cannot copy the plugin into memory"};
    done += static_cast<std::size_t>(n);
  }
  if (fcntl(image->fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return Error{ErrorKind::kFatal, path, "cannot seal the plugin's memory copy"};

  const and_plugin_v1* table = nullptr;
  try {
    image->library.load("/proc/self/fd/" + std::to_string(image->fd),
                        boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    table = &image->library.get<const and_plugin_v1>(kSymbol);
  } catch (const std::exception& e) {
    return Error{ErrorKind::kBadRequest, path, std::string("the loader refuses it: ") + e.what()};
  }

  const Manifest& m = inspection->manifest;
  const auto refuse = [&](const char* what) { return Error{ErrorKind::kBadRequest, path, what}; };
  if (table->size < AND_PLUGIN_V1_SIZE_MIN || !table->create || !table->destroy || !table->step)
    return refuse("its plugin table is incomplete");
  if (table->abi_minor_min > AND_ABI_MINOR) return refuse("needs a newer host (abi_minor_min of its table)");
  if (m.id != table->id || m.version != table->version) return refuse("its table and its manifest disagree on id or version");
  const std::string_view inside(table->manifest, table->manifest_len);
  if (nlohmann::json::parse(inside, nullptr, false) != m.json)
    return refuse("the manifest in its table is not the one in its .anduin section");
  return std::shared_ptr<const Library>(new Library(path, std::move(*inspection), std::move(image), table));
}

Result<std::string> find_plugin(const std::string& venue, const std::vector<std::string>& dirs) {
  std::string looked;
  for (const std::string& dir : dirs) {
    const auto path = std::filesystem::path(dir) / ("anduin-" + venue + ".so");
    std::error_code ec;
    if (std::filesystem::is_regular_file(path, ec)) return path.string();
    looked += (looked.empty() ? "" : ", ") + path.string();
  }
  return Error{ErrorKind::kBadRequest, venue,
               "no plugin for this venue (looked for " + (looked.empty() ? "nothing: plugins.dirs is empty" : looked) +
                   "): install it, or correct plugins.dirs"};
}

}  // namespace anduin::plugin

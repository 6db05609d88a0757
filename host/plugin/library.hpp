// A plugin's shared object: read and audited as bytes first, then loaded once from a sealed private copy.
// Thread: load() from the main thread; a loaded Library is immutable and shared. Lifetime: instances keep it alive;
// the image is never unloaded while the process lives (unloading is off by default, see docs/decisions.md).
#pragma once
#include <memory>
#include <string>

#include "anduin/plugin.h"
#include "base/error.hpp"
#include "plugin/manifest.hpp"

namespace anduin::plugin {

struct Inspection {
  Manifest manifest;
  std::string sha256;  ///< lower-case hex of the whole file
};

/// Reads and audits a file without running any of its code: complete ELF file, ABI major, exactly one exported
/// symbol, no forbidden import, a valid manifest.
Result<Inspection> inspect(const std::string& path);

class Library {
 public:
  /// Inspects, checks `pin` ("sha256:<hex>", empty = not pinned) and loads. The bytes that were audited are the
  /// bytes that are loaded, whatever happens to the file meanwhile.
  static Result<std::shared_ptr<const Library>> load(const std::string& path, const std::string& pin = {});

  [[nodiscard]] const Manifest& manifest() const { return inspection_.manifest; }
  [[nodiscard]] const std::string& sha256() const { return inspection_.sha256; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const and_plugin_v1& table() const { return *table_; }

  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

 private:
  struct Image;
  Library(std::string path, Inspection inspection, std::unique_ptr<Image> image, const and_plugin_v1* table);

  std::string path_;
  Inspection inspection_;
  std::unique_ptr<Image> image_;
  const and_plugin_v1* table_;
};

/// The file of a venue in the plugin directories ("anduin-<venue>.so"), first hit wins.
Result<std::string> find_plugin(const std::string& venue, const std::vector<std::string>& dirs);

}  // namespace anduin::plugin

// A bounds-checked look into a shared object, before any of its code runs: one section's bytes, the names it exports
// and imports. Pure functions over bytes, any thread. A damaged or half-written file is an Error, never a crash.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/hex.hpp"

namespace anduin::plugin {

struct ElfInfo {
  std::string section;                ///< the bytes of the section that was asked for; empty = there is none
  std::vector<std::string> exported;  ///< defined dynamic symbols that others can bind to
  std::vector<std::string> imported;  ///< undefined dynamic symbols
};

/// Reads a 64-bit little-endian x86-64 or aarch64 shared object. `where` is named in errors.
Result<ElfInfo> read_elf(std::span<const std::uint8_t> file, const std::string& section, const std::string& where);

}  // namespace anduin::plugin

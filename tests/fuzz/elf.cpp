// A plugin's file is read as bytes before any of its code runs: damaged and hostile ones included.
#include <cstdint>
#include <cstdlib>

#include "plugin/elf.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const anduin::Bytes bytes(data, data + size);
  const auto elf = anduin::plugin::read_elf(bytes, ".anduin", "fuzz");
  if (!elf && elf.error().text.empty()) std::abort();
  return 0;
}

// A plugin's manifest comes from a third party: it is understood or refused with words, whatever it is.
#include <cstdint>
#include <cstdlib>

#include "plugin/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto m = anduin::plugin::Manifest::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!m && m.error().text.empty()) std::abort();
  if (m && (m->id.empty() || m->venue_name.empty())) std::abort();
  return 0;
}

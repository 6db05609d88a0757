// A line of a recording is read or refused with words.
#include <cstdint>
#include <cstdlib>

#include "venue/recording.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto line = anduin::venue::parse_recording_line({reinterpret_cast<const char*>(data), size}, "fuzz:1");
  if (!line && line.error().text.empty()) std::abort();
  if (line && line->url.empty()) std::abort();
  return 0;
}

// Compressed frames (AND_DECODE_GZIP, AND_DECODE_DEFLATE): one binary message is one complete gzip member or zlib
// stream. Other messages pass as they are, so that a venue may mix them.
// Thread: one caller. Lifetime: what add() names points into this object and is valid until the next clear().
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "venue/transport.hpp"

namespace anduin::venue {

class Inflate {
 public:
  explicit Inflate(std::uint32_t decode);  ///< AND_DECODE_*
  ~Inflate();
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;

  /// Begins a batch: the frames of the one before are gone.
  void clear();
  /// Adds a frame, decompressed where it is compressed and not longer than `bytes_max`; a damaged or longer one is a
  /// kProtocol error and is left out.
  Result<void> add(const FrameBytes& frame, std::size_t bytes_max);
  /// The frames added since clear(), each with 64 zero bytes behind it. Decompressed ones count as text.
  [[nodiscard]] const std::vector<FrameBytes>& frames();

 private:
  struct State;
  struct Place {  ///< of a decompressed frame in `bytes_`, which moves while it grows
    std::size_t frame, offset;
  };
  std::unique_ptr<State> state_;
  std::uint32_t decode_;
  std::vector<FrameBytes> frames_;
  std::vector<Place> places_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace anduin::venue

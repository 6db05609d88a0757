#include "venue/inflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "anduin/plugin.h"

namespace anduin::venue {
namespace {

constexpr std::size_t kPaddingBytes = 64;
constexpr std::size_t kFirstRoomBytes = 4'096;  // most market frames are shorter; room doubles from here
constexpr int kGzipWindow = 15 + 16, kZlibWindow = 15;

bool is_compressed(const FrameBytes& f, std::uint32_t decode) {
  if (!f.binary || f.size < 2) return false;
  if (decode == AND_DECODE_GZIP) return f.data[0] == 0x1f && f.data[1] == 0x8b;
  return decode == AND_DECODE_DEFLATE && (f.data[0] & 0x0fU) == Z_DEFLATED && (f.data[0] * 256U + f.data[1]) % 31 == 0;
}

}  // namespace

struct Inflate::State {
  z_stream stream{};
  bool made = false;
  ~State() {
    if (made) inflateEnd(&stream);
  }
};

Inflate::Inflate(std::uint32_t decode) : state_(std::make_unique<State>()), decode_(decode) {
  state_->made = inflateInit2(&state_->stream, decode == AND_DECODE_DEFLATE ? kZlibWindow : kGzipWindow) == Z_OK;
}

Inflate::~Inflate() = default;

void Inflate::clear() {
  frames_.clear();
  places_.clear();
  bytes_.clear();
}

Result<void> Inflate::add(const FrameBytes& frame, std::size_t bytes_max) {
  if (!is_compressed(frame, decode_)) {
    frames_.push_back(frame);
    return {};
  }
  const std::size_t start = bytes_.size();
  const auto fail = [&](const char* what) {
    bytes_.resize(start);
    return Error{ErrorKind::kProtocol, "frame", what};
  };
  z_stream& z = state_->stream;
  if (!state_->made || inflateReset(&z) != Z_OK) return fail("no memory to decompress");
  z.next_in = const_cast<Bytef*>(frame.data);  // zlib does not write to it
  z.avail_in = frame.size;
  std::size_t size = 0, room = std::min(std::max(kFirstRoomBytes, std::size_t{frame.size} * 4), bytes_max);
  for (;;) {
    bytes_.resize(start + room + kPaddingBytes);
    z.next_out = bytes_.data() + start + size;
    z.avail_out = static_cast<uInt>(room - size);
    const int code = inflate(&z, Z_SYNC_FLUSH);
    size = room - z.avail_out;
    if (code == Z_STREAM_END) break;
    if (code != Z_OK && code != Z_BUF_ERROR) return fail("damaged compressed data");
    if (z.avail_out > 0) return fail("compressed data that ends in the middle");
    if (room == bytes_max) return fail("longer than the endpoint's max_message when decompressed");
    room = std::min(room * 2, bytes_max);
  }
  if (z.avail_in > 0) return fail("data behind the compressed message");
  bytes_.resize(start + size + kPaddingBytes);
  std::memset(bytes_.data() + start + size, 0, kPaddingBytes);
  places_.push_back({frames_.size(), start});
  FrameBytes out = frame;
  out.binary = false;
  out.size = static_cast<std::uint32_t>(size);
  out.capacity = static_cast<std::uint32_t>(size + kPaddingBytes);
  frames_.push_back(out);
  return {};
}

const std::vector<FrameBytes>& Inflate::frames() {
  for (const Place& p : places_) frames_[p.frame].data = bytes_.data() + p.offset;
  return frames_;
}

}  // namespace anduin::venue

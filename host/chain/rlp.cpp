#include "chain/rlp.hpp"

namespace anduin::chain::rlp {

namespace {

/// Payloads up to this length carry it in the first byte.
constexpr std::size_t kShortMax = 55;
constexpr std::uint8_t kString = 0x80;
constexpr std::uint8_t kList = 0xc0;

Error broken(const char* why) { return {ErrorKind::kProtocol, "rlp", why}; }

void append_header(Bytes& out, std::uint8_t base, std::size_t length) {
  if (length <= kShortMax) {
    out.push_back(static_cast<std::uint8_t>(base + length));
    return;
  }
  Bytes digits;
  for (std::size_t rest = length; rest != 0; rest >>= 8U)
    digits.push_back(static_cast<std::uint8_t>(rest & 0xffU));
  out.push_back(static_cast<std::uint8_t>(base + kShortMax + digits.size()));
  out.insert(out.end(), digits.rbegin(), digits.rend());
}

void append(Bytes& out, const Item& item) {
  if (!item.is_list) {
    if (item.bytes.size() != 1 || item.bytes[0] >= kString) append_header(out, kString, item.bytes.size());
    out.insert(out.end(), item.bytes.begin(), item.bytes.end());
    return;
  }
  Bytes payload;
  for (const Item& each : item.items) append(payload, each);
  append_header(out, kList, payload.size());
  out.insert(out.end(), payload.begin(), payload.end());
}

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> data) : data_(data) {}
  [[nodiscard]] bool done() const { return at_ == data_.size(); }

  Result<Item> item(int depth) {
    if (depth > kDepthMax) return broken("nested too deep");
    if (done()) return broken("truncated");
    const std::uint8_t first = data_[at_];
    if (first < kString) {
      ++at_;
      return Item::string({first});
    }
    const bool list = first >= kList;
    const auto payload = take(list ? kList : kString);
    if (!payload) return payload.error();
    if (list) return members(*payload, depth);
    if (payload->size() == 1 && (*payload)[0] < kString) return broken("one small byte with a length");
    return Item::string(Bytes(payload->begin(), payload->end()));
  }

 private:
  static Result<Item> members(std::span<const std::uint8_t> payload, int depth) {
    Item out = Item::list({});
    Reader inner(payload);
    while (!inner.done()) {
      auto each = inner.item(depth + 1);
      if (!each) return each;
      out.items.push_back(std::move(*each));
    }
    return out;
  }

  /// Header and payload of a string or list; moves behind them.
  Result<std::span<const std::uint8_t>> take(std::uint8_t base) {
    std::size_t length = static_cast<std::size_t>(data_[at_]) - base;
    ++at_;
    if (length > kShortMax) {
      const std::size_t digits = length - kShortMax;
      if (digits > sizeof(std::size_t) || digits > data_.size() - at_) return broken("truncated length");
      if (data_[at_] == 0) return broken("length with a leading zero");
      length = 0;
      for (std::size_t i = 0; i < digits; ++i) length = (length << 8U) | data_[at_ + i];
      at_ += digits;
      if (length <= kShortMax) return broken("long form of a short length");
    }
    if (length > data_.size() - at_) return broken("truncated");
    const auto out = data_.subspan(at_, length);
    at_ += length;
    return out;
  }

  std::span<const std::uint8_t> data_;
  std::size_t at_ = 0;
};

}  // namespace

Item Item::integer(const U256& value) {
  const auto word = to_word(value);
  std::size_t first = 0;
  while (first < word.size() && word[first] == 0) ++first;
  return string(Bytes(word.begin() + static_cast<std::ptrdiff_t>(first), word.end()));
}

Bytes encode(const Item& item) {
  Bytes out;
  append(out, item);
  return out;
}

Result<Item> decode(std::span<const std::uint8_t> data) {
  Reader reader(data);
  auto item = reader.item(0);
  if (item && !reader.done()) return broken("bytes behind the item");
  return item;
}

Result<U256> to_integer(const Item& item) {
  if (item.is_list) return broken("a list where an integer belongs");
  if (item.bytes.size() > 32) return broken("an integer of more than 32 bytes");
  if (!item.bytes.empty() && item.bytes[0] == 0) return broken("an integer with a leading zero");
  return from_big_endian(item.bytes);
}

}  // namespace anduin::chain::rlp

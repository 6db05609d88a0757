#include "book.hpp"

namespace anduin::bybit {

void BookFrame::read(json::Reader reader, std::string_view prefix) {
  clear();
  reader.object([&](std::string_view key) {
    switch (key.size()) {  // most frames hold nothing but these, so the length is nearly the name
      case 2:
        if (key == "ts") ts_ms = reader.i64_or_zero();
        break;
      case 3:
        if (key == "cts") cts_ms = reader.i64_or_zero();
        break;
      case 4:
        if (key == "type") {
          type = reader.str();
        } else if (key == "data") {
          if (topic.starts_with(prefix)) read_data(reader);
          else if (topic.empty()) late_data = reader.view();
        }
        break;
      case 5:
        if (key == "topic") topic = reader.str();
        break;
      default: break;
    }
  });
  if (!has_data && late_data.is_object() && topic.starts_with(prefix)) {
    const std::string_view raw = late_data.raw();
    json::Reader again(raw.data(), raw.size());
    read_data(again);
  }
}

void BookFrame::read_data(json::Reader& reader) {
  has_data = true;
  reader.object([&](std::string_view key) {
    if (key.size() != 1) return;
    if (key[0] == 'b') read_levels(reader, bids);
    else if (key[0] == 'a') read_levels(reader, asks);
    else if (key[0] == 'u') u = reader.i64_or_zero();
  });
}

void BookFrame::read_levels(json::Reader& reader, Levels& into) {
  if (!reader.at_array()) return;  // null: this side is not there
  reader.array([&] {
    OrderBook::Level level;
    int at = 0;
    reader.array([&] {
      if (at == 0) level.price = reader.dec();
      else if (at == 1) level.size = reader.dec();
      ++at;
    });
    if (at < 2 || level.price.sign() <= 0 || level.size.sign() < 0)
      throw BadFrame("a level of the book is not [price, size]");
    into.push_back(level);
  });
}

void SymbolBook::forget() {
  book_.clear();
  u_ = waiting_since_ms_ = 0;
  valid_ = false;
}

void SymbolBook::replace(const BookFrame& frame) {
  book_.clear();
  for (const auto& l : frame.bids) book_.set_bid(l.price, l.size);
  for (const auto& l : frame.asks) book_.set_ask(l.price, l.size);
  u_ = frame.u;
  valid_ = true;
}

SymbolBook::Applied SymbolBook::apply(const BookFrame& frame, const Rules& rules, std::int64_t now_ms) {
  const bool delta = frame.type == "delta";
  if (!delta && frame.type != "snapshot")
    throw BadFrame("'" + std::string(frame.type) + "' is neither snapshot nor delta: " + std::string(frame.topic));
  // u == 1 is the first book after a restart of the service, whatever the type says.
  if (!delta || frame.u == 1) {
    replace(frame);
    return Applied::kYes;
  }
  if (!valid_) {
    if (waiting_since_ms_ == 0) waiting_since_ms_ = now_ms;
    if (now_ms - waiting_since_ms_ < kSnapshotMs) return Applied::kIgnored;
    waiting_since_ms_ = now_ms;
    return Applied::kNoSnapshot;
  }
  if (frame.u != 0 && u_ != 0) {
    // At depth 1 u is only known not to fall; deeper books count every change.
    if (frame.u < u_ || (rules.depth > 1 && frame.u == u_)) return Applied::kIgnored;
    if (rules.depth > 1 && rules.gaps_matter && frame.u != u_ + 1) {
      forget();
      waiting_since_ms_ = now_ms;
      return Applied::kGap;
    }
  }
  for (const auto& l : frame.bids) book_.set_bid(l.price, l.size);
  for (const auto& l : frame.asks) book_.set_ask(l.price, l.size);
  // The venue deletes what falls out of the book; this only bounds the memory where it does not.
  book_.truncate(std::size_t{rules.depth} + 64);
  u_ = frame.u;
  return Applied::kYes;
}

}  // namespace anduin::bybit

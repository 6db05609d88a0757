#include "book.hpp"

namespace anduin::bybit {

using json::ignore, json::on;

void BookFrame::read(std::string_view text, std::string_view prefix) {
  clear();
  read_members(text, prefix);
  if (data_first && !has_data && topic.starts_with(prefix)) read_members(text, prefix);  // the topic is known now
}

[[gnu::flatten]] void BookFrame::read_members(std::string_view text, std::string_view prefix) {
  json::Reader reader(text.data(), text.size());
  reader.object(on<"topic">([&] { topic = reader.str(); }),
                on<"ts">([&] { ts_ms = reader.i64_or_zero(); }),
                on<"type">([&] { type = reader.str(); }),
                on<"data">([&] {
                  if (!topic.starts_with(prefix)) {
                    data_first = topic.empty();
                    return;
                  }
                  has_data = true;
                  reader.object(ignore<"s">(),
                                on<"b">([&] { read_levels(reader, bids); }),
                                on<"a">([&] { read_levels(reader, asks); }),
                                on<"u">([&] { u = reader.i64_or_zero(); }),
                                ignore<"seq">());
                }),
                on<"cts">([&] { cts_ms = reader.i64_or_zero(); }));
}

void SymbolBook::forget() {
  book_.clear();
  u_ = waiting_since_ms_ = 0;
  valid_ = false;
}

void SymbolBook::replace(BookFrame& frame) {
  book_.replace(frame.bids, frame.asks);
  u_ = frame.u;
  valid_ = true;
}

SymbolBook::Applied SymbolBook::apply(BookFrame& frame, const Rules& rules, std::int64_t now_ms) {
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

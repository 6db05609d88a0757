#include "book.hpp"

namespace anduin::bitget {
namespace {

OrderBook::Level& only(PushRow::Levels& side) {
  if (side.empty()) side.emplace_back();
  return side.front();
}

}  // namespace

void PushFrame::read(json::Reader reader) {
  channel = symbol = action = {};
  sent_ms = 0;
  is_event = has_data = false;
  used_ = 0;
  reader.object([&](std::string_view key) {
    if (key == "data") {
      read_data(reader);
    } else if (key == "arg") {
      reader.object([&](std::string_view member) {
        if (member == "topic" || member == "channel")
          channel = reader.str();
        else if (member == "symbol" || member == "instId")
          symbol = reader.str();
      });
    } else if (key == "action") {
      action = reader.str();
    } else if (key == "ts") {
      sent_ms = reader.i64_or_zero();
    } else if (key == "event") {
      is_event = true;
    }
  });
}

void PushFrame::read_data(json::Reader& reader) {
  if (!reader.at_array()) return;
  has_data = true;
  reader.array([&] {
    if (used_ == rows_.size()) rows_.emplace_back();
    PushRow& row = rows_[used_];
    row.bids.clear();
    row.asks.clear();
    row.ts_ms = row.sequence = row.previous = 0;
    if (!reader.at_object()) return;  // of another kind of channel
    read_row(reader, row);
    ++used_;
  });
}

void PushFrame::read_row(json::Reader& reader, PushRow& row) {
  bool no_bid = false, no_ask = false;
  reader.object([&](std::string_view key) {
    if (key == "a" || key == "asks")
      read_levels(reader, row.asks);
    else if (key == "b" || key == "bids")
      read_levels(reader, row.bids);
    else if (key == "ts")
      row.ts_ms = reader.i64_or_zero();
    else if (key == "seq")
      row.sequence = reader.i64_or_zero();
    else if (key == "pseq")
      row.previous = reader.i64_or_zero();
    else if (key == "bid1Price" || key == "bidPr")
      no_bid = (only(row.bids).price = reader.dec_or_zero()).sign() <= 0;
    else if (key == "ask1Price" || key == "askPr")
      no_ask = (only(row.asks).price = reader.dec_or_zero()).sign() <= 0;
    else if (key == "bid1Size" || key == "bidSz")
      only(row.bids).size = reader.dec_or_zero();
    else if (key == "ask1Size" || key == "askSz")
      only(row.asks).size = reader.dec_or_zero();
  });
  if (no_bid) row.bids.clear();
  if (no_ask) row.asks.clear();
}

/// A snapshot's number lies within the first change after it; from then on each change names the one before. A book
/// without numbers cannot be checked.
bool ChainedBook::follows(const PushRow& row) const {
  if (sequence_ == 0 && row.sequence == 0) return true;
  if (first_) return row.previous <= sequence_ && sequence_ <= row.sequence;
  return row.previous == sequence_;
}

ChainedBook::Applied ChainedBook::apply(const PushRow& row, bool is_snapshot, std::int64_t now_ms) {
  if (is_snapshot) {
    book_.clear();
    valid_ = true;
  } else if (!valid_) {
    if (waiting_since_ms_ == 0) waiting_since_ms_ = now_ms;
    if (now_ms - waiting_since_ms_ < kSnapshotMs) return Applied::kIgnored;
    waiting_since_ms_ = now_ms;
    return Applied::kNoSnapshot;
  } else if (!follows(row)) {
    *this = {};
    waiting_since_ms_ = now_ms;
    return Applied::kGap;
  }
  for (const auto& l : row.bids) book_.set_bid(l.price, l.size);
  for (const auto& l : row.asks) book_.set_ask(l.price, l.size);
  book_.truncate(kDepth);
  sequence_ = row.sequence;
  first_ = is_snapshot;
  return Applied::kYes;
}

}  // namespace anduin::bitget

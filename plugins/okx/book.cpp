#include "book.hpp"

namespace anduin::okx {
namespace {

OrderBook::Level& only(PushRow::Levels& side) {
  if (side.empty()) side.emplace_back();
  return side.front();
}

}  // namespace

void PushFrame::read(json::Reader reader) {
  channel = instrument = action = {};
  is_event = has_data = false;
  used_ = 0;
  reader.object([&](std::string_view key) {
    if (key == "data") {
      read_data(reader);
    } else if (key == "arg") {
      reader.object([&](std::string_view member) {
        if (member == "channel")
          channel = reader.str();
        else if (member == "instId")
          instrument = reader.str();
      });
    } else if (key == "action") {
      action = reader.str();
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
    row.has_sequence = row.has_previous = false;
    if (!reader.at_object()) return;  // of another kind of channel
    read_row(reader, row);
    ++used_;
  });
}

void PushFrame::read_row(json::Reader& reader, PushRow& row) {
  bool no_bid = false, no_ask = false;
  reader.object([&](std::string_view key) {
    if (key == "asks")
      read_levels(reader, row.asks);
    else if (key == "bids")
      read_levels(reader, row.bids);
    else if (key == "ts")
      row.ts_ms = reader.i64_or_zero();
    else if (key == "seqId")
      row.sequence = reader.i64_or_zero(), row.has_sequence = true;
    else if (key == "prevSeqId")
      row.previous = reader.i64_or_zero(), row.has_previous = true;
    else if (key == "bidPx")
      no_bid = (only(row.bids).price = reader.dec_or_zero()).sign() <= 0;  // "" = no such side
    else if (key == "bidSz")
      only(row.bids).size = reader.dec_or_zero();
    else if (key == "askPx")
      no_ask = (only(row.asks).price = reader.dec_or_zero()).sign() <= 0;
    else if (key == "askSz")
      only(row.asks).size = reader.dec_or_zero();
  });
  if (no_bid) row.bids.clear();
  if (no_ask) row.asks.clear();
}

ChainedBook::Applied ChainedBook::apply(const PushRow& row, bool is_snapshot, std::int64_t now_ms) {
  if (is_snapshot) {
    book_.clear();
    valid_ = true;
    chained_ = row.has_sequence;  // books of years ago had no ids
  } else if (!valid_) {
    if (waiting_since_ms_ == 0) waiting_since_ms_ = now_ms;
    if (now_ms - waiting_since_ms_ < kSnapshotMs) return Applied::kIgnored;
    waiting_since_ms_ = now_ms;
    return Applied::kNoSnapshot;
  } else if (chained_ && (!row.has_previous || row.previous != sequence_)) {
    // A seqId below its prevSeqId is a legal reset after maintenance; what must hold is the link to the change before.
    *this = {};
    waiting_since_ms_ = now_ms;
    return Applied::kGap;
  }
  for (const auto& l : row.bids) book_.set_bid(l.price, l.size);
  for (const auto& l : row.asks) book_.set_ask(l.price, l.size);
  book_.truncate(kDepth + 64);  // the venue deletes what falls out of the book; this only bounds the memory
  sequence_ = row.sequence;
  return Applied::kYes;
}

}  // namespace anduin::okx

#include <algorithm>

#include "sim/mexc.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kFullMs = 300, kTickerMs = 1'000, kMergedMs = 200, kChangeMs = 50;
constexpr std::int64_t kRepeatEvery = 5;  ///< so often an unchanged book comes again, under the version it had
constexpr std::int64_t kExponentEvery = 7, kPaddedEvery = 3;  ///< so often prices come as 7.548E+4, as 0.080100
constexpr std::int64_t kVersionStep = 41;                     ///< a sampled book skips versions
constexpr std::int64_t kEngineMs = 4;                         ///< between matching and pushing

/// 75480.0 -> 7.548E+4; small numbers and those of one digit stay as they are.
std::string exponent_form(const std::string& plain) {
  const Decimal value = Decimal::of(plain).normalized();
  std::string digits = value.to_string();
  const std::size_t point = std::min(digits.find('.'), digits.size());
  if (point < 2 || value.sign() <= 0) return plain;
  digits.erase(std::min(point, digits.size()), 1);
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  const std::string head = digits.substr(0, 1), tail = digits.substr(1);
  return head + (tail.empty() ? "" : "." + tail) + "E+" + std::to_string(point - 1);
}

std::string price_text(std::int64_t price, const SymbolSpec& spec, std::int64_t push) {
  const std::string plain = fixed_text(price, spec.price_decimals);
  if (push % kExponentEvery == 0) return exponent_form(plain);
  return push % kPaddedEvery == 0 && spec.price_decimals > 0 ? plain + "0" : plain;
}

/// [price, contracts, orders]; a vanished level is [price, 0, 0].
std::string level_text(const Level& l, const SymbolSpec& spec, std::int64_t push) {
  return Arr()
      .raw(price_text(l.price, spec, push))
      .raw(std::to_string(l.qty))
      .raw(std::to_string(l.qty == 0 ? 0 : 1 + l.qty % 4))
      .text();
}

std::string side_text(const std::vector<Level>& levels, const SymbolSpec& spec, std::int64_t push) {
  Arr list;
  for (const Level& l : levels) list.raw(level_text(l, spec, push));
  return list.text();
}

}  // namespace

void MexcSim::broadcast(const std::string& key, const std::string& frame) {
  for (const auto& [id, conn] : conns_)
    if (conn.feeds.count(key) != 0) sink_.send(id, frame);
}

std::string MexcSim::push(const Feed& feed, const std::string& data) const {
  return Obj()
      .str("symbol", feed.contract->spec.native)
      .raw("data", data)
      .str("channel", "push." + feed.channel)
      .num("ts", world_.wall_ms())
      .text();
}

std::string MexcSim::full_book(const Feed& feed, const Ladder& book) const {
  const SymbolSpec& spec = feed.contract->spec;
  return push(feed, Obj()
                        .num("cts", world_.wall_ms() - kEngineMs)
                        .raw("asks", side_text(book.asks, spec, feed.pushes))
                        .raw("bids", side_text(book.bids, spec, feed.pushes))
                        .num("version", feed.version)
                        .text());
}

/// The bands maxBidPrice and minAskPrice look like a book, and are none.
std::string MexcSim::ticker(const Feed& feed, const Ladder& top) const {
  const SymbolSpec& spec = feed.contract->spec;
  const std::string last = fixed_text(top.bids.empty() ? 1 : top.bids[0].price, spec.price_decimals);
  Obj data;
  data.str("symbol", spec.native)
      .raw("lastPrice", last)
      .raw("riseFallRate", "-0.0005")
      .raw("fairPrice", last)
      .raw("indexPrice", last)
      .num("volume24", 311'051'901)
      .raw("amount24", "2606920596.04")
      .raw("maxBidPrice", (Decimal::of(last) * Decimal(11, -1)).to_string())
      .raw("minAskPrice", (Decimal::of(last) * Decimal(9, -1)).to_string())
      .raw("lower24Price", last)
      .raw("high24Price", last)
      .num("timestamp", world_.wall_ms() - kEngineMs);
  if (!top.bids.empty()) data.raw("bid1", price_text(top.bids[0].price, spec, feed.pushes));
  if (!top.asks.empty()) data.raw("ask1", price_text(top.asks[0].price, spec, feed.pushes));
  return push(feed,
              data.num("holdVol", 546'882'118).raw("riseFallValue", "-47.2").raw("fundingRate", "0.000072").text());
}

void MexcSim::push_changes(const std::string& key, Feed& feed, const Ladder& now) {
  const SymbolSpec& spec = feed.contract->spec;
  const std::int64_t engine = world_.wall_ms() - kEngineMs;
  auto bids = level_changes(feed.last.bids, now.bids), asks = level_changes(feed.last.asks, now.asks);
  feed.last = now;
  if (feed.every_change) {
    const auto say = [&](const Level& level, const char* side, const char* other) {
      const std::string data = Obj()
                                   .num("cts", engine)
                                   .raw(side, Arr().raw(level_text(level, spec, 1)).text())
                                   .raw(other, "[]")
                                   .num("version", ++feed.version)
                                   .text();
      broadcast(key, push(feed, data));
    };
    for (const bool gone : {true, false}) {  // what vanished first: so the book is never crossed in between
      for (const Level& l : bids)
        if ((l.qty == 0) == gone) say(l, "bids", "asks");
      for (const Level& l : asks)
        if ((l.qty == 0) == gone) say(l, "asks", "bids");
    }
    return;
  }
  if (bids.empty() && asks.empty()) return;
  const std::int64_t begin = feed.version + 1;
  feed.version += static_cast<std::int64_t>(bids.size() + asks.size());
  // Merged levels come in no order.
  if (bids.size() > 1) std::rotate(bids.begin(), bids.begin() + 1, bids.end());
  if (asks.size() > 2) std::rotate(asks.begin(), asks.begin() + 2, asks.end());
  const std::string data = Obj()
                               .num("cts", engine)
                               .raw("asks", side_text(asks, spec, feed.pushes))
                               .raw("bids", side_text(bids, spec, feed.pushes))
                               .num("end", feed.version)
                               .num("begin", begin)
                               .num("version", feed.version)
                               .text();
  broadcast(key, push(feed, data));
}

void MexcSim::push_feed(const std::string& key, Feed& feed) {
  const std::int64_t now = world_.mono_ms();
  const bool full = feed.channel == "depth.full", tick = feed.channel == "ticker";
  const std::int64_t every = full ? kFullMs : tick ? kTickerMs : feed.every_change ? kChangeMs : kMergedMs;
  const auto quiet = quiet_.find(feed.contract->spec.native);
  if (!feed.contract->listed || (quiet != quiet_.end() && quiet->second > now)) return;
  if (feed.last_ms != 0 && now - feed.last_ms < every) return;
  feed.last_ms = now;
  const Ladder book =
      world_.market.ladder(feed.contract->spec, world_.wall_ms(), tick ? 1 : feed.depth, feed.pushes + 1);
  if (!full && !tick) {
    ++feed.pushes;
    return push_changes(key, feed, book);
  }
  if (full && feed.pushes % kRepeatEvery == kRepeatEvery - 1 && !feed.frame.empty()) {
    ++feed.pushes;
    return broadcast(key, feed.frame);
  }
  if (tick && book.bids == feed.last.bids && book.asks == feed.last.asks) return;  // nothing was traded
  ++feed.pushes;
  if (book.bids != feed.last.bids || book.asks != feed.last.asks) feed.version += kVersionStep;
  feed.last = book;
  feed.frame = full ? full_book(feed, book) : ticker(feed, book);
  broadcast(key, feed.frame);
}

}  // namespace anduin::sim

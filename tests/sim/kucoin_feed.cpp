#include <algorithm>

#include "sim/kucoin.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kNumericEvery = 5, kPaddedEvery = 7;  ///< so often prices come as numbers, with zeros behind
constexpr std::int64_t kRepeatEvery = 31;  ///< so often the frame before comes again, behind the newer one
constexpr std::int64_t kGapEvery = 3;      ///< the sequence is the level feed's: it jumps
constexpr std::int64_t kDepthMs = 100;     ///< of level2Depth5, changed or not
constexpr std::int64_t kBurstMax = 64;
constexpr std::size_t kLevels = 20;

std::string price_text(const Level& level, const SymbolSpec& spec, std::int64_t push) {
  const std::string plain = fixed_text(level.price, spec.price_decimals);
  if (push % kNumericEvery == 0) return plain;
  return sim::quoted(push % kPaddedEvery == 0 ? plain + "0000" : plain);
}

std::string side_text(const std::vector<Level>& levels, const SymbolSpec& spec) {
  Arr list;
  for (const Level& l : levels)
    list.raw(Arr().str(fixed_text(l.price, spec.price_decimals)).raw(std::to_string(l.qty)).text());
  return list.text();
}

}  // namespace

void KucoinSim::broadcast(const std::string& topic, const std::string& frame) {
  for (const auto& [id, conn] : conns_)
    if (conn.topics.count(topic) != 0) sink_.send(id, frame);
}

std::string KucoinSim::ticker_frame(const std::string& topic, Feed& feed, const Ladder& top) const {
  Obj data;
  data.str("symbol", feed.spec->native).num("sequence", feed.sequence);
  const bool first_version = feed.channel == "ticker";
  if (first_version && !top.bids.empty())
    data.str("side", "sell")
        .num("size", 1)
        .raw("price", price_text(top.bids[0], *feed.spec, 1))
        .str("tradeId", std::to_string(feed.sequence));
  // An empty side is left out: how the venue writes one was never seen.
  if (!top.bids.empty())
    data.num("bestBidSize", top.bids[0].qty).raw("bestBidPrice", price_text(top.bids[0], *feed.spec, feed.pushes));
  if (!top.asks.empty())
    data.raw("bestAskPrice", price_text(top.asks[0], *feed.spec, feed.pushes)).num("bestAskSize", top.asks[0].qty);
  data.raw("ts", std::to_string(world_.wall_ms() - 2) + "272833");
  return Obj()
      .str("topic", topic)
      .str("type", "message")
      .str("subject", feed.channel)
      .num("sn", feed.sequence)
      .raw("data", data.text())
      .text();
}

std::string KucoinSim::depth_frame(const std::string& topic, const Feed& feed, const Ladder& levels) const {
  const std::int64_t now = world_.wall_ms();
  const std::string data = Obj()
                               .raw("bids", side_text(levels.bids, *feed.spec))
                               .num("sequence", feed.sequence)
                               .num("timestamp", now)
                               .num("ts", now)
                               .raw("asks", side_text(levels.asks, *feed.spec))
                               .text();
  return Obj()
      .str("topic", topic)
      .str("type", "message")
      .str("subject", "level2")
      .num("sn", now)
      .raw("data", data)
      .text();
}

/// One level a frame, what vanished first: so the book is never crossed in between.
void KucoinSim::push_levels(const std::string& topic, Feed& feed, const Ladder& now) {
  const auto say = [&](const Level& level, const char* side, std::int64_t qty) {
    ++feed.sequence;
    const std::string change =
        fixed_text(level.price, feed.spec->price_decimals) + "," + side + "," + std::to_string(qty);
    broadcast(
        topic,
        Obj()
            .str("topic", topic)
            .str("type", "message")
            .str("subject", "level2")
            .num("sn", feed.sequence)
            .raw("data",
                 Obj().num("sequence", feed.sequence).str("change", change).num("timestamp", world_.wall_ms()).text())
            .text());
  };
  const auto bids = level_changes(feed.last.bids, now.bids), asks = level_changes(feed.last.asks, now.asks);
  for (const bool gone : {true, false}) {
    for (const Level& l : bids)
      if ((l.qty == 0) == gone) say(l, "buy", l.qty);
    for (const Level& l : asks)
      if ((l.qty == 0) == gone) say(l, "sell", l.qty);
  }
  feed.last = now;
}

void KucoinSim::push_feed(const std::string& topic, Feed& feed) {
  const std::int64_t now = world_.mono_ms();
  const bool depth = feed.channel == "level2Depth5" || feed.channel == "level2Depth50";
  if (feed.last_tick_ms == 0) feed.last_tick_ms = now;
  // credit counts thousandths of a frame, so that any rate meets any tick length
  feed.credit += depth ? (now - feed.last_tick_ms) * 1000 / kDepthMs : (now - feed.last_tick_ms) * world_.options.rate;
  feed.last_tick_ms = now;
  std::int64_t due = std::min(feed.credit / 1000, kBurstMax);
  feed.credit -= feed.credit / 1000 * 1000;
  if (quiet_.count(feed.spec->native) != 0) return;
  for (; due > 0; --due) {
    const std::size_t levels = feed.channel == "level2Depth5" ? 5 : depth ? 50 : feed.channel == "level2" ? kLevels : 1;
    const Ladder book = world_.market.ladder(*feed.spec, world_.wall_ms(), levels, feed.sequence);
    if (feed.channel == "level2") {
      push_levels(topic, feed, book);
      continue;
    }
    if (depth) {
      ++feed.sequence;
      broadcast(topic, depth_frame(topic, feed, book));
      continue;
    }
    if (book.bids == feed.last.bids && book.asks == feed.last.asks) return;  // nothing new, nothing said
    ++feed.pushes;
    feed.sequence += 1 + (feed.pushes % kGapEvery) * 4;
    feed.last = book;
    const std::string before = std::move(feed.last_frame);
    feed.last_frame = ticker_frame(topic, feed, book);
    broadcast(topic, feed.last_frame);
    if (feed.pushes % kRepeatEvery == 0 && !before.empty()) broadcast(topic, before);
  }
}

}  // namespace anduin::sim

#include <algorithm>
#include <charconv>

#include "sim/bybit.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kRepeatMs = 3'000;     ///< an unchanged depth-1 book is sent again after this long
constexpr std::int64_t kOneSidedEvery = 97;   ///< so often a depth-1 change comes as an old-style delta
constexpr std::int64_t kOtherOrderEvery = 7;  ///< so often "type" stands before "ts"
constexpr std::int64_t kBurstMax = 64;        ///< frames of one topic in one tick, after a long pause

std::string side_text(const std::vector<Level>& levels, const SymbolSpec& spec) {
  Arr list;
  for (const Level& level : levels) {
    list.raw(Arr()
                 .str(fixed_text(level.price, spec.price_decimals))
                 .str(level.qty == 0 ? "0" : fixed_text(level.qty, spec.qty_decimals))
                 .text());
  }
  return list.text();
}

}  // namespace

std::optional<BybitSim::Feed> BybitSim::make_feed(const std::string& category,
                                                  const std::string& topic) const {
  Feed feed;
  std::string symbol;
  if (topic.starts_with("tickers.")) {
    feed.depth = 0;
    symbol = topic.substr(8);
  } else if (topic.starts_with("orderbook.")) {
    const std::size_t dot = topic.find('.', 10);
    if (dot == std::string::npos) return std::nullopt;
    const auto [end, error] = std::from_chars(topic.data() + 10, topic.data() + dot, feed.depth);
    if (error != std::errc() || end != topic.data() + dot) return std::nullopt;
    static constexpr int kDepths[] = {1, 50, 200, 500, 1000};
    if (std::find(std::begin(kDepths), std::end(kDepths), feed.depth) == std::end(kDepths))
      return std::nullopt;
    symbol = topic.substr(dot + 1);
  } else {
    return std::nullopt;
  }
  for (const SymbolSpec& spec : symbols_) {
    if (spec.market == category && spec.native == symbol) feed.spec = &spec;
  }
  if (feed.spec == nullptr) return std::nullopt;
  feed.u = 873'489;
  feed.seq = 1'253'141'792;
  return feed;
}

void BybitSim::broadcast(const std::string& category, const std::string& topic, const std::string& frame) {
  for (const auto& [id, conn] : conns_) {
    if (conn.kind == category && conn.topics.count(topic) != 0) sink_.send(id, frame);
  }
}

std::string BybitSim::book_frame(const std::string& topic, Feed& feed, const std::string& type,
                                 const Ladder& levels) const {
  const std::int64_t now = world_.wall_ms();
  const std::string data = Obj()
                               .str("s", feed.spec->native)
                               .raw("b", side_text(levels.bids, *feed.spec))
                               .raw("a", side_text(levels.asks, *feed.spec))
                               .num("u", feed.u)
                               .num("seq", feed.seq)
                               .text();
  Obj frame;
  frame.str("topic", topic);
  if (feed.pushes % kOtherOrderEvery == 0) {
    frame.str("type", type).num("ts", now);
  } else {
    frame.num("ts", now).str("type", type);
  }
  // The matching engine is a little ahead of the gateway.
  return frame.raw("data", data).num("cts", now - 2).text();
}

std::string BybitSim::ticker_frame(const std::string& topic, Feed& feed, bool full) const {
  const std::int64_t now = world_.wall_ms();
  const SymbolSpec& spec = *feed.spec;
  const Ladder top = world_.market.ladder(spec, now, 1, feed.seq);
  Obj data;
  data.str("symbol", spec.native);
  if (!top.bids.empty() && !top.asks.empty()) {
    const Level bid = top.bids[0], ask = top.asks[0];
    const bool had = !feed.last.bids.empty();
    data.str("lastPrice", fixed_text(bid.price, spec.price_decimals));
    if (spec.product != Product::kSpot) {  // spot tickers have no bid and ask at all
      // A delta leaves out what did not change.
      if (full || !had || feed.last.bids[0] != bid) {
        data.str("bid1Price", fixed_text(bid.price, spec.price_decimals))
            .str("bid1Size", fixed_text(bid.qty, spec.qty_decimals));
      }
      if (full || !had || feed.last.asks[0] != ask) {
        data.str("ask1Price", fixed_text(ask.price, spec.price_decimals))
            .str("ask1Size", fixed_text(ask.qty, spec.qty_decimals));
      }
    } else {
      data.str("highPrice24h", fixed_text(ask.price, spec.price_decimals))
          .str("lowPrice24h", fixed_text(bid.price, spec.price_decimals));
    }
    feed.last = top;
  }
  return Obj()
      .str("topic", topic)
      .str("type", full || spec.product == Product::kSpot ? "snapshot" : "delta")
      .raw("data", data.text())
      .num("cs", feed.seq)
      .num("ts", now)
      .text();
}

void BybitSim::push_feed(const std::string& category, const std::string& topic, Feed& feed) {
  const std::int64_t now = world_.mono_ms();
  if (feed.last_tick_ms == 0) feed.last_tick_ms = now;
  // credit counts thousandths of a frame, so that any rate meets any tick length
  feed.credit += (now - feed.last_tick_ms) * world_.options.rate;
  feed.last_tick_ms = now;
  std::int64_t due = std::min(feed.credit / 1000, kBurstMax);
  feed.credit -= feed.credit / 1000 * 1000;
  if (feed.restart) due = std::max<std::int64_t>(due, 1);
  for (; due > 0; --due) {
    ++feed.seq;
    if (feed.depth == 0) {
      ++feed.pushes;
      broadcast(category, topic, ticker_frame(topic, feed, false));
      continue;
    }
    Ladder book =
        world_.market.ladder(*feed.spec, world_.wall_ms(), static_cast<std::size_t>(feed.depth), feed.seq);
    const bool old_style = feed.depth == 1 && (feed.pushes + 1) % kOneSidedEvery == 0 &&
                           !feed.last.bids.empty() && !book.asks.empty() &&
                           feed.last.bids[0].price < book.asks[0].price;
    if (old_style) book.bids = feed.last.bids;  // one side only has news
    if (feed.restart) {
      feed.restart = false;
      feed.u = 1;
      feed.last = book;
      ++feed.pushes;
      feed.last_frame = book_frame(topic, feed, "snapshot", book);
    } else if (book.bids == feed.last.bids && book.asks == feed.last.asks) {
      // Unchanged: the same snapshot again after 3 s, with the same u.
      if (feed.depth != 1 || now - feed.last_push_ms < world_.scaled(kRepeatMs)) return;
    } else {
      ++feed.u;
      ++feed.pushes;
      if (feed.depth == 1) feed.last_frame = book_frame(topic, feed, "snapshot", book);
      if (feed.depth > 1 || old_style) {
        const Ladder delta{level_changes(feed.last.bids, book.bids), level_changes(feed.last.asks, book.asks)};
        feed.last = std::move(book);
        feed.last_push_ms = now;
        broadcast(category, topic, book_frame(topic, feed, "delta", delta));
        continue;
      }
      feed.last = std::move(book);
    }
    feed.last_push_ms = now;
    broadcast(category, topic, feed.last_frame);
  }
}

}  // namespace anduin::sim

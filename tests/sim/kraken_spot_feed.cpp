#include <algorithm>

#include "sim/kraken_spot.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kTradeEveryMs = 2'000;  ///< so often somebody trades
constexpr std::int64_t kBurstMax = 64;
constexpr int kV1Decimals = 5;  ///< v1 prints prices with at least five

std::int64_t v1_factor(const SymbolSpec& spec) {
  std::int64_t factor = 1;
  for (int i = spec.price_decimals; i < kV1Decimals; ++i) factor *= 10;
  return factor;
}

std::string v1_price(const SymbolSpec& spec, std::int64_t units) {
  return fixed_text(units * v1_factor(spec), std::max(spec.price_decimals, kV1Decimals));
}

std::string qty(const SymbolSpec& spec, const Level& level) {
  return fixed_text(level.qty, spec.qty_decimals);
}

std::string v2_levels(const std::vector<Level>& levels, const SymbolSpec& spec) {
  Arr list;
  for (const Level& l : levels) {
    list.raw(Obj().raw("price", fixed_text(l.price, spec.price_decimals)).raw("qty", qty(spec, l)).text());
  }
  return list.text();
}

}  // namespace

std::string KrakenSpot::v2_ticker(const Sub& sub, const Ladder& top, bool first) const {
  const SymbolSpec& s = sub.pair->spec;
  const std::string bid = fixed_text(top.bids[0].price, s.price_decimals),
                    ask = fixed_text(top.asks[0].price, s.price_decimals);
  const std::string data = Obj()
                               .str("symbol", s.native)
                               .raw("bid", bid)
                               .raw("bid_qty", qty(s, top.bids[0]))
                               .raw("ask", ask)
                               .raw("ask_qty", qty(s, top.asks[0]))
                               .raw("last", bid)
                               .raw("volume", "163.28908096")
                               .raw("vwap", bid)
                               .raw("low", bid)
                               .raw("high", ask)
                               .raw("change", "250.0")
                               .raw("change_pct", "0.24")
                               .str("timestamp", iso_us(world_.wall_ms() * 1000 + 456))
                               .text();
  return Obj()
      .str("channel", "ticker")
      .str("type", first ? "snapshot" : "update")
      .raw("data", Arr().raw(data).text())
      .text();
}

std::string KrakenSpot::v2_book(const Sub& sub, const Ladder& changes, const Ladder& full, bool first) const {
  const SymbolSpec& s = sub.pair->spec;
  const std::string data = Obj()
                               .str("symbol", s.native)
                               .raw("bids", v2_levels(changes.bids, s))
                               .raw("asks", v2_levels(changes.asks, s))
                               .num("checksum", kraken_checksum(full))
                               .str("timestamp", iso_us(world_.wall_ms() * 1000 + 295))
                               .text();
  return Obj()
      .str("channel", "book")
      .str("type", first ? "snapshot" : "update")
      .raw("data", Arr().raw(data).text())
      .text();
}

std::string KrakenSpot::v1_frame(Sub& sub, const Ladder& now, bool first) const {
  const SymbolSpec& s = sub.pair->spec;
  const std::int64_t us = world_.wall_ms() * 1000;
  Arr frame;
  if (sub.channel == "spread") {
    // The time is when the resting order was made: it may go backwards.
    const std::int64_t made = us - now.bids[0].qty % 3'000'000;
    frame.raw("341").raw(Arr()
                             .str(v1_price(s, now.bids[0].price))
                             .str(v1_price(s, now.asks[0].price))
                             .str(seconds_us(made))
                             .str(qty(s, now.bids[0]))
                             .str(qty(s, now.asks[0]))
                             .text());
    return frame.str("spread").str(sub.pair->wsname).text();
  }
  if (sub.channel == "ticker") {
    const auto best = [&](const Level& l) {
      return Arr().str(v1_price(s, l.price)).raw(std::to_string(l.qty / 100'000'000)).str(qty(s, l)).text();
    };
    const std::string last = Arr().str(v1_price(s, now.bids[0].price)).str("0.10000000").text();
    const std::string day =
        Arr().str(v1_price(s, now.bids[0].price)).str(v1_price(s, now.bids[0].price)).text();
    return frame.raw("340")
        .raw(Obj()
                 .raw("a", best(now.asks[0]))
                 .raw("b", best(now.bids[0]))
                 .raw("c", last)
                 .raw("v", Arr().str("1000.00000000").str("2000.00000000").text())
                 .raw("p", day)
                 .raw("t", "[100,200]")
                 .raw("l", day)
                 .raw("h", day)
                 .raw("o", day)
                 .text())
        .str("ticker")
        .str(sub.pair->wsname)
        .text();
  }
  const auto side = [&](const std::vector<Level>& levels) {
    Arr list;
    for (const Level& l : levels)
      list.raw(Arr().str(v1_price(s, l.price)).str(qty(s, l)).str(seconds_us(us)).text());
    return list.text();
  };
  const std::string name = "book-" + std::to_string(sub.depth);
  if (first) {
    return frame.raw("336")
        .raw(Obj().raw("as", side(now.asks)).raw("bs", side(now.bids)).text())
        .str(name)
        .str(sub.pair->wsname)
        .text();
  }
  const std::vector<Level> asks = level_changes(sub.last.asks, now.asks),
                           bids = level_changes(sub.last.bids, now.bids);
  const std::string checksum = std::to_string(kraken_checksum(now, v1_factor(s)));
  frame.raw("336");
  // Both sides changed: two payload objects, and only the last one has the checksum.
  if (!asks.empty() && !bids.empty()) {
    frame.raw(Obj().raw("a", side(asks)).text()).raw(Obj().raw("b", side(bids)).str("c", checksum).text());
  } else if (!asks.empty()) {
    frame.raw(Obj().raw("a", side(asks)).str("c", checksum).text());
  } else {
    frame.raw(Obj().raw("b", side(bids)).str("c", checksum).text());
  }
  return frame.str(name).str(sub.pair->wsname).text();
}

void KrakenSpot::push_sub(ConnId id, Conn& conn, Sub& sub, bool first) {
  const std::int64_t now = world_.mono_ms();
  if (sub.last_tick_ms == 0) sub.last_tick_ms = sub.last_trade_ms = now;
  sub.credit += (now - sub.last_tick_ms) * world_.options.rate;
  sub.last_tick_ms = now;
  std::int64_t due = first ? 1 : std::min(sub.credit / 1000, kBurstMax);
  sub.credit -= sub.credit / 1000 * 1000;
  for (; due > 0; --due) {
    const Ladder book = world_.market.ladder(sub.pair->spec, world_.wall_ms(),
                                             sub.channel == "book" ? sub.depth : 1, ++sub.pushes);
    const bool changed = book.bids != sub.last.bids || book.asks != sub.last.asks;
    if (!first && !changed) return;
    if (sub.channel == "trade") return;
    if (sub.channel != "book") {
      // An empty side shows as nothing at all on these channels.
      if (book.bids.empty() || book.asks.empty()) return;
      const bool on_trades = sub.channel == "ticker" && !sub.bbo;
      if (!first && on_trades) {
        if (now - sub.last_trade_ms < world_.scaled(kTradeEveryMs)) return;
        sub.last_trade_ms = now;
      }
      send(id, conn, conn.v1 ? v1_frame(sub, book, first) : v2_ticker(sub, book, first));
    } else if (conn.v1) {
      send(id, conn, v1_frame(sub, book, first));
    } else {
      const Ladder changes =
          first ? book
                : Ladder{level_changes(sub.last.bids, book.bids), level_changes(sub.last.asks, book.asks)};
      send(id, conn, v2_book(sub, changes, book, first));
    }
    sub.last = book;
    first = false;
  }
}

}  // namespace anduin::sim

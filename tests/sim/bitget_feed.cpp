#include <algorithm>
#include <cctype>

#include "sim/bitget.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kSlowTopMs = 100, kBookMs = 150, kTickerMs = 300;
constexpr std::int64_t kBurstMax = 64;  ///< frames of one topic in one tick, after a long pause
constexpr std::size_t kBooksDepth = 200, kChecksumDepth = 25;
constexpr std::int64_t kFirstSequence = 1'304'314'508'780'744'705;  ///< beyond 2^53
constexpr const char* kFast[] = {"BTC", "ETH", "XRP", "SOL", "SUI", "DOGE", "ADA", "PEPE", "LINK", "HBAR"};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string side_text(const std::vector<Level>& levels, const SymbolSpec& spec) {
  Arr list;
  for (const Level& l : levels)
    list.raw(Arr()
                 .str(fixed_text(l.price, spec.price_decimals))
                 .str(l.qty == 0 ? "0" : fixed_text(l.qty, spec.qty_decimals))
                 .text());
  return list.text();
}

/// Bids and asks in turns, as their texts were sent.
std::int64_t checksum_of(const Ladder& book, const SymbolSpec& spec) {
  std::string text;
  const auto add = [&](const std::vector<Level>& side, std::size_t i) {
    if (i >= side.size()) return;
    text += (text.empty() ? "" : ":") + fixed_text(side[i].price, spec.price_decimals) + ":" +
            fixed_text(side[i].qty, spec.qty_decimals);
  };
  for (std::size_t i = 0; i < kChecksumDepth; ++i) {
    add(book.bids, i);
    add(book.asks, i);
  }
  return static_cast<std::int32_t>(crc32(text));
}

}  // namespace

std::optional<BitgetSim::Feed> BitgetSim::make_feed(bool v3, const std::string& channel, const std::string& product,
                                                    const std::string& inst) const {
  static const std::map<std::string, std::size_t> kDepths{{"books1", 1},   {"books5", 5},          {"books15", 15},
                                                          {"books50", 50}, {"books", kBooksDepth}, {"ticker", 1}};
  const auto depth = kDepths.find(channel);
  if (depth == kDepths.end() || channel == (v3 ? "books15" : "books50")) return std::nullopt;
  Feed feed;
  for (const BitgetSymbol& s : symbols_)
    if (s.spec.native == inst && (v3 ? lower(s.product) : s.product) == product) feed.symbol = &s;
  if (feed.symbol == nullptr) return std::nullopt;
  feed.v3 = v3;
  feed.channel = channel;
  feed.depth = depth->second;
  feed.sequence = kFirstSequence;
  return feed;
}

std::string BitgetSim::book_data(const Feed& feed, const Ladder& levels, std::int64_t previous) const {
  const SymbolSpec& spec = feed.symbol->spec;
  const bool summed = checksum_ && feed.channel == "books";
  return Obj()
      .raw(feed.v3 ? "a" : "asks", side_text(levels.asks, spec))
      .raw(feed.v3 ? "b" : "bids", side_text(levels.bids, spec))
      .num("checksum", summed ? checksum_of(feed.last, spec) : 0)
      .num("pseq", previous)
      .num("seq", feed.sequence)
      .str("ts", std::to_string(world_.wall_ms() - 1))
      .text();
}

std::string BitgetSim::ticker_data(bool v3, const BitgetSymbol& symbol, std::int64_t pulse) const {
  const SymbolSpec& spec = symbol.spec;
  const Ladder top = world_.market.ladder(spec, world_.wall_ms(), 1, pulse);
  const auto price = [&](const std::vector<Level>& side) {
    return side.empty() ? std::string() : fixed_text(side[0].price, spec.price_decimals);
  };
  const auto size = [&](const std::vector<Level>& side) {
    return side.empty() ? std::string() : fixed_text(side[0].qty, spec.qty_decimals);
  };
  const std::string bid = price(top.bids), ask = price(top.asks);
  if (v3)
    return Obj()
        .str("bid1Price", bid)
        .str("lowPrice24h", bid)
        .str("ask1Size", size(top.asks))
        .str("volume24h", "37.722858")
        .str("price24hPcnt", "0.01833")
        .str("highPrice24h", ask)
        .str("turnover24h", "3750302.979626")
        .str("bid1Size", size(top.bids))
        .str("ask1Price", ask)
        .str("openPrice24h", "0")
        .str("lastPrice", bid)
        .text();
  return Obj()
      .str("instId", spec.native)
      .str("lastPr", bid)
      .str("bidPr", bid)
      .str("askPr", ask)
      .str("bidSz", size(top.bids))
      .str("askSz", size(top.asks))
      .str("open24h", bid)
      .str("high24h", ask)
      .str("low24h", bid)
      .str("change24h", "-0.00002")
      .str("markPrice", bid)
      .str("baseVolume", "368.900")
      .str("quoteVolume", "10152429.961")
      .num("symbolType", 1)
      .str("symbol", spec.native)
      .str("ts", std::to_string(world_.wall_ms() - 1))
      .text();
}

std::string BitgetSim::frame(const std::string& action, const std::string& arg, const std::string& data) const {
  return Obj().str("action", action).raw("arg", arg).raw("data", "[" + data + "]").num("ts", world_.wall_ms()).text();
}

void BitgetSim::broadcast(const std::string& name, bool v3, const std::string& action, const std::string& data) {
  for (const auto& [id, conn] : conns_) {
    const auto it = conn.topics.find(name);
    if (conn.v3 == v3 && it != conn.topics.end()) sink_.send(id, frame(action, it->second, data));
  }
}

/// What a new subscriber is told at once.
std::string BitgetSim::first_data(Feed& feed) {
  if (feed.channel == "ticker") return ticker_data(feed.v3, *feed.symbol, feed.pushes);
  if (feed.pushes == 0) {
    feed.last = world_.market.ladder(feed.symbol->spec, world_.wall_ms(), feed.depth);
    ++feed.pushes;
  }
  return book_data(feed, feed.last, 0);
}

void BitgetSim::push_book(const std::string& name, Feed& feed, Ladder now) {
  const bool same = now.bids == feed.last.bids && now.asks == feed.last.asks;
  if (same && !feed.restart) return;
  const std::int64_t previous = feed.sequence;
  const Ladder delta{level_changes(feed.last.bids, now.bids), level_changes(feed.last.asks, now.asks)};
  feed.sequence += 1 + feed.pushes % 7 * 1'000;  // numbers rise, but not by one
  ++feed.pushes;
  feed.last = std::move(now);
  if (feed.channel != "books") return broadcast(name, feed.v3, "snapshot", book_data(feed, feed.last, 0));
  const bool restarted = std::exchange(feed.restart, false);
  if (restarted) feed.sequence = kFirstSequence + feed.pushes;
  if (std::exchange(feed.lose, false)) return;
  broadcast(name, feed.v3, "update", book_data(feed, delta, restarted ? 0 : previous));
}

void BitgetSim::push_feed(const std::string& name, Feed& feed) {
  const std::int64_t now = world_.mono_ms();
  if (feed.last_tick_ms == 0) feed.last_tick_ms = feed.last_push_ms = now;
  // credit counts thousandths of a frame, so that any rate meets any tick length
  feed.credit += (now - feed.last_tick_ms) * world_.options.rate;
  feed.last_tick_ms = now;
  std::int64_t due = std::min(feed.credit / 1000, kBurstMax);
  feed.credit -= feed.credit / 1000 * 1000;
  const auto is_base = [&](const char* base) { return feed.symbol->spec.base == base; };
  const bool fast = feed.channel == "books1" && std::any_of(std::begin(kFast), std::end(kFast), is_base);
  const std::int64_t every = feed.channel == "ticker" ? kTickerMs : feed.channel == "books1" ? kSlowTopMs : kBookMs;
  if (!fast) {
    if (now - feed.last_push_ms < world_.scaled(every)) return;
    due = 1;
    feed.last_push_ms = now;
  }
  for (; due > 0; --due) {
    if (feed.channel == "ticker")
      broadcast(name, feed.v3, "snapshot", ticker_data(feed.v3, *feed.symbol, ++feed.pushes));
    else
      push_book(name, feed, world_.market.ladder(feed.symbol->spec, world_.wall_ms(), feed.depth, feed.pushes));
  }
}

}  // namespace anduin::sim

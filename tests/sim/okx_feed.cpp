#include <algorithm>

#include "sim/okx.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kIdleMs = 60'000;     ///< an unchanged channel says something that often
constexpr std::int64_t kSlowMs = 100;        ///< books, books5 and tickers push at most so often
constexpr std::int64_t kFundingMs = 60'000;  ///< 30 to 90 s apart at the venue
constexpr std::int64_t kFundingHourMs = 8 * 3'600'000;
constexpr std::int64_t kOneSidedEvery = 499, kCrossedEvery = 997;  ///< bbo-tbt: what illiquid and pre-open books show
constexpr std::int64_t kBurstMax = 64;  ///< frames of one topic in one tick, after a long pause
constexpr std::size_t kBooksDepth = 400, kChecksumDepth = 25;

std::string level_text(const Level& level, const SymbolSpec& spec) {
  return Arr()
      .str(fixed_text(level.price, spec.price_decimals))
      .str(level.qty == 0 ? "0" : fixed_text(level.qty, spec.qty_decimals))
      .str("0")
      .str(level.qty == 0 ? "0" : std::to_string(1 + level.qty % 20))
      .text();
}

std::string side_text(const std::vector<Level>& levels, const SymbolSpec& spec) {
  Arr list;
  for (const Level& level : levels) list.raw(level_text(level, spec));
  return list.text();
}

/// The venue's checksum over the best levels, bids and asks in turns.
std::int64_t checksum_of(const Ladder& book, const SymbolSpec& spec) {
  std::string text;
  const auto add = [&](const std::vector<Level>& side, std::size_t i) {
    if (i >= side.size()) return;
    if (!text.empty()) text += ':';
    text += fixed_text(side[i].price, spec.price_decimals) + ":" + fixed_text(side[i].qty, spec.qty_decimals);
  };
  for (std::size_t i = 0; i < kChecksumDepth; ++i) {
    add(book.bids, i);
    add(book.asks, i);
  }
  return static_cast<std::int32_t>(crc32(text));
}

std::size_t depth_of(const std::string& channel) {
  return channel == "books" ? kBooksDepth : channel == "books5" ? 5 : 1;
}

}  // namespace

std::optional<OkxSim::Feed> OkxSim::make_feed(const std::string& channel, const std::string& inst_id) const {
  static const char* const kChannels[] = {"bbo-tbt", "books", "books5", "tickers", "funding-rate"};
  if (std::find(std::begin(kChannels), std::end(kChannels), channel) == std::end(kChannels)) return std::nullopt;
  Feed feed;
  feed.symbol = native_symbol(inst_id);
  if (feed.symbol == nullptr || (channel == "funding-rate" && feed.symbol->spec.market != "SWAP")) return std::nullopt;
  feed.channel = channel;
  feed.depth = depth_of(channel);
  return feed;
}

std::string OkxSim::book_data(const Feed& feed, const Ladder& levels, std::int64_t previous) const {
  const SymbolSpec& spec = feed.symbol->spec;
  Obj data;
  data.raw("asks", side_text(levels.asks, spec)).raw("bids", side_text(levels.bids, spec));
  if (feed.channel == "books5") data.str("instId", spec.native);
  data.str("ts", std::to_string(world_.wall_ms()));
  if (feed.channel == "books") {
    if (checksum_) data.num("checksum", checksum_of(feed.last, spec));
    data.num("prevSeqId", previous);
  }
  return data.num("seqId", feed.sequence).text();
}

std::string OkxSim::ticker_data(const OkxSymbol& symbol, std::int64_t pulse) const {
  const SymbolSpec& spec = symbol.spec;
  const Ladder top = world_.market.ladder(spec, world_.wall_ms(), 1, pulse);
  const auto price = [&](const std::vector<Level>& side) {
    return side.empty() ? std::string() : fixed_text(side[0].price, spec.price_decimals);
  };
  const auto size = [&](const std::vector<Level>& side) {
    return side.empty() ? std::string() : fixed_text(side[0].qty, spec.qty_decimals);
  };
  return Obj()
      .str("instType", spec.market)
      .str("instId", spec.native)
      .str("last", price(top.bids))
      .str("lastSz", "0.1")
      .str("askPx", price(top.asks))
      .str("askSz", size(top.asks))
      .str("bidPx", price(top.bids))
      .str("bidSz", size(top.bids))
      .str("open24h", price(top.bids))
      .str("high24h", price(top.asks))
      .str("low24h", price(top.bids))
      .str("volCcy24h", "2222")
      .str("vol24h", "2222")
      .str("sodUtc0", "")
      .str("sodUtc8", "")
      .str("ts", std::to_string(world_.wall_ms()))
      .text();
}

std::string OkxSim::funding_data(const OkxSymbol& symbol) const {
  const std::int64_t now = world_.wall_ms(), next = now / kFundingHourMs * kFundingHourMs + kFundingHourMs;
  // A rate that moves a little and changes its sign now and then.
  const std::int64_t units =
      10'000 + static_cast<std::int64_t>(crc32(symbol.spec.native + std::to_string(now / kFundingMs)) % 40'000) -
      20'000;
  return Obj()
      .str("formulaType", "withRate")
      .str("fundingRate", Decimal(units, -8).to_string())
      .str("fundingTime", std::to_string(next))
      .str("impactValue", "20000")
      .str("instId", symbol.spec.native)
      .str("instType", "SWAP")
      .str("interestRate", "0.0001")
      .str("method", "current_period")
      .str("maxFundingRate", "0.00375")
      .str("minFundingRate", "-0.00375")
      .str("nextFundingRate", "")
      .str("nextFundingTime", std::to_string(next + kFundingHourMs))
      .str("premium", "0.0001233824646391")
      .str("settFundingRate", "0.0001")
      .str("settState", "settled")
      .str("ts", std::to_string(now))
      .text();
}

/// To everybody who has the topic, each with the subscription as he wrote it.
void OkxSim::broadcast(const std::string& topic, const std::string& rest) {
  for (const auto& [id, conn] : conns_) {
    const auto it = conn.topics.find(topic);
    if (it != conn.topics.end()) sink_.send(id, "{\"arg\":{" + it->second.arg + "}," + rest + "}");
  }
}

/// What a new subscriber is told at once.
std::string OkxSim::first_frame(Feed& feed, const Topic& topic) {
  const std::string head = "{\"arg\":{" + topic.arg + "},";
  if (feed.channel == "tickers") return head + "\"data\":[" + ticker_data(*feed.symbol, feed.sequence) + "]}";
  if (feed.channel == "funding-rate") return head + "\"data\":[" + funding_data(*feed.symbol) + "]}";
  if (feed.pushes == 0) {
    feed.last = world_.market.ladder(feed.symbol->spec, world_.wall_ms(), feed.depth);
    feed.last_push_ms = world_.mono_ms();
    ++feed.pushes;
  }
  const std::string data = book_data(feed, feed.last, -1);
  if (feed.channel == "books") return head + "\"action\":\"snapshot\",\"data\":[" + data + "]}";
  if (feed.last_data.empty()) feed.last_data = data;
  return head + "\"data\":[" + data + "]}";
}

void OkxSim::push_books(const std::string& topic, Feed& feed, Ladder now) {
  const std::int64_t previous = feed.sequence;
  const bool same = now.bids == feed.last.bids && now.asks == feed.last.asks;
  if (same && !feed.restart) {
    // Nothing new for a minute: an update without levels whose ids are equal.
    if (world_.mono_ms() - feed.last_push_ms < world_.scaled(kIdleMs)) return;
    feed.last_push_ms = world_.mono_ms();
    broadcast(topic, "\"action\":\"update\",\"data\":[" + book_data(feed, {}, previous) + "]");
    return;
  }
  const Ladder delta{level_changes(feed.last.bids, now.bids), level_changes(feed.last.asks, now.asks)};
  feed.sequence = feed.restart ? 3 : feed.sequence + 1 + feed.pushes % 5;  // ids rise, but not by one
  feed.restart = false;
  ++feed.pushes;
  feed.last = std::move(now);
  feed.last_push_ms = world_.mono_ms();
  if (feed.lose) {
    feed.lose = false;
    return;
  }
  broadcast(topic, "\"action\":\"update\",\"data\":[" + book_data(feed, delta, previous) + "]");
}

void OkxSim::push_tops(const std::string& topic, Feed& feed, Ladder now) {
  const bool same = now.bids == feed.last.bids && now.asks == feed.last.asks;
  if (same) {
    if (world_.mono_ms() - feed.last_push_ms < world_.scaled(kIdleMs)) return;
    feed.last_push_ms = world_.mono_ms();
    return broadcast(topic, "\"data\":[" + feed.last_data + "]");
  }
  feed.sequence += 1 + feed.pushes % 3;
  ++feed.pushes;
  feed.last_push_ms = world_.mono_ms();
  if (feed.depth == 1 && feed.pushes % kOneSidedEvery == 0) now.asks.clear();
  if (feed.depth == 1 && feed.pushes % kCrossedEvery == 0 && !now.asks.empty()) std::swap(now.bids, now.asks);
  feed.last = std::move(now);
  feed.last_data = book_data(feed, feed.last, 0);
  broadcast(topic, "\"data\":[" + feed.last_data + "]");
}

void OkxSim::push_feed(const std::string& topic, Feed& feed) {
  const std::int64_t now = world_.mono_ms();
  if (feed.last_tick_ms == 0) feed.last_tick_ms = feed.last_push_ms = now;
  if (feed.channel == "funding-rate") {
    if (now - feed.last_push_ms < world_.scaled(kFundingMs)) return;
    feed.last_push_ms = now;
    return broadcast(topic, "\"data\":[" + funding_data(*feed.symbol) + "]");
  }
  // credit counts thousandths of a frame, so that any rate meets any tick length
  feed.credit += (now - feed.last_tick_ms) * world_.options.rate;
  feed.last_tick_ms = now;
  std::int64_t due = std::min(feed.credit / 1000, kBurstMax);
  feed.credit -= feed.credit / 1000 * 1000;
  if (feed.channel != "bbo-tbt") {
    if (now - feed.last_push_ms < world_.scaled(kSlowMs) && !feed.restart) return;
    due = std::min<std::int64_t>(due, 1);
  }
  if (feed.restart) due = 1;
  for (; due > 0; --due) {
    if (feed.channel == "tickers") {
      feed.last_push_ms = now;
      broadcast(topic, "\"data\":[" + ticker_data(*feed.symbol, ++feed.sequence) + "]");
      continue;
    }
    Ladder book = world_.market.ladder(feed.symbol->spec, world_.wall_ms(), feed.depth, feed.pushes);
    if (feed.channel == "books")
      push_books(topic, feed, std::move(book));
    else
      push_tops(topic, feed, std::move(book));
  }
}

}  // namespace anduin::sim

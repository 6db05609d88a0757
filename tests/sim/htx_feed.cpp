#include <algorithm>
#include <charconv>

#include "sim/htx.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kBookMs = 100;   ///< snapshots are looked at that often
constexpr std::int64_t kBurstMax = 64;  ///< frames of one channel in one tick, after a long pause
constexpr std::size_t kSnapshotDepth = 150;
// So often a best bid and offer lacks a side, comes twice, or is older than the one before.
constexpr std::int64_t kMissingEvery = 97, kRepeatEvery = 53, kOlderEvery = 71;
constexpr std::int64_t kFirstVersion = 131'599'725;

/// [price,contracts] as JSON numbers; whole prices without a point.
std::string level_text(const Level& level, const SymbolSpec& spec) {
  const std::string price = Decimal::parse(fixed_text(level.price, spec.price_decimals))->to_string();
  return Arr().raw(price).raw(std::to_string(level.qty)).text();
}

std::string side_text(const std::vector<Level>& levels, const SymbolSpec& spec) {
  Arr list;
  for (const Level& level : levels) list.raw(level_text(level, spec));
  return list.text();
}

}  // namespace

std::optional<HtxSim::Feed> HtxSim::make_feed(const std::string& channel) const {
  static constexpr std::string_view kHead = "market.";
  if (!channel.starts_with(kHead)) return std::nullopt;
  const std::size_t dot = channel.find('.', kHead.size());
  if (dot == std::string::npos) return std::nullopt;
  Feed feed;
  const std::string native = channel.substr(kHead.size(), dot - kHead.size()), kind = channel.substr(dot + 1);
  if (kind == "bbo") {
    feed.kind = Feed::Kind::kBbo;
  } else if (kind == "depth.step0") {
    feed.kind = Feed::Kind::kSnapshots;
    feed.depth = kSnapshotDepth;
  } else if (kind == "depth.size_20.high_freq" || kind == "depth.size_150.high_freq") {
    feed.kind = Feed::Kind::kChanges;
    feed.depth = kind == "depth.size_20.high_freq" ? 20 : 150;
  } else {
    return std::nullopt;
  }
  for (const HtxContract& c : contracts_)
    if (c.spec.native == native && c.status == 1) feed.contract = &c;
  if (feed.contract == nullptr) return std::nullopt;
  feed.version = kFirstVersion;
  feed.last_tick_ms = world_.mono_ms();
  return feed;
}

/// `missing`: 0 both sides, 1 the bid is null, 2 the ask is absent.
std::string HtxSim::bbo_frame(const std::string& channel, const Feed& feed, const Ladder& top, int missing) const {
  const std::int64_t now = world_.wall_ms();
  Obj tick;
  tick.num("mrid", feed.version).num("id", now / 1000);
  if (top.bids.empty() || missing == 1)
    tick.null("bid");
  else
    tick.raw("bid", level_text(top.bids[0], feed.contract->spec));
  if (!top.asks.empty() && missing != 2) tick.raw("ask", level_text(top.asks[0], feed.contract->spec));
  tick.num("ts", now - 1).num("version", feed.version).str("ch", channel);
  return Obj().str("ch", channel).num("ts", now).raw("tick", tick.text()).text();
}

std::string HtxSim::book_frame(const std::string& channel, const Feed& feed, const Ladder& book,
                               const char* event) const {
  const std::int64_t now = world_.wall_ms();
  const bool changes = feed.kind == Feed::Kind::kChanges;
  Obj tick;
  tick.num("mrid", 43'131'214'601 + feed.version)
      .num("id", changes ? 43'131'214'601 + feed.version : now / 1000)
      .raw("bids", side_text(book.bids, feed.contract->spec))
      .raw("asks", side_text(book.asks, feed.contract->spec))
      .num("ts", now - 1)
      .num("version", changes ? feed.version : now / 1000)  // seconds, in the snapshots: no number to order by
      .str("ch", channel);
  if (changes) tick.str("event", event);
  return Obj().str("ch", channel).raw("tick", tick.text()).num("ts", now).text();
}

void HtxSim::first_frame(ConnId id, const std::string& channel) {
  auto [it, fresh] = feeds_.try_emplace(channel);
  Feed& feed = it->second;
  if (fresh) feed = *make_feed(channel);
  const Ladder now = world_.market.ladder(feed.contract->spec, world_.wall_ms(), feed.depth, feed.version);
  if (fresh) feed.last = now;
  if (feed.kind == Feed::Kind::kBbo) {
    const std::string frame = bbo_frame(channel, feed, feed.last, 0);
    if (fresh) feed.frame = feed.frame_before = frame;
    sink_.send(id, frame);
  } else {
    sink_.send(id, book_frame(channel, feed, feed.last, "snapshot"));
  }
}

void HtxSim::push_feed(const std::string& channel, Feed& feed) {
  const std::int64_t now = world_.mono_ms();
  const auto broadcast = [&](const std::string& frame) {
    for (const auto& [id, conn] : conns_)
      if (!conn.is_private && conn.topics.count(channel) != 0) sink_.send(id, frame);
  };
  if (feed.kind != Feed::Kind::kBbo) {
    if (now - feed.last_push_ms < world_.scaled(kBookMs)) return;
    feed.last_push_ms = now;
    Ladder book = world_.market.ladder(feed.contract->spec, world_.wall_ms(), feed.depth, feed.version + 1);
    if (book.bids == feed.last.bids && book.asks == feed.last.asks) return;
    ++feed.version;
    const bool changes = feed.kind == Feed::Kind::kChanges;
    const Ladder shown =
        changes ? Ladder{level_changes(feed.last.bids, book.bids), level_changes(feed.last.asks, book.asks)} : book;
    feed.last = std::move(book);
    return broadcast(book_frame(channel, feed, shown, "update"));
  }
  // credit counts thousandths of a frame, so that any rate meets any tick length
  feed.credit += (now - feed.last_tick_ms) * world_.options.rate;
  feed.last_tick_ms = now;
  std::int64_t due = std::min(feed.credit / 1000, kBurstMax);
  feed.credit -= feed.credit / 1000 * 1000;
  for (; due > 0; --due) {
    Ladder top = world_.market.ladder(feed.contract->spec, world_.wall_ms(), 1, feed.version + 1);
    if (top.bids == feed.last.bids && top.asks == feed.last.asks) return;
    ++feed.version;
    ++feed.pushes;
    feed.last = std::move(top);
    feed.frame_before = std::exchange(feed.frame, bbo_frame(channel, feed, feed.last, 0));
    broadcast(feed.frame);
    if (feed.pushes % kRepeatEvery == 0) broadcast(feed.frame);
    if (feed.pushes % kOlderEvery == 0) broadcast(feed.frame_before);
    if (feed.pushes % kMissingEvery == 0) {
      ++feed.version;
      broadcast(bbo_frame(channel, feed, feed.last, feed.pushes / kMissingEvery % 2 == 0 ? 1 : 2));
    }
  }
}

}  // namespace anduin::sim

#include <algorithm>

#include "sim/kraken_futures.hpp"

namespace anduin::sim {
namespace {

constexpr std::size_t kBookDepth = 25;
constexpr std::size_t kSnapshotRows = 50;  ///< old log rows that a subscription sees again
constexpr std::int64_t kBurstMax = 64;
constexpr std::size_t kConnectionsMax = 100;

std::string number(std::int64_t units, int decimals) { return double_text(Decimal(units, -decimals)); }

std::string level_json(const Level& level, const SymbolSpec& spec) {
  return Obj()
      .raw("price", number(level.price, spec.price_decimals))
      .raw("qty", number(level.qty, spec.qty_decimals))
      .text();
}

bool is_private_feed(const std::string& feed) {
  static const char* const kFeeds[] = {"account_log",         "balances",
                                       "open_positions",      "fills",
                                       "open_orders",         "open_orders_verbose",
                                       "notifications_auth",  "account_balances_and_margins",
                                       "deposits_withdrawals"};
  return std::find(std::begin(kFeeds), std::end(kFeeds), feed) != std::end(kFeeds);
}

bool is_public_feed(const std::string& feed) {
  return feed == "book" || feed == "ticker" || feed == "ticker_lite" || feed == "trade";
}

}  // namespace

std::optional<Response> KrakenFutures::on_open(ConnId id, const std::string& query) {
  if (conns_.size() >= kConnectionsMax) return Response{429, "too many connections"};
  Conn conn;
  conn.is_private = Params(query).find("auth").has_value();
  conn.last_active_ms = world_.mono_ms();
  conns_[id] = std::move(conn);
  sink_.send(id, R"({"event":"info","version":1})");
  return std::nullopt;
}

void KrakenFutures::on_ping(ConnId id) {
  if (const auto it = conns_.find(id); it != conns_.end()) it->second.last_active_ms = world_.mono_ms();
}

void KrakenFutures::on_message(ConnId id, std::string_view text) {
  const auto it = conns_.find(id);
  if (it == conns_.end()) return;
  Conn& conn = it->second;
  conn.last_active_ms = world_.mono_ms();
  const auto message = parse_exact(text);
  if (!message || !message->is_object()) {
    sink_.send(id, R"({"event":"error","message":"Json Error"})");
    return;
  }
  const std::string event = text_at(*message, "event");
  if (event == "challenge") {
    const std::string key = text_at(*message, "api_key");
    conn.challenges[key] = uuid(world_.random);
    sink_.send(id, Obj().str("event", "challenge").str("message", conn.challenges[key]).text());
  } else if (event == "subscribe" || event == "unsubscribe") {
    on_subscribe(id, conn, *message, event == "subscribe");
  } else if (event == "ping") {
    sink_.send(id, R"({"event":"pong"})");
  } else {
    sink_.send(id, R"({"event":"error","message":"Invalid event"})");
  }
}

void KrakenFutures::on_subscribe(ConnId id, Conn& conn, const Json& message, bool add) {
  const std::string feed = text_at(message, "feed");
  if (is_private_feed(feed)) return subscribe_private(id, conn, message, feed, add);
  if (is_public_feed(feed)) return subscribe_public(id, conn, message, feed, add);
  if (feed != "heartbeat") {
    sink_.send(id, R"({"event":"error","message":"Invalid feed"})");
    return;
  }
  if (add)
    conn.topics.insert(feed);
  else
    conn.topics.erase(feed);
  sink_.send(id, Obj().str("event", add ? "subscribed" : "unsubscribed").str("feed", feed).text());
}

void KrakenFutures::subscribe_private(ConnId id, Conn& conn, const Json& message, const std::string& feed,
                                      bool add) {
  const std::string key = text_at(message, "api_key"), original = text_at(message, "original_challenge");
  const std::string given = text_at(message, "signed_challenge");
  const auto issued = conn.challenges.find(key);
  const auto it = std::find_if(accounts_.begin(), accounts_.end(),
                               [&](const SimAccount& a) { return a.market == "futures" && a.key == key; });
  // The challenge must be the one issued on this very connection.
  const bool good =
      it != accounts_.end() && issued != conn.challenges.end() && issued->second == original &&
      base64_encode(hmac_sha512(base64_decode(it->secret).value_or(""), sha256(original))) == given;
  if (!good) {
    sink_.send(id, R"({"event":"alert","message":"Failed to subscribe to authenticated feed"})");
    return;
  }
  conn.account = static_cast<int>(it - accounts_.begin());
  if (add)
    conn.topics.insert(feed);
  else
    conn.topics.erase(feed);
  // The ack repeats the credentials: clients must scrub their logs.
  sink_.send(id, Obj()
                     .str("event", add ? "subscribed" : "unsubscribed")
                     .str("feed", feed)
                     .str("api_key", key)
                     .str("original_challenge", original)
                     .str("signed_challenge", given)
                     .text());
  if (add) send_snapshot(id, feed, static_cast<std::size_t>(conn.account));
}

void KrakenFutures::send_snapshot(ConnId id, const std::string& feed, std::size_t account) {
  const Ledger& ledger = ledgers_[account];
  if (feed == "account_log") {
    Arr logs;  // newest first, old rows again
    std::size_t count = 0;
    for (auto row = ledger.rows.rbegin(); row != ledger.rows.rend() && count < kSnapshotRows;
         ++row, ++count) {
      if (row->date_ms + log_delay_ms_ <= world_.wall_ms()) logs.raw(row_json(*row, true));
    }
    sink_.send(id, Obj().str("feed", "account_log_snapshot").raw("logs", logs.text()).text());
  } else if (feed == "balances") {
    sink_.send(id, balances_frame(account, "balances_snapshot"));
  } else if (feed == "fills") {
    Arr list;
    std::int64_t seq = 0;
    for (const Execution& e : ledger.executions) list.raw(fill_json(e, true, seq++));
    sink_.send(id, Obj()
                       .str("feed", "fills_snapshot")
                       .str("account", accounts_[account].uid)
                       .raw("fills", list.text())
                       .text());
  } else if (feed == "open_positions") {
    sink_.send(id, Obj()
                       .str("feed", "open_positions")
                       .str("account", accounts_[account].uid)
                       .raw("positions", "[]")
                       .num("seq", ++private_seq_)
                       .num("timestamp", world_.wall_ms())
                       .text());
  } else if (feed.starts_with("open_orders")) {
    sink_.send(id, Obj()
                       .str("feed", feed + "_snapshot")
                       .str("account", accounts_[account].uid)
                       .raw("orders", "[]")
                       .text());
  }
}

void KrakenFutures::subscribe_public(ConnId id, Conn& conn, const Json& message, const std::string& feed,
                                     bool add) {
  const Json ids = message.contains("product_ids") && message["product_ids"].is_array()
                       ? message["product_ids"]
                       : Json::array();
  if (ids.empty()) {
    sink_.send(id, R"({"event":"error","message":"Invalid product id"})");
    return;
  }
  for (const Json& one : ids) {
    const SymbolSpec* spec = one.is_string() ? find_symbol(one.get<std::string>()) : nullptr;
    const std::string name = one.is_string() ? one.get<std::string>() : "";
    // The canonical name is ours, not the venue's: only the listed product id counts, in any case.
    if (spec == nullptr || name.size() != spec->native.size()) {
      sink_.send(id, R"({"event":"error","message":"Invalid product id"})");
      continue;
    }
    const std::string topic = feed + ":" + spec->native;
    if (add && !conn.topics.insert(topic).second) {
      sink_.send(id, R"({"event":"alert","message":"Already subscribed to feed, re-requesting"})");
    }
    if (!add) conn.topics.erase(topic);
    sink_.send(id, Obj()
                       .str("event", add ? "subscribed" : "unsubscribed")
                       .str("feed", feed)
                       .raw("product_ids", Arr().str(spec->native).text())
                       .text());
    if (!add) continue;
    if (feed == "book") {
      auto [it, fresh] = books_.try_emplace(spec->native);
      if (fresh) {
        it->second.spec = spec;
        it->second.seq = 326'072'249;
        it->second.last = world_.market.ladder(*spec, world_.wall_ms(), kBookDepth);
      }
      sink_.send(id, book_snapshot(it->second));
    } else if (feed == "trade") {
      sink_.send(
          id, Obj().str("feed", "trade_snapshot").str("product_id", spec->native).raw("trades", "[]").text());
    } else {
      sink_.send(id, ticker(*spec, feed == "ticker_lite"));
    }
  }
}

std::string KrakenFutures::book_snapshot(const Book& book) const {
  const SymbolSpec& spec = *book.spec;
  Arr bids, asks;
  // A level without quantity may stand in a snapshot, here above the best bid: it is no level.
  if (!book.last.bids.empty()) bids.raw(level_json({book.last.bids[0].price + 7 * spec.tick_units, 0}, spec));
  for (const Level& level : book.last.bids) bids.raw(level_json(level, spec));
  for (const Level& level : book.last.asks) asks.raw(level_json(level, spec));
  return Obj()
      .str("feed", "book_snapshot")
      .str("product_id", spec.native)
      .num("timestamp", world_.wall_ms())
      .num("seq", book.seq)
      .null("tickSize")
      .raw("bids", bids.text())
      .raw("asks", asks.text())
      .text();
}

void KrakenFutures::push_book(Book& book) {
  const std::int64_t now = world_.mono_ms();
  if (book.last_tick_ms == 0) book.last_tick_ms = now;
  book.credit += (now - book.last_tick_ms) * world_.options.rate;
  book.last_tick_ms = now;
  std::int64_t due = std::min(book.credit / 1000, kBurstMax);
  book.credit -= book.credit / 1000 * 1000;
  const std::string topic = "book:" + book.spec->native;
  for (; due > 0; --due) {
    Ladder next = world_.market.ladder(*book.spec, world_.wall_ms(), kBookDepth, book.seq);
    const auto send_level = [&](const char* side, const Level& level) {
      ++book.seq;
      if (book.gap) {  // this one is lost on the way
        book.gap = false;
        return;
      }
      const std::string frame = Obj()
                                    .str("feed", "book")
                                    .str("product_id", book.spec->native)
                                    .str("side", side)
                                    .num("seq", book.seq)
                                    .raw("price", number(level.price, book.spec->price_decimals))
                                    .raw("qty", number(level.qty, book.spec->qty_decimals))
                                    .num("timestamp", world_.wall_ms())
                                    .text();
      for (const auto& [id, conn] : conns_) {
        if (conn.topics.count(topic) != 0) sink_.send(id, frame);
      }
    };
    const auto side_changes = [&](const char* side, const std::vector<Level>& before,
                                  const std::vector<Level>& after) {
      for (const Level& level : after) {
        if (std::find(before.begin(), before.end(), level) == before.end()) send_level(side, level);
      }
      for (const Level& level : before) {
        const bool stays =
            std::any_of(after.begin(), after.end(), [&](const Level& l) { return l.price == level.price; });
        if (!stays) send_level(side, {level.price, 0});
      }
    };
    side_changes("sell", book.last.asks, next.asks);
    side_changes("buy", book.last.bids, next.bids);
    book.last = std::move(next);
  }
}

std::string KrakenFutures::ticker(const SymbolSpec& spec, bool lite) const {
  const Ladder top = world_.market.ladder(spec, world_.wall_ms(), 1);
  const std::string bid = top.bids.empty() ? "0.0" : number(top.bids[0].price, spec.price_decimals);
  const std::string ask = top.asks.empty() ? "0.0" : number(top.asks[0].price, spec.price_decimals);
  Obj frame;
  frame.str("feed", lite ? "ticker_lite" : "ticker").str("product_id", spec.native);
  if (!lite) frame.num("time", world_.wall_ms());
  frame.raw("bid", bid).raw("ask", ask);
  if (!lite) {
    frame.raw("bid_size", top.bids.empty() ? "0.0" : number(top.bids[0].qty, spec.qty_decimals))
        .raw("ask_size", top.asks.empty() ? "0.0" : number(top.asks[0].qty, spec.qty_decimals))
        .raw("last", bid)
        .raw("index", bid)
        .raw("markPrice", bid)
        .raw("openInterest", "30072580.0")
        .flag("suspended", false)
        .flag("post_only", false);
  }
  // Zero funding fields are left out, as the venue does.
  const std::string pair = (spec.base == "BTC" ? "XBT" : spec.base) + ":USD";
  return frame.raw("change", "0.0")
      .raw("premium", "0.0")
      .raw("volume", "264126741.0")
      .str("tag", "perpetual")
      .str("pair", pair)
      .num("dtm", 0)
      .num("maturityTime", 0)
      .raw("volumeQuote", "264126741.0")
      .text();
}

void KrakenFutures::push(std::size_t account, const std::string& feed, const std::string& frame,
                         std::int64_t delay_ms) {
  if (delay_ms > 0) {
    pending_.push_back({world_.mono_ms() + delay_ms, account, frame, feed});
    return;
  }
  for (const auto& [id, conn] : conns_) {
    if (conn.account == static_cast<int>(account) && conn.topics.count(feed) != 0) sink_.send(id, frame);
  }
}

}  // namespace anduin::sim

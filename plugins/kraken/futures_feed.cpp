#include "futures_feed.hpp"

#include "anduin/time.hpp"
#include "instruments.hpp"

namespace anduin::kraken {
namespace {

/// One-level deltas cross the book for a moment; so many in a row mean that a removal was lost.
constexpr int kCrossedMax = 50;

}  // namespace

void FuturesFeed::request_list() {
  Feed::request_list("futures.rest", "/derivatives/api/v3/instruments", "futures.public");
}

std::size_t FuturesFeed::describe_all(const venue::Reply& reply) {
  const auto [result, instruments] = reply.json().get<"result", "instruments">();
  if (!reply.ok() || !(result == "success") || !instruments.is_array()) return 0;
  std::size_t rows = 0;
  for (const json::View v : instruments) {
    rows += describe_row(v["symbol"].str(), [&] {
      const auto row = futures_row(v);
      if (!row) return false;
      host_.describe(row->info());
      learn(row->native);
      by_lower_[lower_case(row->native)] = row->native;
      return true;
    }) ? 1U : 0U;
  }
  return rows;
}

std::string FuturesFeed::native_of(std::string_view wire_name) const {
  const auto it = by_lower_.find(lower_case(wire_name));
  return it == by_lower_.end() ? std::string(wire_name) : it->second;
}

std::string_view FuturesFeed::feed_name() const {
  switch (channel_.kind) {
    case Channel::Kind::kTicker: return "ticker";
    case Channel::Kind::kTickerLite: return "ticker_lite";
    default: return "book";
  }
}

// One product a frame: an error answer names nothing.
void FuturesFeed::send_event(std::string_view event, const std::string& native) {
  host_.send(connection_,
             R"({"event":")" + std::string(event) + R"(","feed":")" + std::string(feed_name()) +
                 R"(","product_ids":[)" + json::quoted(native) + "]}",
             {.rate = "futures.ws"});
}

void FuturesFeed::subscribe(const std::vector<std::string>& natives) {
  for (const std::string& native : natives) send_event("subscribe", native);
}
void FuturesFeed::unsubscribe(const std::vector<std::string>& natives) {
  for (const std::string& native : natives) send_event("unsubscribe", native);
}

void FuturesFeed::frame(const venue::Frame& frame) {
  enum class Name : std::uint8_t { kUnknown, kBook, kOther } name = Name::kUnknown;
  Delta d;
  unsigned seen = 0;  // one bit a member that a delta must have
  bool early = false;  // a member of a delta stood before `feed`
  bool event = false;  // an acknowledgement names the feed too
  std::string_view feed;
  const bool by_book = channel_.kind == Channel::Kind::kBook;
  json::Reader r = frame.reader();
  r.object([&](std::string_view key) {
    if (key == "feed") {
      feed = r.str();
      name = by_book && feed == "book" ? Name::kBook : Name::kOther;
      return;
    }
    if (name == Name::kOther) return;
    event = event || key == "event";
    const bool member = key == "product_id" || key == "seq" || key == "side" || key == "price" || key == "qty";
    if (name == Name::kUnknown) {
      early = early || member;
      return;
    }
    if (key == "product_id") { d.product = r.str(); seen |= 1U; }
    else if (key == "seq") { d.seq = r.i64(); seen |= 2U; }
    else if (key == "side") { d.side = r.str(); seen |= 4U; }
    else if (key == "price") { d.price = r.dec(); seen |= 8U; }
    else if (key == "qty") { d.size = r.dec(); seen |= 16U; }
    else if (key == "timestamp") { d.venue_ms = r.i64(); }
  });
  if (name != Name::kBook || event) return other_frame(frame.json(), feed);
  if (early || seen != 31U) {
    const auto [product, seq, side, price, qty, time] =
        frame.json().get<"product_id", "seq", "side", "price", "qty", "timestamp">();
    d = {product.str(), side.str(), seq.i64(), time.i64_or_none().value_or(0), price.dec(), qty.dec()};
  }
  delta(d);
}

void FuturesFeed::delta(const Delta& d) {
  Slot& s = slot(d.product);
  if (!s.book_live || s.muted) return;  // before the snapshot, or of a book that broke
  if (d.seq <= s.seq) return;           // already inside the snapshot
  if (d.seq != s.seq + 1)
    return break_book(s, "seq " + std::to_string(s.seq) + " is followed by " + std::to_string(d.seq));
  s.seq = d.seq;
  if (d.side == "buy") s.book.set_bid(d.price, d.size);
  else if (d.side == "sell") s.book.set_ask(d.price, d.size);
  else return break_book(s, "side '" + std::string(d.side) + "' is unknown");
  s.crossed = s.book.crossed() ? s.crossed + 1 : 0;
  if (s.crossed > kCrossedMax) return break_book(s, "the book stays crossed");
  quote_top(s, d.venue_ms);
}

void FuturesFeed::snapshot(const json::View& frame) {
  const auto [product, seq, time, bids, asks] = frame.get<"product_id", "seq", "timestamp", "bids", "asks">();
  if (!product) return host_.error(AND_E_PROTOCOL, "book_snapshot", "a snapshot without product_id");
  Slot& s = slot(product.str());
  if (s.muted) return;
  s.book.clear();
  s.crossed = 0;
  try {
    const auto levels = [&s](const json::View& side, bool is_ask) {
      for (const json::View level : side) {
        const auto [price, qty] = level.get<"price", "qty">();
        const Decimal size = qty.dec();
        if (size.is_zero()) continue;  // seen: zero levels in snapshots
        if (is_ask) s.book.set_ask(price.dec(), size);
        else s.book.set_bid(price.dec(), size);
      }
    };
    levels(bids, false);
    levels(asks, true);
    s.seq = seq.i64();
  } catch (const BadFrame& e) {
    host_.error(AND_E_PROTOCOL, "book_snapshot " + s.native, e.what());
    return break_book(s, "the snapshot could not be read");
  }
  s.book_live = true;
  quote_top(s, time.i64_or_none().value_or(0));
}

void FuturesFeed::ticker(const json::View& frame) {
  const auto [product, bid, ask, bid_size, ask_size, time] =
      frame.get<"product_id", "bid", "ask", "bid_size", "ask_size", "time">();
  if (!product) return host_.error(AND_E_PROTOCOL, "ticker", "a frame without product_id");
  const auto number = [](const json::View& v) { return v.dec_or_none().value_or(Decimal()); };
  quote(slot(product.str()), number(bid), number(ask), number(bid_size), number(ask_size),
        time.i64_or_none().value_or(0));
}

void FuturesFeed::other_frame(const json::View& frame, std::string_view feed) {
  const auto [event, message, products] = frame.get<"event", "message", "product_ids">();
  if (!event) {
    if (feed == "book_snapshot" && channel_.kind == Channel::Kind::kBook) snapshot(frame);
    else if (feed == feed_name() && channel_.kind != Channel::Kind::kBook) ticker(frame);
    return;
  }
  if (event == "subscribed" && feed == feed_name()) {
    for (const json::View product : products) acknowledged(native_of(product.text()));
  } else if (event == "subscribed_failed") {
    for (const json::View product : products) refused(native_of(product.text()), message.text());
  } else if (event == "error" || event == "alert") {
    // "Invalid product id" names nothing: the subscription that stays unanswered is reported by its own name.
    host_.error(AND_E_PROTOCOL, "futures.public", message.text());
  }
}

}  // namespace anduin::kraken

#include "spot_v2_feed.hpp"

#include <algorithm>
#include <cstring>

#include "anduin/time.hpp"
#include "instruments.hpp"

namespace anduin::kraken {
namespace {

/// Symbols in one subscribe frame: keeps frames small, and one broken name from hiding many.
constexpr std::size_t kSymbolsPerFrame = 50;
constexpr unsigned kDepthDefault = 10;  // the venue's own default

}  // namespace

using json::ignore, json::on;

/// A row of the channel `ticker`; what it does not have is empty or zero.
struct SpotV2Feed::TickerRow {
  bool is_object = false;
  std::string_view symbol, time;
  Decimal bid, ask, bid_size, ask_size;

  void read(json::Reader& r) {
    is_object = r.at_object();
    if (!is_object) return;
    r.object(on<"symbol">([&] { symbol = r.str(); }),
             on<"bid">([&] { bid = r.dec_or_zero(); }),
             on<"bid_qty">([&] { bid_size = r.dec_or_zero(); }),
             on<"ask">([&] { ask = r.dec_or_zero(); }),
             on<"ask_qty">([&] { ask_size = r.dec_or_zero(); }),
             ignore<"last">(), ignore<"volume">(), ignore<"vwap">(), ignore<"low">(), ignore<"high">(),
             ignore<"change">(), ignore<"change_pct">(),
             on<"timestamp">([&] { time = r.str(); }));
  }
};

std::size_t describe_asset_pairs(const venue::Reply& reply,
                                 const std::function<bool(std::string_view, const json::View&)>& row) {
  const auto [error, result] = reply.json().get<"error", "result">();
  if (!reply.ok() || !result.is_object()) return 0;
  (void)error;  // entries that begin with W are warnings; with a result the rest is one too
  std::size_t rows = 0;
  result.members([&](std::string_view key, const json::View& v) { rows += row(key, v) ? 1U : 0U; });
  return rows;
}

void SpotV2Feed::request_list() { Feed::request_list("spot.rest", "/0/public/AssetPairs", "spot.public"); }

std::size_t SpotV2Feed::describe_all(const venue::Reply& reply) {
  return describe_asset_pairs(reply, [this](std::string_view key, const json::View& v) {
    return describe_row(key, [&] {
      const InstrumentRow row = spot_row(key, v, Dialect::kV2);
      host_.describe(row.info());
      learn(row.native);
      const auto [price, size] = v.get<"pair_decimals", "lot_decimals">();
      if (price && size) precision_[row.native] = {static_cast<int>(price.i64()), static_cast<int>(size.i64())};
      return true;
    });
  });
}

void SpotV2Feed::send_method(std::string_view method, const std::vector<std::string>& natives) {
  for (std::size_t at = 0; at < natives.size(); at += kSymbolsPerFrame) {
    std::string list;
    for (std::size_t i = at; i < std::min(at + kSymbolsPerFrame, natives.size()); ++i) {
      if (!list.empty()) list += ',';
      list += json::quoted(natives[i]);
    }
    std::string params = channel_.kind == Channel::Kind::kBook
                             ? R"("channel":"book","depth":)" +
                                   std::to_string(channel_.depth == 0 ? kDepthDefault : channel_.depth)
                             : std::string(R"("channel":"ticker","event_trigger":"bbo")");
    params += R"(,"symbol":[)" + list + "]";
    if (method == "subscribe") params += R"(,"snapshot":true)";
    host_.send(connection_,
               R"({"method":")" + std::string(method) + R"(","params":{)" + params + R"(},"req_id":)" +
                   std::to_string(++request_) + "}",
               {.rate = "spot.ws"});
  }
}

void SpotV2Feed::subscribe(const std::vector<std::string>& natives) { send_method("subscribe", natives); }
void SpotV2Feed::unsubscribe(const std::vector<std::string>& natives) { send_method("unsubscribe", natives); }

std::int64_t SpotV2Feed::time_of(std::string_view iso) {
  // "2022-12-25T09:30:59." stays the same for a second; "123456Z" is what a frame adds.
  if (iso.size() > kSecondSize + 3 && std::memcmp(iso.data(), second_, kSecondSize) == 0 && iso.back() == 'Z') {
    const auto digit = [&iso](std::size_t at) { return static_cast<unsigned char>(iso[kSecondSize + at]) - unsigned{'0'}; };
    const unsigned a = digit(0), b = digit(1), c = digit(2);
    if (a < 10 && b < 10 && c < 10) return second_ms_ + a * 100 + b * 10 + c;
  }
  const std::int64_t ms = parse_iso_ms(iso).value_or(0);
  if (ms == 0 || iso[kSecondSize - 1] != '.') return ms;
  std::copy_n(iso.data(), kSecondSize, second_);
  second_ms_ = ms - ms % 1000;
  return ms;
}

[[gnu::flatten]] void SpotV2Feed::frame(const venue::Frame& frame) {
  enum class Name : std::uint8_t { kUnknown, kTicker, kOther } name = Name::kUnknown;
  bool done = false;
  const bool by_ticker = channel_.kind == Channel::Kind::kTicker;
  try {
    json::Reader r = frame.reader();
    r.object(on<"channel">([&] { name = by_ticker && r.str() == "ticker" ? Name::kTicker : Name::kOther; }),
             ignore<"type">(),
             on<"data">([&] {
               if (name != Name::kTicker || !r.at_array()) return;
               r.array([&] {
                 TickerRow row;
                 row.read(r);
                 take_ticker(row);
               });
               done = true;
             }));
  } catch (const BadFrame&) {
    done = false;  // again row by row: one bad row must not cost the others
  }
  if (!done) other_frame(frame.json());
}

[[gnu::noinline]] void SpotV2Feed::take_ticker(const TickerRow& row) {
  if (!row.is_object) return;
  if (row.symbol.empty()) return host_.error(AND_E_PROTOCOL, "ticker", "a row without symbol");
  quote(slot(row.symbol), row.bid, row.ask, row.bid_size, row.ask_size, time_of(row.time));
}

[[gnu::noinline]] void SpotV2Feed::other_frame(const json::View& frame) {
  const auto [channel, type, data, method, success, result, error, symbol] =
      frame.get<"channel", "type", "data", "method", "success", "result", "error", "symbol">();
  if (channel == "ticker" && channel_.kind == Channel::Kind::kTicker) {
    // A row that cannot be read, or `data` before `channel` (legal, never seen).
    for (const json::View row : data) {
      try {
        const std::string_view raw = row.raw();
        json::Reader r(raw.data(), raw.size());
        TickerRow values;
        values.read(r);
        take_ticker(values);
      } catch (const BadFrame& e) {
        host_.error(AND_E_PROTOCOL, "ticker", e.what());
      }
    }
  } else if (channel == "book" && channel_.kind == Channel::Kind::kBook) {
    for (const json::View row : data) book_row(row, type == "snapshot");
  } else if (channel == "status") {
    for (const json::View row : data) {
      const json::View system = row["system"];
      if (system && system != "online") host_.warn("Kraken spot is in " + system.text() + ": prices may stand still");
    }
  } else if (method == "subscribe" || method == "unsubscribe") {
    const std::string name = (symbol ? symbol : result["symbol"]).text();
    if (success.truthy() || error.str().starts_with("Already subscribed")) {
      if (method == "subscribe") acknowledged(name);
    } else if (method == "subscribe") {
      refused(name, error.text());
    }
  } else if (error) {
    host_.error(AND_E_PROTOCOL, "spot.public", error.text());
  }
}

/// The digits as sent; else with the zeros that the pair's precision asks for, should the writer have dropped them.
bool SpotV2Feed::agrees(const Slot& s, std::uint32_t sum) const {
  if (checksum(s.book) == sum) return true;
  const auto known = precision_.find(s.native);
  return known != precision_.end() && checksum(s.book, known->second) == sum;
}

void SpotV2Feed::book_row(const json::View& row, bool snapshot) {
  const auto [symbol, bids, asks, sum, time] = row.get<"symbol", "bids", "asks", "checksum", "timestamp">();
  if (!symbol) return host_.error(AND_E_PROTOCOL, "book", "a row without symbol");
  Slot& s = slot(symbol.str());
  if (s.muted) return;
  if (snapshot) {
    s.book.clear();
    s.book_live = true;
  }
  if (!s.book_live) return;  // deltas of a book that broke
  try {
    for (const json::View level : bids) {
      const auto [price, size] = level.get<"price", "qty">();
      s.book.set_bid(exact_lexeme(price.str()), exact_lexeme(size.str()));
    }
    for (const json::View level : asks) {
      const auto [price, size] = level.get<"price", "qty">();
      s.book.set_ask(exact_lexeme(price.str()), exact_lexeme(size.str()));
    }
  } catch (const BadFrame& e) {
    host_.error(AND_E_PROTOCOL, "book " + s.native, e.what());
    return break_book(s, "a level could not be read");
  }
  s.book.truncate(channel_.depth == 0 ? kDepthDefault : channel_.depth);
  if (const auto expected = sum.i64_or_none(); expected && !agrees(s, static_cast<std::uint32_t>(*expected)))
    return break_book(s, "checksum mismatch");
  quote_top(s, time_of(time.str()));
}

}  // namespace anduin::kraken

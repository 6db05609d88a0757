#include "spot_v1_feed.hpp"

#include <algorithm>
#include <charconv>

#include "book.hpp"
#include "instruments.hpp"
#include "spot_v2_feed.hpp"

namespace anduin::kraken {
namespace {

constexpr std::size_t kSymbolsPerFrame = 50;
constexpr unsigned kDepthDefault = 10;  // the venue's own default
/// Seconds as Kraken writes them; beyond this they are no time.
constexpr std::int64_t kSecondsMax = 1'000'000'000'000;

/// The last two strings of `[..., "book-10", "XBT/USD"]`, found from the end: a book frame has four or five elements.
struct Tail {
  std::string_view channel, pair;
};
Tail tail_of(std::string_view text) {
  const auto last_string = [&text]() -> std::string_view {
    const std::size_t close = text.find_last_of('"');
    if (close == std::string_view::npos || close == 0) return {};
    const std::size_t start = text.find_last_of('"', close - 1);
    if (start == std::string_view::npos) return {};
    const std::string_view found = text.substr(start + 1, close - start - 1);
    text = text.substr(0, start);
    return found;
  };
  const std::string_view pair = last_string();
  return {last_string(), pair};
}

/// "1542057299.545897" in ms, floored; 0 where it is no time.
std::int64_t ms_of(std::string_view seconds) {
  std::int64_t whole = 0;
  const char* const end = seconds.data() + seconds.size();
  const auto [at, ec] = std::from_chars(seconds.data(), end, whole);
  if (ec != std::errc() || whole < 0 || whole > kSecondsMax) return 0;
  std::int64_t ms = 0;
  int digits = 0;
  if (at < end && *at == '.') {
    for (const char* p = at + 1; p < end && digits < 3 && *p >= '0' && *p <= '9'; ++p, ++digits)
      ms = ms * 10 + (*p - '0');
  }
  for (; digits < 3; ++digits) ms *= 10;
  return whole * 1000 + ms;
}

}  // namespace

void SpotV1Feed::request_list() { Feed::request_list("spot.rest", "/0/public/AssetPairs", "spot.public"); }

std::size_t SpotV1Feed::describe_all(const venue::Reply& reply) {
  return describe_asset_pairs(reply, [this](std::string_view key, const json::View& v) {
    return describe_row(key, [&] {
      const InstrumentRow row = spot_row(key, v, Dialect::kV1);
      host_.describe(row.info());
      learn(row.native);
      return true;
    });
  });
}

void SpotV1Feed::send_event(std::string_view event, const std::vector<std::string>& natives) {
  std::string subscription;
  switch (channel_.kind) {
    case Channel::Kind::kBook:
      subscription = R"({"name":"book","depth":)" +
                     std::to_string(channel_.depth == 0 ? kDepthDefault : channel_.depth) + "}";
      break;
    case Channel::Kind::kTicker: subscription = R"({"name":"ticker"})"; break;
    default: subscription = R"({"name":"spread"})";
  }
  for (std::size_t at = 0; at < natives.size(); at += kSymbolsPerFrame) {
    std::string list;
    for (std::size_t i = at; i < std::min(at + kSymbolsPerFrame, natives.size()); ++i) {
      if (!list.empty()) list += ',';
      list += json::quoted(natives[i]);
    }
    host_.send(connection_,
               R"({"event":")" + std::string(event) + R"(","reqid":)" + std::to_string(++request_) + R"(,"pair":[)" +
                   list + R"(],"subscription":)" + subscription + "}",
               {.rate = "spot.ws"});
  }
}

void SpotV1Feed::subscribe(const std::vector<std::string>& natives) { send_event("subscribe", natives); }
void SpotV1Feed::unsubscribe(const std::vector<std::string>& natives) { send_event("unsubscribe", natives); }

void SpotV1Feed::frame(const venue::Frame& frame) {
  json::Reader r = frame.reader();
  if (!r.at_array()) return event_frame(frame.json());
  const auto [channel, pair] = tail_of(frame.text);
  switch (channel_.kind) {
    case Channel::Kind::kSpread:
      if (channel == "spread") spread(slot(pair), r);
      return;
    case Channel::Kind::kTicker:
      if (channel == "ticker") ticker(slot(pair), r);
      return;
    default: break;
  }
  if (!channel.starts_with("book-")) return;
  unsigned depth = 0;
  const std::string_view digits = channel.substr(5);
  std::from_chars(digits.data(), digits.data() + digits.size(), depth);
  if (depth == 0 || (channel_.depth != 0 && channel_.depth != depth)) return;
  book(slot(pair), depth, frame.json());
}

// [id, ["bid", "ask", "time", "bid volume", "ask volume"], "spread", "XBT/USD"]
void SpotV1Feed::spread(Slot& s, json::Reader r) {
  Decimal value[5];  // bid, ask, -, bid volume, ask volume
  std::int64_t time_ms = 0;
  int element = 0;
  int seen = 0;
  r.array([&] {
    if (element++ != 1 || !r.at_array()) return;
    r.array([&] {
      const int at = seen++;
      if (at == 2) time_ms = ms_of(r.str());
      else if (at < 5) value[at] = r.dec();
    });
  });
  if (seen < 3) throw BadFrame("a spread of " + std::to_string(seen) + " fields");
  // The time is when the resting order was made and can go backwards.
  quote(s, value[0], value[1], value[3], value[4], time_ms, AND_PRICE_TIME_UNUSABLE);
}

// [id, {"a":["ask", whole lots, "volume"], "b":[...], ...}, "ticker", "XBT/USD"]
void SpotV1Feed::ticker(Slot& s, json::Reader r) {
  Decimal bid, ask, bid_size, ask_size;
  int element = 0;
  r.array([&] {
    if (element++ != 1 || !r.at_object()) return;
    r.object([&](std::string_view key) {
      if ((key != "a" && key != "b") || !r.at_array()) return;
      int at = 0;
      r.array([&] {
        if (at == 0) (key == "a" ? ask : bid) = r.dec();
        if (at == 2) (key == "a" ? ask_size : bid_size) = r.dec();
        ++at;
      });
    });
  });
  quote(s, bid, ask, bid_size, ask_size, 0);
}

// Snapshot: [id, {"as":[[price, volume, time]..],"bs":[..]}, ..]. Update: one or two objects with "a" or "b", the last
// one with the checksum "c".
void SpotV1Feed::book(Slot& s, unsigned depth, const json::View& frame) {
  if (s.muted) return;
  std::int64_t newest_ms = 0;
  std::string_view sum;
  bool snapshot = false;
  const auto levels = [&](const json::View& side, bool is_ask) {
    for (const json::View level : side) {
      std::string_view field[3];
      std::size_t n = 0;
      for (const json::View f : level) {
        if (n < 3) field[n++] = f.str();
      }
      const Decimal price = exact_lexeme(field[0]), size = exact_lexeme(field[1]);
      if (is_ask) s.book.set_ask(price, size);
      else s.book.set_bid(price, size);
      newest_ms = std::max(newest_ms, ms_of(field[2]));
    }
  };
  try {
    for (const json::View payload : frame) {
      if (!payload.is_object()) continue;
      const auto [as, bs, a, b, c] = payload.get<"as", "bs", "a", "b", "c">();
      if (as || bs) {
        if (!snapshot) s.book.clear();
        snapshot = s.book_live = true;
        levels(as, true);
        levels(bs, false);
      }
      if (!s.book_live) continue;  // deltas of a book that broke
      levels(a, true);
      levels(b, false);
      if (c) sum = c.str();
    }
  } catch (const BadFrame& e) {
    host_.error(AND_E_PROTOCOL, "book " + s.native, e.what());
    return break_book(s, "a level could not be read");
  }
  if (!s.book_live) return;
  s.book.truncate(depth);
  if (!sum.empty() && std::to_string(checksum(s.book)) != sum) return break_book(s, "checksum mismatch");
  quote_top(s, snapshot ? 0 : newest_ms);  // a snapshot carries the age of its orders, not its own time
}

void SpotV1Feed::event_frame(const json::View& frame) {
  const auto [event, status, pair, error, subscription] =
      frame.get<"event", "status", "pair", "errorMessage", "subscription">();
  if (event == "subscriptionStatus") {
    if (status == "subscribed") acknowledged(pair.str());
    else if (status == "error") refused(pair.str(), error.text());
  } else if (event == "systemStatus") {
    if (status != "online") host_.warn("Kraken spot is in " + status.text() + ": prices may stand still");
  } else if (event == "error" || error) {
    host_.error(AND_E_PROTOCOL, "spot.public.v1", error.text());
  }
}

}  // namespace anduin::kraken

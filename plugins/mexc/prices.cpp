#include "prices.hpp"

#include <algorithm>
#include <utility>

#include "errors.hpp"
#include "instruments.hpp"

namespace anduin::mexc {
namespace {

constexpr std::string_view kDepthFull = "depth.full", kTicker = "ticker";
// Quiet contracts are silent for up to six seconds. Asked again after the first of these, complained of after two.
constexpr std::int64_t kFirstPushMs = 5'000;
constexpr std::string_view kNotThere = "Contract [";  // Contract [NOPE_USDT] not exists

PublicVenue<SymbolState>::Policy policy() {
  PublicVenue<SymbolState>::Policy p;
  // One contract a frame; how many a connection takes is not published, 150 were taken.
  p.topics = {.venue = "MEXC", .topics_per_request = 1, .answer_ms = kFirstPushMs};
  p.rest_rate = "public";
  return p;
}

}  // namespace

Prices::Prices(const venue::Options& options)
    : PublicVenue(policy()), markets_(wanted_markets(options)), channel_(options.text("price_channel")) {
  if (channel_ != kDepthFull && channel_ != kTicker)
    throw BadOption("/price_channel", "'" + channel_ + "' is neither depth.full nor ticker");
  push_channel_ = "push." + channel_;
  if (channel_ == kDepthFull) depth_ = std::to_string(options.integer("depth"));
  for (const std::string_view market : markets_)
    add_market(std::string(market), options.text("ws_path") == "/ws" ? "public.ws" : "public");
  add_listing(std::string(kDetail));
}

// -- instruments ----------------------------------------------------------------------------------------------------

Answer Prices::judge(const venue::Reply& reply) { return mexc::judge(reply); }

std::string Prices::take_instruments(std::size_t, const Answer& answer) {
  if (!answer.result.is_array()) throw BadFrame("an answer without a list");
  each_row(answer.result, kDetail, "symbol", [&](const json::View& row) {
    const venue::InstrumentInfo info = instrument_of(row);
    const auto market = std::find(markets_.begin(), markets_.end(), info.market);
    if (market != markets_.end()) list(static_cast<std::size_t>(market - markets_.begin()), info);
  });
  return {};
}

std::size_t Prices::guess_market(std::string_view native) const {
  const auto market = std::find(markets_.begin(), markets_.end(), market_of(native, likely_settle_coin(native)));
  return market == markets_.end() ? 0 : static_cast<std::size_t>(market - markets_.begin());
}

// -- subscriptions --------------------------------------------------------------------------------------------------

std::string Prices::topic_of(const Line&, std::string_view native) const { return std::string(native); }
std::string Prices::native_of(std::string_view topic) const { return std::string(topic); }

std::string Prices::subscription_frame(const Line&, const Subscriptions::Request& request) {
  std::string out = R"({"method":")" + std::string(request.subscribe ? "sub." : "unsub.") + channel_ +
                    R"(","param":{"symbol":)" + json::quoted(request.topics.front());
  if (request.subscribe && !depth_.empty()) out += R"(,"limit":)" + depth_;
  return out + "}}";
}

void Prices::line_opened(Line& line) {
  binary_noted_ = false;
  begin(line);
}

// -- frames ---------------------------------------------------------------------------------------------------------

/// The best of the levels [price, contracts, orders] that hold anything: the venue sends them best first.
void Prices::Push::read_data(json::Reader& r) {
  const auto best = [&](Decimal& price, Decimal& size, bool highest) {
    r.array([&] {
      Decimal level_price, level_size;
      int place = 0;
      r.array([&] {
        if (place == 0)
          level_price = r.dec();
        else if (place == 1)
          level_size = r.dec();
        ++place;
      });
      if (place < 2) throw BadFrame("a level without price and size");
      if (level_price.sign() <= 0 || level_size.sign() < 0) throw BadFrame("a level below zero");
      if (level_size.is_zero()) return;
      if (price.is_zero() || (highest ? level_price > price : level_price < price)) {
        price = level_price;
        size = level_size;
      }
    });
  };
  r.object([&](std::string_view key) {
    if (key == "bids" && r.at_array())
      best(bid, bid_size, true);
    else if (key == "asks" && r.at_array())
      best(ask, ask_size, false);
    else if (key == "version")
      version = r.i64_or_zero();
    else if (key == "cts" || key == "timestamp")
      engine_ms = r.i64_or_zero();
    else if (key == "bid1")
      bid = r.dec_or_zero();
    else if (key == "ask1")
      ask = r.dec_or_zero();
    else if (key == "fundingRate" && !r.at_string())
      funding_rate = r.dec_or_zero();
  });
}

void Prices::take_frame(Line& line, const venue::Frame& frame) {
  if (frame.binary) {  // packed frames were never seen, though the documents speak of them
    if (!std::exchange(binary_noted_, true)) problem("public", "a binary frame: not understood, left out");
    return;
  }
  Push push;
  std::string_view data;
  json::Reader r = frame.reader();
  r.object([&](std::string_view key) {
    if (key == "channel")
      push.channel = r.str();
    else if (key == "symbol")
      push.symbol = r.str();
    else if (key == "ts")
      push.push_ms = r.i64_or_zero();
    else if (key != "data")
      return;
    else if (r.at_string())
      data = r.str();
    else if (r.at_object() && (push.channel.empty() || push.channel == push_channel_)) {
      push.has_data = true;  // where the channel stands behind, it decides then
      push.read_data(r);
    }
  });
  if (push.channel == push_channel_) {
    if (push.has_data && !push.symbol.empty()) return take_push(line, push);
    throw BadFrame("a frame of " + push_channel_ + " without symbol or data");
  }
  if (push.channel == "rs.error") take_error(line, std::string(data));
  // Acknowledgements name no contract, pongs and other channels need nothing.
}

void Prices::take_push(Line& line, const Push& push) {
  Symbol& s = symbol_of(line, push.symbol);
  if (s.removed) return;
  if (!s.live) {
    s.live = true;
    answered_topic(line, s.native, true, "");
  }
  // Overtaken by a newer one. A version that starts again comes with a later time.
  if (push.version != 0 && push.version < s.version && push.time_ms() <= s.time_ms) return;
  s.version = push.version;
  s.time_ms = push.time_ms();
  if (push.funding_rate && push.funding_rate != s.funding_rate) {
    s.funding_rate = push.funding_rate;
    funding(s.id, *push.funding_rate, std::nullopt, 0, push.time_ms());
  }
  quote(line, s, push.bid, push.ask, push.bid_size, push.ask_size, push.time_ms());
}

void Prices::take_error(Line& line, const std::string& text) {
  const std::size_t end = text.find(']');
  if (!text.starts_with(kNotThere) || end == std::string::npos) return problem("public", text);
  const std::string symbol = text.substr(kNotThere.size(), end - kNotThere.size());
  if (line.topics.wants(symbol))
    answered_topic(line, symbol, false, text);
  else
    problem(symbol, text);
}

}  // namespace anduin::mexc

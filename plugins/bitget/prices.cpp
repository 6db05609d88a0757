#include "prices.hpp"

#include "instruments.hpp"

namespace anduin::bitget {
namespace {

constexpr std::string_view kInstruments = "/api/v3/market/instruments";
constexpr std::size_t kTopicsPerRequest = 20;  // a message has at most 4,096 bytes, a subscription some 70 to 100
constexpr std::size_t kTopicsMax = 1'000;      // of one connection
constexpr std::uint64_t kRotateMs = 23ULL * 3'600'000;  // a connection lives for a day

PublicVenue<SymbolState>::Policy policy(const venue::Options& options) {
  PublicVenue<SymbolState>::Policy p;
  p.topics = {.venue = "Bitget", .topics_per_request = kTopicsPerRequest, .topics_max = kTopicsMax};
  p.ban_ms = kBanMs;
  p.rotate_ms = kRotateMs;
  p.resync_when_crossed = options.text("price_channel") == "books";
  return p;
}

}  // namespace

Prices::Prices(const venue::Options& options)
    : PublicVenue(policy(options)),
      products_(chosen_products(options)),
      channel_(options.text("price_channel")),
      v3_(options.text("dialect") == "v3") {
  for (const Product* p : products_) {
    if (p->market == kSpot && channel_ == "ticker")
      throw BadOption("/price_channel", "Bitget rounds the tickers of spot: use books1");
    add_market(std::string(p->name), v3_ ? "public.v3" : "public.v2");
    add_listing(std::string(kInstruments) + "?category=" + std::string(p->rest));
  }
}

// -- instruments ----------------------------------------------------------------------------------------------------

Answer Prices::judge(const venue::Reply& reply) { return strikes_.count(bitget::judge(reply)); }

std::string Prices::take_instruments(std::size_t listing, const Answer& answer) {
  if (!answer.result.is_array()) throw BadFrame("an answer without a list");
  each_row(answer.result, kInstruments, "symbol", [&](const json::View& row) {
    const InstrumentRow instrument(row, *products_[listing]);
    list(listing, instrument.info);
  });
  return "";
}

std::size_t Prices::guess_market(std::string_view native) const {
  const Product* guess = product_of(native);
  for (std::size_t i = 0; i < products_.size(); ++i)
    if (products_[i] == guess) return i;
  return 0;
}

/// A spot name that no list has described is announced with its market: it may be a contract's name too.
InstrumentId Prices::identify(const Line& line, std::string_view native) {
  const Product& product = *products_[line.market];
  const std::string key = instrument_key(product, native);
  if (is_listed(line.market, native) || product.market != kSpot) return instrument(key);
  return describe({.native = native, .market = product.market, .key = key});
}

// -- subscriptions --------------------------------------------------------------------------------------------------

std::string Prices::topic_of(const Line&, std::string_view native) const { return std::string(native); }
std::string Prices::native_of(std::string_view topic) const { return std::string(topic); }

std::string Prices::subscription_frame(const Line& line, const Subscriptions::Request& request) {
  const Product& product = *products_[line.market];
  std::string args;
  for (const std::string& topic : request.topics) {
    args += args.empty() ? "" : ",";
    if (v3_)
      args += R"({"instType":")" + std::string(product.stream) + R"(","topic":")" + channel_ + R"(","symbol":)" +
              json::quoted(topic) + "}";
    else
      args += R"({"instType":")" + std::string(product.rest) + R"(","channel":")" + channel_ + R"(","instId":)" +
              json::quoted(topic) + "}";
  }
  return std::string(R"({"op":")") + (request.subscribe ? "subscribe" : "unsubscribe") + R"(","args":[)" + args + "]}";
}

// -- frames ---------------------------------------------------------------------------------------------------------

void Prices::take_frame(Line& line, const venue::Frame& frame) {
  if (frame.binary || frame.text == "pong") return;
  frame_.read(frame.reader());
  if (frame_.is_event) return take_event(line, frame.json());
  if (!frame_.has_data || frame_.channel != channel_) return;
  if (frame_.symbol.empty()) throw BadFrame("a push without a symbol");
  Symbol& s = symbol_of(line, frame_.symbol);
  if (s.removed) return;
  for (std::size_t i = 0; i < frame_.size(); ++i) take_row(line, s, frame_.row(i));
}

void Prices::take_row(Line& line, Symbol& s, const PushRow& row) {
  static const Decimal none;
  const std::int64_t time_ms = row.ts_ms != 0 ? row.ts_ms : frame_.sent_ms;  // tickers have the sender's time only
  const PushRow::Levels &bids = row.bids, &asks = row.asks;
  if (channel_ != "books") {  // every row is the whole of what the channel shows, best first
    if (bids.empty() || asks.empty()) return quote(line, s, none, none, none, none, time_ms);
    if (products_[line.market]->market == kInverse)  // coins, of a contract that is worth a dollar
      return quote(line, s, bids[0].price, asks[0].price, bids[0].size * bids[0].price, asks[0].size * asks[0].price,
                   time_ms);
    return quote(line, s, bids[0].price, asks[0].price, bids[0].size, asks[0].size, time_ms);
  }
  const bool is_snapshot = frame_.action == "snapshot";
  if (!is_snapshot && frame_.action != "update")
    throw BadFrame("action '" + std::string(frame_.action) + "' is neither snapshot nor update");
  s.has_data = true;
  switch (s.chain.apply(row, is_snapshot, now_ms())) {
    case ChainedBook::Applied::kYes:
      return quote_top(line, s, s.chain.levels(), time_ms);
    case ChainedBook::Applied::kIgnored:
      return;
    case ChainedBook::Applied::kGap:
      return start_over(line, s, "a change of the book is missing");
    case ChainedBook::Applied::kNoSnapshot:
      return start_over(line, s, "changes of the book, but no snapshot");
  }
}

void Prices::take_event(Line& line, const json::View& frame) {
  const auto [event, arg, code, text] = frame.get<"event", "arg", "code", "msg">();
  if (event == "subscribe") {
    const auto [topic, channel, symbol, inst] = arg.get<"topic", "channel", "symbol", "instId">();
    const std::string native = symbol.absent() ? inst.text() : symbol.text();
    if (!(topic == channel_) && !(channel == channel_)) return;
    if (line.topics.wants(native)) answered_topic(line, native, true, "");
  } else if (event == "error") {
    take_error(line, arg, code.i64_or_none().value_or(0), text.text());
  }
  // Events that we do not know need nothing.
}

/// An error may come without `arg`: then its text names the instrument.
void Prices::take_error(Line& line, const json::View& arg, std::int64_t code, const std::string& text) {
  const std::string what = text + " (" + std::to_string(code) + ")";
  if (verdict_of(code) == Verdict::kRate) return problem(channel_, what);  // asked again when its answer is overdue
  const auto [symbol, inst] = arg.get<"symbol", "instId">();
  std::string native = symbol.absent() ? inst.text() : symbol.text();
  for (const std::string_view name : {"instId:", "symbol:"}) {
    const std::size_t at = text.find(name);
    if (!native.empty() || at == std::string::npos) continue;
    const std::size_t begin = at + name.size();
    native = text.substr(begin, std::min(text.find_first_of(" ,", begin), text.size()) - begin);
  }
  if (line.topics.wants(native)) return answered_topic(line, native, false, what);
  problem(native.empty() ? channel_ : native, what);
}

}  // namespace anduin::bitget

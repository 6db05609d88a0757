#include "prices.hpp"

#include <charconv>

#include "anduin/query.hpp"
#include "errors.hpp"
#include "instruments.hpp"

namespace anduin::bybit {
namespace {

constexpr std::string_view kInstrumentsPath = "/v5/market/instruments-info";
constexpr std::string_view kNoBook = "\n";  // no topic begins so: tickers are read member by member

unsigned depth_of(std::string_view channel) {
  static constexpr std::string_view kBook = "orderbook.";
  unsigned depth = 0;
  if (channel.starts_with(kBook)) std::from_chars(channel.data() + kBook.size(), channel.data() + channel.size(), depth);
  return depth;
}

PublicVenue<SymbolState>::Policy policy(const venue::Options& options) {
  PublicVenue<SymbolState>::Policy p;
  p.topics = {.venue = "Bybit", .topics_per_request = 10, .characters_max = 21'000};  // spot refuses more than ten
  p.ban_ms = kBanMs;
  p.resync_when_crossed = depth_of(options.text("price_channel")) > 1;
  return p;
}

std::string list_target(Category category) {
  return std::string(kInstrumentsPath) + "?category=" + std::string(text(category)) + "&limit=1000";
}

}  // namespace

Prices::Prices(const venue::Options& options) : PublicVenue(policy(options)), categories_(categories_of(options)) {
  const std::string channel = options.text("price_channel");
  tickers_ = channel == "tickers";
  rules_ = {depth_of(channel), options.text("book_gap") != "ignore"};
  if (!tickers_ && rules_.depth == 0)
    throw BadOption("/price_channel", "'" + channel + "' is neither orderbook.N nor tickers");
  prefix_ = channel + ".";
  for (const Category c : categories_) {
    if (tickers_ && c == Category::kSpot)
      throw BadOption("/price_channel", "spot tickers carry no bid and ask: use orderbook.1");
    add_market(std::string(text(c)), "public." + std::string(text(c)));
    add_listing(list_target(c));
  }
}

// -- instruments ----------------------------------------------------------------------------------------------------

Answer Prices::judge(const venue::Reply& reply) { return bybit::judge(reply); }

std::string Prices::take_instruments(std::size_t listing, const Answer& answer) {
  const auto [rows, next] = answer.result.get<"list", "nextPageCursor">();
  if (!rows.is_array()) throw BadFrame("an answer without a list");
  const Category category = categories_[listing];
  each_row(rows, kInstrumentsPath, "symbol", [&](const json::View& row) {
    const InstrumentRow instrument(row, category);
    list(listing, instrument.info);
  });
  const std::string cursor = next.text();
  return cursor.empty() ? "" : list_target(category) + "&cursor=" + escape_query(cursor);
}

std::size_t Prices::guess_market(std::string_view native) const {
  const Category guess = looks_inverse(native) ? Category::kInverse : Category::kLinear;
  for (std::size_t i = 0; i < categories_.size(); ++i)
    if (categories_[i] == guess) return i;
  return 0;
}

/// A name that no list has described is announced bare, spot with its market: it may be a contract's name too.
InstrumentId Prices::identify(const Line& line, std::string_view native) {
  const Category category = categories_[line.market];
  const std::string key = instrument_key(category, native);
  if (is_listed(line.market, native) || category != Category::kSpot) return instrument(key);
  return describe({.native = native, .market = text(category), .key = key});
}

// -- subscriptions --------------------------------------------------------------------------------------------------

std::string Prices::topic_of(const Line&, std::string_view native) const { return prefix_ + std::string(native); }
std::string Prices::native_of(std::string_view topic) const { return std::string(topic.substr(prefix_.size())); }

std::string Prices::subscription_frame(const Line&, const Subscriptions::Request& request) {
  std::string out = R"({"req_id":")" + request.id + R"(","op":")" +
                    (request.subscribe ? "subscribe" : "unsubscribe") + R"(","args":[)";
  for (const std::string& topic : request.topics) {
    if (&topic != &request.topics.front()) out += ',';
    out += json::quoted(topic);
  }
  return out + "]}";
}

// -- frames ---------------------------------------------------------------------------------------------------------

void Prices::take_frame(Line& line, const venue::Frame& frame) {
  if (frame.binary) return;
  frame_.read(frame.text, tickers_ ? kNoBook : std::string_view(prefix_));
  if (frame_.has_data) return take_book(line);
  if (frame_.topic.empty()) return take_control(line, frame.json());
  if (!frame_.topic.starts_with(prefix_)) return;  // not our channel, or a dialect that no longer exists
  if (tickers_) take_ticker(line, frame);
}

void Prices::take_book(Line& line) {
  Symbol& s = symbol_of(line, frame_.topic.substr(prefix_.size()));
  if (s.removed) return;
  s.has_data = true;
  switch (s.book.apply(frame_, rules_, now_ms())) {
    case SymbolBook::Applied::kYes: return quote_top(line, s, s.book.levels(), frame_.venue_ms());
    case SymbolBook::Applied::kIgnored: return;
    case SymbolBook::Applied::kGap: return start_over(line, s, "a change of the book is missing");
    case SymbolBook::Applied::kNoSnapshot: return start_over(line, s, "changes of the book, but no snapshot");
  }
}

void Prices::take_ticker(Line& line, const venue::Frame& frame) {
  const json::View whole = frame.json();
  const auto [bid, bid_size, ask, ask_size] =
      whole["data"].get<"bid1Price", "bid1Size", "ask1Price", "ask1Size">();
  Symbol& s = symbol_of(line, frame_.topic.substr(prefix_.size()));
  if (s.removed) return;
  const bool snapshot = frame_.type == "snapshot";
  if (!snapshot && frame_.type != "delta")
    throw BadFrame("'" + std::string(frame_.type) + "' is neither snapshot nor delta: " + std::string(frame_.topic));
  // A delta leaves out what did not change; "" says that there is none.
  const auto merge = [&](std::optional<Decimal>& into, const json::View& v) {
    if (snapshot || !v.absent()) into = v.dec_or_none();
    if (into && into->sign() <= 0) into.reset();
  };
  merge(s.bid1, bid);
  merge(s.bid1_size, bid_size);
  merge(s.ask1, ask);
  merge(s.ask1_size, ask_size);
  quote(line, s, s.bid1.value_or(0), s.ask1.value_or(0), s.bid1_size.value_or(0), s.ask1_size.value_or(0),
        frame_.venue_ms());
}

void Prices::take_control(Line& line, const json::View& frame) {
  const auto [op, success, message, id] = frame.get<"op", "success", "ret_msg", "req_id">();
  if (op == "subscribe" && !success.absent()) answered(line, id.str(), success.truthy(), message.text());
  // Pongs, answers to unsubscribing, and frames of the retired dialects need nothing.
}

}  // namespace anduin::bybit

#include "prices.hpp"

#include <algorithm>
#include <charconv>

#include "errors.hpp"
#include "instruments.hpp"
#include "query.hpp"

namespace anduin::bybit {
namespace {

constexpr std::string_view kRest = "rest", kInstrumentsPath = "/v5/market/instruments-info";
constexpr std::string_view kNoBook = "\n";  // no topic begins so: tickers are read member by member
constexpr std::uint64_t kListRetryMs = 1'000, kListRetryMaxMs = 60'000;
constexpr std::uint64_t kListAgainMs = 60 * 60 * 1000;  // contracts are listed every day, and their closes want names
constexpr unsigned kCrossedMax = 20;  // a locked top can last a moment; a book that stays crossed has lost a delete

unsigned depth_of(std::string_view channel) {
  static constexpr std::string_view kBook = "orderbook.";
  unsigned depth = 0;
  if (channel.starts_with(kBook)) std::from_chars(channel.data() + kBook.size(), channel.data() + channel.size(), depth);
  return depth;
}

}  // namespace

Prices::Prices(const venue::Options& options) {
  const std::string channel = options.text("price_channel");
  tickers_ = channel == "tickers";
  rules_ = {depth_of(channel), options.text("book_gap") != "ignore"};
  if (!tickers_ && rules_.depth == 0)
    throw BadOption("/price_channel", "'" + channel + "' is neither orderbook.N nor tickers");
  prefix_ = channel + ".";
  for (const Category c : categories_of(options)) {
    if (tickers_ && c == Category::kSpot)
      throw BadOption("/price_channel", "spot tickers carry no bid and ask: use orderbook.1");
    lines_.push_back({c, static_cast<ConnId>(c) + 1, {}, {}, {}});
    listings_.push_back({c});
  }
}

void Prices::on_start() {
  for (std::size_t i = 0; i < listings_.size(); ++i) request_list(i, "");
  for (Line& line : lines_) {
    dial(line.connection);
    line.dialled = true;
  }
}

// -- instruments ----------------------------------------------------------------------------------------------------

void Prices::request_list(std::size_t listing, const std::string& cursor) {
  std::string target = std::string(kInstrumentsPath) + "?category=" + std::string(text(listings_[listing].category)) +
                       "&limit=1000";
  if (!cursor.empty()) target += "&cursor=" + escape_query(cursor);
  http({.endpoint = kRest, .target = target, .rate = "rest"},
       [this, listing, cursor](const venue::Reply& reply) { take_list(listing, reply, cursor); });
}

void Prices::retry_list(std::size_t listing, std::uint64_t delay_ms, std::string_view why) {
  Listing& l = listings_[listing];
  error(AND_E_PROTOCOL, kInstrumentsPath, std::string(text(l.category)) + ": " + std::string(why));
  if (++l.failures == 3 && !l.done) resync("instruments", std::string(text(l.category)) + ": " + std::string(why));
  after(delay_ms, [this, listing] { request_list(listing, ""); });
}

void Prices::take_list(std::size_t listing, const venue::Reply& reply, const std::string& cursor) {
  Listing& l = listings_[listing];
  const Answer answer = judge(reply);
  const std::uint64_t delay = std::min(kListRetryMs << std::min(l.failures, 6U), kListRetryMaxMs);
  if (answer.verdict == Verdict::kBanned) return retry_list(listing, kBanMs, answer.text);
  if (answer.verdict != Verdict::kOk)
    return retry_list(listing, delay, answer.text + " (" + std::to_string(answer.code) + ")");
  const auto [list, next, category_text] = answer.result.get<"list", "nextPageCursor", "category">();
  if (!list.is_array()) return retry_list(listing, delay, "an answer without a list");
  const Category category = category_of(category_text.str()).value_or(l.category);
  for (const json::View row : list) {
    try {
      const InstrumentRow instrument(row, category);
      describe(instrument.info);
      auto& categories = listed_[std::string(instrument.info.native)];
      if (std::find(categories.begin(), categories.end(), category) == categories.end()) categories.push_back(category);
    } catch (const std::exception& e) {  // one bad row must not cost the others
      error(AND_E_PROTOCOL, std::string(kInstrumentsPath) + " " + row["symbol"].text(), e.what());
    }
  }
  const std::string following = next.text();
  if (!following.empty() && following == cursor) return retry_list(listing, delay, "the page cursor repeats");
  if (!following.empty()) return request_list(listing, following);
  l.done = true;
  l.failures = 0;
  after(kListAgainMs, [this, listing] { request_list(listing, ""); });
  if (std::all_of(listings_.begin(), listings_.end(), [](const Listing& x) { return x.done; })) ready("instruments");
}

// -- subscriptions --------------------------------------------------------------------------------------------------

Prices::Line* Prices::line_of(ConnId c) {
  for (Line& line : lines_)
    if (line.connection == c) return &line;
  return nullptr;
}

/// Where a symbol trades: by the instrument lists, and by its spelling while those are not known.
std::vector<Prices::Line*> Prices::lines_for(const std::string& symbol) {
  std::vector<Line*> out;
  if (const auto it = listed_.find(symbol); it != listed_.end()) {
    for (Line& line : lines_)
      if (std::find(it->second.begin(), it->second.end(), line.category) != it->second.end()) out.push_back(&line);
    return out;
  }
  const Category guess = looks_inverse(symbol) ? Category::kInverse : Category::kLinear;
  for (Line& line : lines_)
    if (line.category == guess) return {&line};
  return {&lines_.front()};
}

void Prices::on_symbols(const std::vector<std::string>& added, const std::vector<std::string>& removed) {
  std::map<Line*, std::vector<std::string>> in, out;
  for (const std::string& symbol : removed) {
    for (Line* line : lines_for(symbol)) {
      out[line].push_back(topic_of(symbol));
      Symbol& s = symbol_of(*line, symbol);
      s.removed = true;
      s.book.forget();
      unquote(s);
    }
  }
  for (const std::string& symbol : added) {
    for (Line* line : lines_for(symbol)) {
      in[line].push_back(topic_of(symbol));
      symbol_of(*line, symbol).removed = false;
    }
  }
  for (auto& [line, topics] : out) carry_out(*line, line->topics.remove(topics));
  for (auto& [line, topics] : in) carry_out(*line, line->topics.add(topics, now_ms()));
  for (Line& line : lines_) {
    const bool wanted = !line.topics.empty();
    if (wanted && !line.dialled) dial(line.connection);
    if (!wanted && line.dialled) {  // it would be silent, and silence means a dead connection
      close(line.connection, "nothing is wanted of " + std::string(text(line.category)));
      line.topics.close();
    }
    line.dialled = wanted;
  }
}

void Prices::on_dial(ConnId c) {
  if (Line* line = line_of(c)) open(c, "public." + std::string(text(line->category)));
}

void Prices::on_open(ConnId c) {
  Line* line = line_of(c);
  if (!line) return;
  line->ready = false;
  carry_out(*line, line->topics.open(now_ms()));
}

void Prices::on_close(ConnId c, int, std::string_view) {
  Line* line = line_of(c);
  if (!line) return;
  line->topics.close();
  for (Symbol& s : line->symbols) {  // the host has withdrawn the quotes already
    s.book.forget();
    s.bid = s.ask = s.bid_size = s.ask_size = std::nullopt;
    s.quoted = s.has_data = false;
    s.crossed = 0;
  }
}

void Prices::carry_out(Line& line, const Subscriptions::Todo& todo) {
  for (const std::string& frame : todo.frames) send(line.connection, frame, {.rate = "ws"});
  for (const auto& [topic, what] : todo.problems) error(AND_E_PROTOCOL, topic, what);
  if (!line.topics.settled()) watch_answers(line);
}

void Prices::watch_answers(Line& line) {
  if (line.ticking) return;
  line.ticking = true;
  after(static_cast<std::uint64_t>(Subscriptions::kAnswerMs), [this, &line] {
    line.ticking = false;
    if (!line.topics.is_open()) return;
    carry_out(line, line.topics.tick(now_ms(), [&](const std::string& topic) {
      return symbol_of(line, std::string_view(topic).substr(prefix_.size())).has_data;
    }));
    if (!line.topics.settled()) watch_answers(line);
  });
}

// -- frames ---------------------------------------------------------------------------------------------------------

Prices::Symbol& Prices::symbol_of(Line& line, std::string_view name) {
  if (const std::uint32_t at = line.names.find(name)) return line.symbols[at - 1];
  line.names.add(name);
  Symbol& s = line.symbols.emplace_back();
  const std::string key = instrument_key(line.category, name);
  const auto listed = listed_.find(name);
  const bool described = listed != listed_.end() &&
                         std::find(listed->second.begin(), listed->second.end(), line.category) != listed->second.end();
  // A name that no list has described is announced bare, spot with its market: it may be a contract's name too.
  if (described || line.category != Category::kSpot) s.id = instrument(key);
  else s.id = describe({.native = name, .market = text(line.category), .key = key});
  return s;
}

void Prices::on_frame(const venue::Frame& frame) {
  Line* line = line_of(frame.connection);
  if (!line || frame.binary) return;
  frame_.read(frame.reader(), tickers_ ? kNoBook : std::string_view(prefix_));
  if (frame_.topic.empty()) return take_control(*line, frame.json());
  if (!frame_.topic.starts_with(prefix_)) return;  // not our channel, or a dialect that no longer exists
  if (tickers_) return take_ticker(*line, frame);
  if (frame_.has_data) take_book(*line);
}

void Prices::take_book(Line& line) {
  Symbol& s = symbol_of(line, frame_.topic.substr(prefix_.size()));
  if (s.removed) return;
  s.has_data = true;
  switch (s.book.apply(frame_, rules_, now_ms())) {
    case SymbolBook::Applied::kYes: return quote(line, s, s.book.levels(), frame_.venue_ms());
    case SymbolBook::Applied::kIgnored: return;
    case SymbolBook::Applied::kGap: return start_over(line, s, "a change of the book is missing");
    case SymbolBook::Applied::kNoSnapshot: return start_over(line, s, "changes of the book, but no snapshot");
  }
}

void Prices::quote(Line& line, Symbol& s, const OrderBook& book, std::int64_t venue_ms) {
  if (book.two_sided()) [[likely]] {
    const OrderBook::Level& bid = book.best_bid();
    const OrderBook::Level& ask = book.best_ask();
    price(s.id, bid.price, ask.price, bid.size, ask.size, venue_ms);
    s.quoted = true;
    s.crossed = 0;
    if (!line.ready) {
      line.ready = true;
      ready("prices", text(line.category));
    }
    return;
  }
  unquote(s);
  s.crossed = book.crossed() ? s.crossed + 1 : 0;
  if (rules_.depth > 1 && s.crossed >= kCrossedMax) {
    s.book.forget();
    start_over(line, s, "the book stays crossed");
  }
}

void Prices::unquote(Symbol& s) {
  if (s.quoted) withdraw(s.id);
  s.quoted = false;
}

/// Only this symbol is invalid: nothing is published until its new snapshot.
void Prices::start_over(Line& line, Symbol& s, std::string_view why) {
  unquote(s);
  s.crossed = 0;
  const std::string topic(frame_.topic);
  error(AND_E_PROTOCOL, topic, why);
  resync("prices", topic + ": " + std::string(why));
  line.ready = false;
  carry_out(line, line.topics.refresh(topic, now_ms()));
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
  s.has_data = true;
  // A delta leaves out what did not change; "" says that there is none.
  const auto merge = [&](std::optional<Decimal>& into, const json::View& v) {
    if (snapshot || !v.absent()) into = v.dec_or_none();
    if (into && into->sign() <= 0) into.reset();
  };
  merge(s.bid, bid);
  merge(s.bid_size, bid_size);
  merge(s.ask, ask);
  merge(s.ask_size, ask_size);
  if (!s.bid || !s.ask || *s.bid >= *s.ask) return unquote(s);
  price(s.id, *s.bid, *s.ask, s.bid_size.value_or(0), s.ask_size.value_or(0), frame_.venue_ms());
  s.quoted = true;
  if (!line.ready) ready("prices", text(line.category));
  line.ready = true;
}

void Prices::take_control(Line& line, const json::View& frame) {
  const auto [op, success, message, id] = frame.get<"op", "success", "ret_msg", "req_id">();
  if (op == "subscribe" && !success.absent())
    carry_out(line, line.topics.answer(id.str(), success.truthy(), message.text(), now_ms()));
  // Pongs, answers to unsubscribing, and frames of the retired dialects need nothing.
}

}  // namespace anduin::bybit

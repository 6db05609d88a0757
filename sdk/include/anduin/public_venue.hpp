// The public side of a venue as most of them are: instrument lists over REST, one connection a market, topics with
// acknowledgements, a quote a symbol, a broken book asked for anew, and connections replaced before the venue ends them.
// Derive, say what the venue's messages look like, and call quote(). `State` is the venue's own state of one symbol on
// one connection (its book); it needs forget(). Thread and lifetime: as Venue says.
#pragma once
#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "anduin/book.hpp"
#include "anduin/rest.hpp"
#include "anduin/subscriptions.hpp"

namespace anduin {

/// For channels whose every frame is a whole quote.
struct NoState {
  void forget() {}
};

template <class State = NoState>
class PublicVenue : public Venue {
 public:
  struct Policy {
    Subscriptions::Policy topics;
    std::string_view rest = "rest", rest_rate = "rest";  ///< endpoint and rate class of the instrument lists
    std::string_view rest_headers = {};                  ///< "Name: value\n" lines of those requests
    std::string_view send_rate = "ws";                   ///< rate class of subscriptions
    std::uint64_t ban_ms = 10 * 60'000;                  ///< how long Verdict::kBanned lasts
    std::uint64_t rotate_ms = 0;  ///< a connection older than this is replaced, the new one first; 0 = never
    bool resync_when_crossed = false;  ///< a book of deltas that stays crossed has lost a delete
  };

 protected:
  struct Symbol : State {
    InstrumentId id = 0;
    std::string native;
    bool quoted = false;     ///< the host holds a quote of ours
    bool has_data = false;   ///< since the connection opened
    bool removed = false;    ///< unsubscribed: late frames are dropped
    unsigned crossed = 0;    ///< updates in a row with bid >= ask
    unsigned resyncs = 0;    ///< in a row
    std::int64_t resync_ms = 0;
    bool held = false;       ///< quoted by a connection that is not in use yet
    Decimal bid, ask, bid_size, ask_size;  ///< while `held`
    std::int64_t venue_ms = 0;
  };
  struct Line {  ///< one connection
    Line(std::size_t market_, ConnId connection_, const Subscriptions::Policy& policy)
        : market(market_), connection(connection_), topics(policy) {}
    std::size_t market;
    ConnId connection;
    Subscriptions topics;
    detail::NameTable names;      ///< native name -> place in `symbols`, from 1
    std::deque<Symbol> symbols;   ///< a deque: references stay good while it grows
    bool dialled = false, ready = false, ticking = false;
    std::uint64_t session = 0;    ///< counts openings
  };

  explicit PublicVenue(Policy policy) : policy_(policy) {}

  /// In the constructor, one for each product the venue serves on a connection of its own. Its connection is number
  /// `index + 1`; the one that replaces it, kSecond + that.
  std::size_t add_market(std::string name, std::string endpoint) {
    const std::size_t index = markets_.size();
    Market& m = markets_.emplace_back();
    m.name = std::move(name);
    m.endpoint = std::move(endpoint);
    for (const unsigned which : {0U, 1U})
      m.pair[which] = &lines_.emplace_back(index, static_cast<ConnId>(index + 1) + which * kSecond, policy_.topics);
    return index;
  }
  /// In the constructor: an instrument list to keep up to date. `target` is path and query of its first page.
  void add_listing(std::string target) { listings_.push_back({std::move(target)}); }
  [[nodiscard]] const std::string& market_name(std::size_t market) const { return markets_[market].name; }

  // -- what the venue says of itself ------------------------------------------------------------------------------
  [[nodiscard]] virtual Answer judge(const venue::Reply& reply) = 0;
  /// One page of a list: call list() for each row. The target of the next page, or "". BadFrame: asked again later.
  virtual std::string take_instruments(std::size_t listing, const Answer& answer) = 0;
  [[nodiscard]] virtual std::string topic_of(const Line& line, std::string_view native) const = 0;
  [[nodiscard]] virtual std::string native_of(std::string_view topic) const = 0;
  /// The frame that subscribes or unsubscribes these topics.
  [[nodiscard]] virtual std::string subscription_frame(const Line& line, const Subscriptions::Request& request) = 0;
  virtual void take_frame(Line& line, const venue::Frame& frame) = 0;
  /// Where a name trades that no list has described yet.
  [[nodiscard]] virtual std::size_t guess_market(std::string_view) const { return 0; }
  /// The id of a name on this line; override where a name means different instruments in two markets.
  virtual InstrumentId identify(const Line&, std::string_view native) { return instrument(native); }
  /// Dials: override where the address comes from a request (tokens), then open() when it is there.
  virtual void dial_line(Line& line) { open(line.connection, markets_[line.market].endpoint); }
  /// The connection is open: override where the venue greets first, then begin().
  virtual void line_opened(Line& line) { begin(line); }

  // -- for the venue to call --------------------------------------------------------------------------------------
  /// Describes an instrument and remembers that `market` lists it.
  void list(std::size_t market, const venue::InstrumentInfo& info) {
    describe(info);
    auto& in = listed_[std::string(info.native)];
    if (std::find(in.begin(), in.end(), market) == in.end()) in.push_back(market);
  }
  [[nodiscard]] bool is_listed(std::size_t market, std::string_view native) const {
    const auto it = listed_.find(native);
    return it != listed_.end() && std::find(it->second.begin(), it->second.end(), market) != it->second.end();
  }
  /// Subscribes what is wanted on a connection that takes requests now.
  void begin(Line& line) { carry_out(line, line.topics.open(now_ms())); }
  void answered(Line& line, std::string_view id, bool success, std::string_view text) {
    carry_out(line, line.topics.answer(id, success, text, now_ms()));
  }
  void answered_topic(Line& line, const std::string& topic, bool success, std::string_view text) {
    carry_out(line, line.topics.answer_topic(topic, success, text));
  }
  [[nodiscard]] Symbol& symbol_of(Line& line, std::string_view native) {
    if (const std::uint32_t at = line.names.find(native)) return line.symbols[at - 1];
    line.names.add(native);
    Symbol& s = line.symbols.emplace_back();
    s.native = native;
    s.id = identify(line, native);
    return s;
  }

  /// The best bid and ask of a symbol. A side that is not positive, or bid >= ask, is no quote: what stood is withdrawn.
  void quote(Line& line, Symbol& s, const Decimal& bid, const Decimal& ask, const Decimal& bid_size,
             const Decimal& ask_size, std::int64_t venue_ms, std::uint32_t flags = 0) {
    s.has_data = true;
    if (s.removed) return;
    if (bid.sign() > 0 && ask.sign() > 0 && bid < ask) [[likely]] {
      s.crossed = 0;
      if (is_in_use(line)) [[likely]] {
        price(s.id, bid, ask, bid_size, ask_size, venue_ms, flags);
        s.quoted = true;
      } else {
        s.held = true;
        s.bid = bid, s.ask = ask, s.bid_size = bid_size, s.ask_size = ask_size, s.venue_ms = venue_ms;
      }
      if (!line.ready) [[unlikely]] first_quote(line);
      return;
    }
    unquote(s);
    s.crossed = bid.sign() > 0 && ask.sign() > 0 ? s.crossed + 1 : 0;
    if (policy_.resync_when_crossed && s.crossed >= kCrossedMax) start_over(line, s, "the book stays crossed");
  }
  void quote_top(Line& line, Symbol& s, const OrderBook& book, std::int64_t venue_ms) {
    static const Decimal none;
    const bool both = !book.bids().empty() && !book.asks().empty();
    if (!both) return quote(line, s, none, none, none, none, venue_ms);
    const OrderBook::Level &bid = book.best_bid(), &ask = book.best_ask();
    quote(line, s, bid.price, ask.price, bid.size, ask.size, venue_ms);
  }
  void unquote(Symbol& s) {
    if (s.quoted) withdraw(s.id);
    s.quoted = s.held = false;
  }
  /// Only this symbol is invalid: nothing of it is published until its new snapshot. At once, then more and more slowly.
  void start_over(Line& line, Symbol& s, std::string_view why) {
    unquote(s);
    s.forget();
    s.crossed = 0;
    s.has_data = false;
    const std::string topic = topic_of(line, s.native);
    error(AND_E_PROTOCOL, topic, why);
    resync("prices", topic + ": " + std::string(why));
    line.ready = false;
    if (now_ms() - s.resync_ms > kResyncCalmMs) s.resyncs = 0;
    s.resync_ms = now_ms();
    const unsigned doublings = std::min(s.resyncs++, kResyncDoublingsMax);
    if (doublings == 0) return carry_out(line, line.topics.refresh(topic, now_ms()));
    after(kResyncMs << doublings, [this, &line, topic, session = line.session] {
      if (line.session == session) carry_out(line, line.topics.refresh(topic, now_ms()));
    });
  }
  /// The venue will end this connection soon: another one takes over before that.
  void replace(Line& line, std::string_view why) {
    Market& m = markets_[line.market];
    Line& next = *m.pair[1 - m.active];
    if (&line != m.pair[m.active] || next.dialled) return;
    log(AND_LOG_INFO, m.name + ": another connection takes over: " + std::string(why));
    carry_out(next, next.topics.add(line.topics.topics(), now_ms()));
    next.dialled = true;
    dial(next.connection);
  }
  /// `where` names the request or topic; `what` the venue's words.
  void problem(std::string_view where, std::string_view what) { error(AND_E_PROTOCOL, where, what); }

  void on_start() override {
    for (std::size_t i = 0; i < listings_.size(); ++i) request_list(i, listings_[i].target);
    if (!wants_feed("prices")) return;
    for (const Market& m : markets_) {
      Line& line = *m.pair[0];
      dial(line.connection);
      line.dialled = true;
    }
  }
  void on_symbols(const std::vector<std::string>& added, const std::vector<std::string>& removed) override {
    for (const std::string& native : removed)
      for (const std::size_t market : markets_of(native)) want(market, native, false);
    for (const std::string& native : added)
      for (const std::size_t market : markets_of(native)) want(market, native, true);
    for (Market& m : markets_) {
      for (Line* line : m.pair) {
        carry_out(*line, line->topics.remove(m.out));
        if (line->dialled || line == m.pair[m.active]) carry_out(*line, line->topics.add(m.in, now_ms()));
      }
      m.in.clear();
      m.out.clear();
      settle(m);
    }
  }
  void on_dial(ConnId c) override {
    if (Line* line = line_of(c)) dial_line(*line);
  }
  void on_open(ConnId c) override {
    Line* line = line_of(c);
    if (!line) return;
    line->ready = false;
    const std::uint64_t session = ++line->session;
    if (policy_.rotate_ms != 0)
      after(policy_.rotate_ms, [this, line, session] {
        if (line->session == session) replace(*line, "it is as old as the venue lets it become");
      });
    line_opened(*line);
  }
  void on_close(ConnId c, int, std::string_view) override {
    if (Line* line = line_of(c)) forget(*line);  // the host has withdrawn the quotes already
  }
  void on_frame(const venue::Frame& frame) override {
    Line* line = line_of(frame.connection);
    if (!line) return;
    take_frame(*line, frame);
    if (!is_in_use(*line)) [[unlikely]] take_over(*line, false);
  }

  static constexpr ConnId kSecond = 100;

 private:
  static constexpr unsigned kCrossedMax = 20;  ///< a locked top can last a moment
  static constexpr std::uint64_t kResyncMs = 1'000;
  static constexpr unsigned kResyncDoublingsMax = 6;
  static constexpr std::int64_t kResyncCalmMs = 120'000;
  static constexpr std::uint64_t kListRetryMs = 1'000, kListRetryMaxMs = 60'000;
  static constexpr std::uint64_t kListAgainMs = 60 * 60'000;  ///< contracts are listed every day
  static constexpr unsigned kListFailuresShown = 3;
  static constexpr std::uint64_t kTakeOverMs = 15'000;  ///< then without the symbols that stayed silent

  struct Market {
    std::string name, endpoint;
    Line* pair[2] = {nullptr, nullptr};
    unsigned active = 0;
    std::vector<std::string> in, out;  ///< topics, while on_symbols runs
  };
  struct Listing {
    std::string target;
    bool done = false;
    unsigned failures = 0;
  };

  Line* line_of(ConnId c) {
    for (Line& line : lines_)
      if (line.connection == c) return &line;
    return nullptr;
  }
  [[nodiscard]] bool is_in_use(const Line& line) const {
    const Market& m = markets_[line.market];
    return m.pair[m.active] == &line;
  }
  /// By the instrument lists; by guess while those are not known.
  [[nodiscard]] std::vector<std::size_t> markets_of(const std::string& native) const {
    if (const auto it = listed_.find(native); it != listed_.end()) return it->second;
    return {guess_market(native)};
  }
  void want(std::size_t market, const std::string& native, bool wanted) {
    Market& m = markets_[market];
    (wanted ? m.in : m.out).push_back(topic_of(*m.pair[m.active], native));
    for (Line* line : m.pair) {
      Symbol& s = symbol_of(*line, native);
      s.removed = !wanted;
      if (wanted) continue;
      s.forget();
      unquote(s);
    }
  }
  /// A connection with nothing on it would be silent, and silence means a dead connection.
  void settle(Market& m) {
    Line& line = *m.pair[m.active];
    const bool wanted = !line.topics.empty();
    if (wanted && !line.dialled) dial(line.connection);
    if (!wanted)
      for (Line* l : m.pair) drop(*l, "nothing is wanted of " + m.name);
    line.dialled = wanted;
  }
  void drop(Line& line, const std::string& why) {
    if (!line.dialled) return;
    close(line.connection, why);
    line.dialled = false;
    forget(line);
  }
  void forget(Line& line) {
    line.topics.close();
    ++line.session;
    line.ready = false;
    for (Symbol& s : line.symbols) {
      s.forget();
      s.quoted = s.has_data = s.held = false;
      s.crossed = 0;
    }
  }
  void first_quote(Line& line) {
    line.ready = true;
    if (is_in_use(line)) ready("prices", markets_[line.market].name);
  }

  /// A successor takes over when it has heard of every symbol, or has waited long enough.
  void take_over(Line& next, bool now) {
    Market& m = markets_[next.market];
    if (next.topics.empty() || !next.topics.is_open()) return;
    const auto topics = next.topics.topics();
    const auto heard = [&](const std::string& topic) { return symbol_of(next, native_of(topic)).has_data; };
    if (!now && !std::all_of(topics.begin(), topics.end(), heard)) {
      if (next.ticking) return;  // ticks look again
      return watch(next);
    }
    Line& old = *m.pair[m.active];
    m.active = 1 - m.active;
    for (Symbol& s : next.symbols) {
      if (!s.held) continue;
      price(s.id, s.bid, s.ask, s.bid_size, s.ask_size, s.venue_ms);
      s.quoted = true;
      s.held = false;
    }
    for (Symbol& s : old.symbols) s.quoted = false;  // the new connection's now, or withdrawn with the old one
    drop(old, "another connection has taken over");
    (void)old.topics.remove(old.topics.topics());
    ready("prices", m.name);
  }

  void carry_out(Line& line, const Subscriptions::Todo& todo) {
    for (const Subscriptions::Request& r : todo.requests)
      send(line.connection, subscription_frame(line, r), {.rate = policy_.send_rate});
    for (const auto& [topic, what] : todo.problems) problem(topic, what);
    if (!line.topics.settled()) watch(line);
  }
  void watch(Line& line) {
    if (line.ticking) return;
    line.ticking = true;
    const bool in_use = is_in_use(line);
    const auto wait = in_use ? static_cast<std::uint64_t>(line.topics.answer_ms()) : kTakeOverMs;
    after(wait, [this, &line, session = line.session] {
      line.ticking = false;
      if (!line.topics.is_open()) return;
      carry_out(line, line.topics.tick(now_ms(), [&](const std::string& topic) {
        return symbol_of(line, native_of(topic)).has_data;
      }));
      if (!is_in_use(line) && line.session == session) take_over(line, true);
      else if (!line.topics.settled()) watch(line);
    });
  }

  // -- instrument lists -------------------------------------------------------------------------------------------
  void request_list(std::size_t i, const std::string& target) {
    http({.endpoint = policy_.rest, .target = target, .headers = policy_.rest_headers, .rate = policy_.rest_rate,
          .timeout_ms = 30'000},
         [this, i, target](const venue::Reply& reply) { take_list(i, target, reply); });
  }
  void take_list(std::size_t i, const std::string& target, const venue::Reply& reply) {
    Listing& l = listings_[i];
    const Answer answer = judge(reply);
    const std::uint64_t delay = std::min(kListRetryMs << std::min(l.failures, 6U), kListRetryMaxMs);
    if (answer.verdict == Verdict::kBanned) return retry_list(i, policy_.ban_ms, answer.text);
    if (!answer.ok()) return retry_list(i, delay, answer.text + " (" + std::to_string(answer.code) + ")");
    std::string next;
    try {
      next = take_instruments(i, answer);
    } catch (const BadFrame& e) {
      return retry_list(i, delay, e.what());
    }
    if (!next.empty() && next == target) return retry_list(i, delay, "the page cursor repeats");
    if (!next.empty()) return request_list(i, next);
    l.done = true;
    l.failures = 0;
    after(kListAgainMs, [this, i] { request_list(i, listings_[i].target); });
    for (Line& line : lines_) carry_out(line, line.topics.ask_refused(now_ms()));
    if (std::all_of(listings_.begin(), listings_.end(), [](const Listing& x) { return x.done; })) ready("instruments");
  }
  void retry_list(std::size_t i, std::uint64_t delay_ms, const std::string& why) {
    Listing& l = listings_[i];
    const std::string where = l.target.substr(0, l.target.find('&'));
    problem(where, why);
    if (++l.failures == kListFailuresShown && !l.done) resync("instruments", where + ": " + why);
    after(delay_ms, [this, i] { request_list(i, listings_[i].target); });
  }

  Policy policy_;
  std::deque<Line> lines_;
  std::deque<Market> markets_;
  std::vector<Listing> listings_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> listed_;  ///< native name -> markets that list it
};

}  // namespace anduin

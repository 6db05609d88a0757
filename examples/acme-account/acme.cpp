// The Acme exchange of examples/acme with accounts: instruments, closes from stream and history, balance, key rights.
#include <algorithm>
#include <anduin/plugin.hpp>
#include <string>

namespace {

using namespace anduin;

/// Prices, and the instrument list that symbols and closes are resolved with.
class Prices : public Venue {
  static constexpr ConnId kPublic = 1;

  void on_start() override {
    list_instruments();
    if (wants_feed("prices")) dial(kPublic);
  }
  void list_instruments() {
    http({.endpoint = "rest", .target = "/v1/instruments", .rate = "rest"}, [this](const venue::Reply& reply) {
      if (!reply.ok()) {
        resync("instruments", "the list of instruments: " + reply.reason());
        after(5'000, [this] { list_instruments(); });
        return;
      }
      for (const json::View row : reply.json()["instruments"]) {
        const auto [name, base, quote, tick] = row.get<"symbol", "base", "quote", "tick">();
        describe({.native = name.str(), .base = base.str(), .quote = quote.str(), .settle = quote.str(),
                  .market = "linear", .kind = AND_KIND_LINEAR_PERPETUAL, .tick = tick.dec_or_none()});
      }
      ready("instruments");
      after(3'600'000, [this] { list_instruments(); });  // new listings
    });
  }
  void on_dial(ConnId c) override { open(c, "public"); }
  void on_open(ConnId c) override {
    open_ = true;
    for (const auto& symbol : wanted_) subscribe(c, symbol);
  }
  void on_close(ConnId, int, std::string_view) override { open_ = false; }
  void on_symbols(const std::vector<std::string>& added, const std::vector<std::string>&) override {
    for (const auto& symbol : added) {
      wanted_.push_back(symbol);
      if (open_) subscribe(kPublic, symbol);
    }
  }
  void subscribe(ConnId c, const std::string& symbol) {
    send(c, R"({"op":"subscribe","symbol":)" + json::quoted(symbol) + "}");
  }
  void on_frame(const venue::Frame& frame) override {
    const auto [symbol, bid, ask, time] = frame.json().get<"symbol", "bid", "ask", "time">();
    if (symbol) price(instrument(symbol.str()), bid.dec(), ask.dec(), 0, 0, time.i64());
  }

  std::vector<std::string> wanted_;
  bool open_ = false;
};

constexpr std::string_view kHeaders = "X-Acme-Key: {{key}}\nX-Acme-Time: {{ts_ms}}\nX-Acme-Sign: {{sig}}\n";

/// One account: whatever closes is emitted from the way that shows it first; history alone moves the watermark.
class Account : public Venue {
  static constexpr ConnId kPrivate = 1;

  void on_start() override {
    ask_key();
    dial(kPrivate);
  }
  void on_dial(ConnId c) override { open(c, "private"); }
  void on_open(ConnId c) override {
    send(c, R"({"op":"login","key":"{{key|json}}","time":"{{ts_ms}}","sign":"{{sig}}"})", {.sign = "login"});
  }
  void on_close(ConnId, int, std::string_view reason) override {
    live_ = false;
    resync("positions", "the private stream is closed: " + std::string(reason));
  }

  void on_frame(const venue::Frame& frame) override {
    const auto [op, ok, text, close] = frame.json().get<"op", "ok", "text", "close">();
    if (close) return take(close, AND_ORIGIN_STREAM);
    if (op == "login" && !ok.truthy()) throw AuthRefused("Acme refuses the login: " + text.text());
    if (op == "login") {
      send(kPrivate, R"({"op":"subscribe","topic":"closes"})");
      live_ = true;
      read_history();  // what was closed while nobody listened
    }
  }

  /// The same close has the same id, amount and time, whichever way it comes.
  void take(const json::View& row, std::uint32_t origin) {
    const auto [id, symbol, side, size, entry, exit, pnl, fee, coin, time] =
        row.get<"id", "symbol", "side", "size", "entry", "exit", "pnl", "fee", "coin", "time">();
    if (side != "long" && side != "short") throw BadFrame("a close with side '" + side.text() + "'");
    closed({.id = id.str(), .symbol = symbol.str(), .market = "linear", .currency = coin.str(),
            .fee_currency = coin.str(), .pnl_raw = pnl.str(), .fee_raw = fee.str(), .is_long = side == "long",
            .origin = origin, .closed_ms = time.i64(), .entry = entry.dec(), .exit = exit.dec(), .size = size.dec(),
            .fee = fee.dec(), .pnl = pnl.dec()});
  }

  void read_history() {
    std::int64_t since = resume().settle_from_ms;
    if (const std::string_view mark = resume().watermark; !mark.empty()) since = std::stoll(std::string(mark));
    read_page(since, since, "");
  }
  void read_page(std::int64_t begin, std::int64_t since, const std::string& page) {
    const std::string target = "/v1/closes?since=" + std::to_string(since) + (page.empty() ? "" : "&page=" + page);
    http({.endpoint = "rest", .target = target, .headers = kHeaders, .sign = "rest", .rate = "rest"},
         [this, begin, since, page, asked_ms = now_ms()](const venue::Reply& reply) {
           if (!reply.ok()) {
             resync("positions", "the history of closes: " + reply.reason());
             after(5'000, [this, begin, since, page] { read_page(begin, since, page); });
             return;
           }
           const json::View body = reply.json();
           for (const json::View row : body["closes"]) take(row, AND_ORIGIN_HISTORY);
           if (const std::string next = body["next"].text(); !next.empty()) return read_page(begin, since, next);
           // Acme shows closes after a second at most and keeps 90 days: what was asked is what there is.
           const std::int64_t end = asked_ms - 1'000;
           const bool kept = asked_ms - begin < 90LL * 86'400'000;
           coverage(begin, end, kept, kept ? "" : "Acme keeps closes for 90 days");
           watermark(std::to_string(end));
           if (live_) ready("positions");
         });
  }

  void ask_key() {
    http({.endpoint = "rest", .target = "/v1/key", .headers = kHeaders, .sign = "rest", .rate = "rest"},
         [this](const venue::Reply& reply) {
           if (reply.status == 401 || reply.status == 403) throw AuthRefused("Acme refuses the key");
           if (!reply.ok()) return void(after(5'000, [this] { ask_key(); }));
           const auto [uid, trade, withdraw] = reply.json().get<"uid", "trade", "withdraw">();
           const auto tri = [](const json::View& v) {
             return !v ? AND_TRI_UNKNOWN : v.truthy() ? AND_TRI_YES : AND_TRI_NO;
           };
           account({.uid = uid.str(), .can_trade = tri(trade), .can_withdraw = tri(withdraw),
                    .can_transfer = AND_TRI_NO});
         });
  }
  void on_balance_query() override {
    http({.endpoint = "rest", .target = "/v1/balance", .headers = kHeaders, .sign = "rest", .rate = "rest"},
         [this](const venue::Reply& reply) {
           if (!reply.ok()) return failed("balance", reply.reason());
           const auto [coin, total, free] = reply.json().get<"coin", "total", "free">();
           balance(coin.str(), total.dec(), free.dec());
         });
  }
  void on_cursor() override { read_history(); }  // a commit failed: say again what followed the watermark

  bool live_ = false;
};

}  // namespace

ANDUIN_PLUGIN(Prices, Account);

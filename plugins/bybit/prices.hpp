// The public side of Bybit: instrument lists, one connection a category, best bid and ask of orderbook.N or tickers.
// Thread: one instance's. Lifetime: as Venue says.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "book.hpp"
#include "category.hpp"
#include "subscriptions.hpp"

namespace anduin::bybit {

class Prices : public Venue {
 public:
  explicit Prices(const venue::Options& options);

 private:
  struct Symbol {
    InstrumentId id = 0;
    SymbolBook book;
    std::optional<Decimal> bid, ask, bid_size, ask_size;  ///< of tickers, which leave out what did not change
    bool quoted = false;    ///< the host holds a quote of ours
    bool has_data = false;  ///< since the connection opened
    bool removed = false;   ///< unsubscribed: late frames are dropped
    unsigned crossed = 0;   ///< updates in a row with bid >= ask
  };
  struct Line {  ///< one connection
    Category category;
    ConnId connection;
    Subscriptions topics;
    detail::NameTable names;      ///< symbol -> place in `symbols`, from 1
    std::deque<Symbol> symbols;   ///< a deque: references stay good while it grows
    bool dialled = false, ready = false, ticking = false;
  };
  struct Listing {  ///< the instrument list of one category
    Category category;
    bool done = false;
    unsigned failures = 0;
  };

  void on_start() override;
  void on_symbols(const std::vector<std::string>& added, const std::vector<std::string>& removed) override;
  void on_dial(ConnId c) override;
  void on_open(ConnId c) override;
  void on_close(ConnId c, int code, std::string_view reason) override;
  void on_frame(const venue::Frame& frame) override;

  void request_list(std::size_t listing, const std::string& cursor);
  void take_list(std::size_t listing, const venue::Reply& reply, const std::string& cursor);
  void retry_list(std::size_t listing, std::uint64_t delay_ms, std::string_view why);

  Line* line_of(ConnId c);
  Symbol& symbol_of(Line& line, std::string_view name);
  [[nodiscard]] std::vector<Line*> lines_for(const std::string& symbol);
  [[nodiscard]] std::string topic_of(std::string_view symbol) const { return prefix_ + std::string(symbol); }

  void take_book(Line& line);
  void take_ticker(Line& line, const venue::Frame& frame);
  void take_control(Line& line, const json::View& frame);
  void quote(Line& line, Symbol& symbol, const OrderBook& book, std::int64_t venue_ms);
  void unquote(Symbol& symbol);
  void start_over(Line& line, Symbol& symbol, std::string_view why);
  void carry_out(Line& line, const Subscriptions::Todo& todo);
  void watch_answers(Line& line);

  std::string prefix_;              ///< of the topics: "orderbook.1.", "tickers."
  bool tickers_ = false;
  SymbolBook::Rules rules_;
  std::deque<Line> lines_;
  std::vector<Listing> listings_;
  std::map<std::string, std::vector<Category>, std::less<>> listed_;  ///< symbol -> categories that list it
  BookFrame frame_;
};

}  // namespace anduin::bybit

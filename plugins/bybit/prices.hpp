// The public side of Bybit: instrument lists, one connection a category, best bid and ask of orderbook.N or tickers.
// Thread: one instance's. Lifetime: as Venue says.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "anduin/public_venue.hpp"
#include "book.hpp"
#include "category.hpp"

namespace anduin::bybit {

/// What one connection knows of a symbol.
struct SymbolState {
  SymbolBook book;
  std::optional<Decimal> bid1, ask1, bid1_size, ask1_size;  ///< of tickers, which leave out what did not change
  void forget() { *this = {}; }
};

class Prices : public PublicVenue<SymbolState> {
 public:
  explicit Prices(const venue::Options& options);

 private:
  [[nodiscard]] Answer judge(const venue::Reply& reply) override;
  std::string take_instruments(std::size_t listing, const Answer& answer) override;
  [[nodiscard]] std::string topic_of(const Line& line, std::string_view native) const override;
  [[nodiscard]] std::string native_of(std::string_view topic) const override;
  [[nodiscard]] std::string subscription_frame(const Line& line, const Subscriptions::Request& request) override;
  [[nodiscard]] std::size_t guess_market(std::string_view native) const override;
  InstrumentId identify(const Line& line, std::string_view native) override;
  void take_frame(Line& line, const venue::Frame& frame) override;

  void take_book(Line& line);
  void take_ticker(Line& line, const venue::Frame& frame);
  void take_control(Line& line, const json::View& frame);

  std::string prefix_;  ///< of the topics: "orderbook.1.", "tickers."
  bool tickers_ = false;
  SymbolBook::Rules rules_;
  std::vector<Category> categories_;  ///< by market
  BookFrame frame_;
};

}  // namespace anduin::bybit

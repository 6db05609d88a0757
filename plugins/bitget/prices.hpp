// The public side of Bitget: instrument lists, one connection a product, best bid and ask of books1, books5, books or
// ticker, in the dialect of v3 or v2. Thread: one instance's. Lifetime: as Venue says.
#pragma once
#include <string>
#include <vector>

#include "anduin/public_venue.hpp"
#include "book.hpp"
#include "errors.hpp"
#include "products.hpp"

namespace anduin::bitget {

/// What one connection knows of a symbol.
struct SymbolState {
  ChainedBook chain;  ///< of the channel books
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

  void take_row(Line& line, Symbol& s, const PushRow& row);
  void take_event(Line& line, const json::View& frame);
  void take_error(Line& line, const json::View& arg, std::int64_t code, const std::string& text);

  std::vector<const Product*> products_;  ///< by market
  std::string channel_;
  bool v3_;
  Strikes strikes_;
  PushFrame frame_;
};

}  // namespace anduin::bitget

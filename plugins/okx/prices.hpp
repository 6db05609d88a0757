// The public side of OKX: instrument lists, one connection for swaps and spot alike, best bid and ask of bbo-tbt,
// tickers, books5 or books, and the funding rates of swaps beside them.
// Thread: one instance's. Lifetime: as Venue says.
#pragma once
#include <string>
#include <vector>

#include "anduin/public_venue.hpp"
#include "book.hpp"
#include "markets.hpp"

namespace anduin::okx {

/// What one connection knows of a symbol.
struct SymbolState {
  ChainedBook chain;          ///< of the channel books
  std::int64_t heard_ms = 0;  ///< when it last said something; 0 = not subscribed yet
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
  void line_opened(Line& line) override;
  void take_frame(Line& line, const venue::Frame& frame) override;

  void watch_silence(Line& line, std::uint64_t session);
  void take_row(Line& line, Symbol& s, const PushRow& row);
  void take_funding(Line& line, const venue::Frame& frame);
  void take_event(Line& line, const json::View& frame);
  void take_error(Line& line, std::int64_t code, const std::string& text, std::string_view id);

  Markets markets_;
  std::string channel_;
  bool funding_, has_ids_;
  PushFrame frame_;
};

}  // namespace anduin::okx

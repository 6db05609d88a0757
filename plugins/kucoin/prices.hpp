// The public side of KuCoin futures: the list of contracts, one connection a market with a token of its own, best bid
// and ask of tickerV2 or level2Depth5, of which every frame is a whole quote.
// Thread: one instance's. Lifetime: as Venue says.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "anduin/public_venue.hpp"

namespace anduin::kucoin {

/// What one connection knows of a symbol.
struct SymbolState {
  std::int64_t sequence = 0;  ///< of the last frame; grows with gaps, on one connection never back
  void forget() { sequence = 0; }
};

class Prices : public PublicVenue<SymbolState> {
 public:
  explicit Prices(const venue::Options& options);

 private:
  struct Quote {
    Decimal bid, ask, bid_size, ask_size;
    std::int64_t sequence = 0, ts = 0;
    void read_ticker(json::Reader& r);
    void read_depth(json::Reader& r);
  };

  [[nodiscard]] Answer judge(const venue::Reply& reply) override;
  std::string take_instruments(std::size_t listing, const Answer& answer) override;
  [[nodiscard]] std::string topic_of(const Line& line, std::string_view native) const override;
  [[nodiscard]] std::string native_of(std::string_view topic) const override;
  [[nodiscard]] std::string subscription_frame(const Line& line, const Subscriptions::Request& request) override;
  [[nodiscard]] std::size_t guess_market(std::string_view native) const override;
  void dial_line(Line& line) override;
  void line_opened(Line& line) override;
  void take_frame(Line& line, const venue::Frame& frame) override;

  void take_token(Line& line, std::uint64_t number, const venue::Reply& reply);
  void take_control(Line& line, const json::View& frame);
  void take_error(Line& line, std::string_view id, std::int64_t code, const std::string& text);
  void look_for_silence(Line& line);

  std::vector<std::string_view> markets_;  ///< in the order of the lines
  std::string prefix_;                     ///< of the topics: "/contractMarket/tickerV2:"
  bool depth_ = false;
  std::map<ConnId, std::uint64_t> dials_;  ///< numbers the requests for tokens: only the last one's answer opens
};

}  // namespace anduin::kucoin

// The public side of MEXC contracts: the catalogue, one connection a market, best bid and ask of depth.full or
// ticker. Every frame of both is a whole quote. An acknowledgement names no contract, and a contract that does not
// exist may be acknowledged: a subscription is live when its first frame comes. Thread: one instance's. Lifetime: as
// Venue says.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anduin/public_venue.hpp"

namespace anduin::mexc {

/// What one connection knows of a symbol.
struct SymbolState {
  std::int64_t version = 0, time_ms = 0;  ///< of the last frame; unchanged books come again under the same version
  std::optional<Decimal> funding_rate;    ///< as told last
  bool live = false;                      ///< its first frame has come
  void forget() { *this = {}; }
};

class Prices : public PublicVenue<SymbolState> {
 public:
  explicit Prices(const venue::Options& options);

 private:
  /// One frame, whatever order its members have.
  struct Push {
    std::string_view channel, symbol;
    bool has_data = false;
    Decimal bid, ask, bid_size, ask_size;
    std::int64_t version = 0, engine_ms = 0, push_ms = 0;
    std::optional<Decimal> funding_rate;
    void read_data(json::Reader& r);
    [[nodiscard]] std::int64_t time_ms() const { return engine_ms != 0 ? engine_ms : push_ms; }
  };

  [[nodiscard]] Answer judge(const venue::Reply& reply) override;
  std::string take_instruments(std::size_t listing, const Answer& answer) override;
  [[nodiscard]] std::size_t guess_market(std::string_view native) const override;
  [[nodiscard]] std::string topic_of(const Line& line, std::string_view native) const override;
  [[nodiscard]] std::string native_of(std::string_view topic) const override;
  [[nodiscard]] std::string subscription_frame(const Line& line, const Subscriptions::Request& request) override;
  void line_opened(Line& line) override;
  void take_frame(Line& line, const venue::Frame& frame) override;

  void take_push(Line& line, const Push& push);
  void take_error(Line& line, const std::string& text);

  std::vector<std::string_view> markets_;  ///< in the order of the lines
  std::string channel_;                    ///< "depth.full", "ticker"
  std::string push_channel_;               ///< "push.depth.full"
  std::string depth_;                      ///< levels asked for; empty: not that channel
  bool binary_noted_ = false;
};

}  // namespace anduin::mexc

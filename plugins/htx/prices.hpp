// The public side of HTX: the contract list and one connection, best bid and offer of `bbo` or of `depth.step0`.
// Frames are gzip members, which the host unpacks; the venue's pings are frames that want an answer.
// Thread: one instance's. Lifetime: as Venue says.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "anduin/public_venue.hpp"

namespace anduin::htx {

/// What one connection knows of a contract.
struct SymbolState {
  std::int64_t version = 0;  ///< of the last bbo; the stream may repeat older ones
  void forget() { version = 0; }
};

class Prices : public PublicVenue<SymbolState> {
 public:
  explicit Prices(const venue::Options& options);

 private:
  struct Side {         ///< of one frame
    bool said = false;  ///< false: the frame does not mention it, which is no news
    Decimal price, size;
  };

  [[nodiscard]] Answer judge(const venue::Reply& reply) override;
  std::string take_instruments(std::size_t listing, const Answer& answer) override;
  [[nodiscard]] std::string topic_of(const Line& line, std::string_view native) const override;
  [[nodiscard]] std::string native_of(std::string_view topic) const override;
  [[nodiscard]] std::string subscription_frame(const Line& line, const Subscriptions::Request& request) override;
  void dial_line(Line& line) override;
  void take_frame(Line& line, const venue::Frame& frame) override;

  static void read_best(json::Reader& reader, Side& side);
  static void read_levels(json::Reader& reader, Side& side, bool highest);
  void take_tick(Line& line, std::string_view channel, const Side& bid, const Side& ask, std::int64_t version,
                 std::int64_t venue_ms);
  void take_control(Line& line, const json::View& frame);

  std::string suffix_;  ///< of the topics: ".bbo", ".depth.step0"
  bool whole_book_ = false;
};

}  // namespace anduin::htx

// Kraken spot prices over WebSocket v2: `ticker` with event_trigger bbo (default), or `book` with its checksum.
// Thread and lifetime: those of the Prices instance.
#pragma once
#include <map>

#include "book.hpp"
#include "feed.hpp"

namespace anduin::kraken {

class SpotV2Feed final : public Feed {
 public:
  SpotV2Feed(Prices& host, ConnId connection, Channel channel)
      : Feed(host, connection, Market::kSpot, channel, "spot.public") {}
  void frame(const venue::Frame& frame) override;

 private:
  void request_list() override;
  std::size_t describe_all(const venue::Reply& reply) override;
  void subscribe(const std::vector<std::string>& natives) override;
  void unsubscribe(const std::vector<std::string>& natives) override;

  void send_method(std::string_view method, const std::vector<std::string>& natives);
  struct TickerRow;
  void take_ticker(const TickerRow& row);
  void book_row(const json::View& row, bool snapshot);
  void other_frame(const json::View& frame);
  [[nodiscard]] bool agrees(const Slot& s, std::uint32_t sum) const;

  /// ms since the epoch, 0 where it is no time.
  std::int64_t time_of(std::string_view iso);

  std::map<std::string, Precision, std::less<>> precision_;
  std::uint64_t request_ = 0;
  static constexpr std::size_t kSecondSize = 20;
  char second_[kSecondSize] = {};  ///< the second last seen, "2022-12-25T09:30:59.", and when it begins
  std::int64_t second_ms_ = 0;
};

/// Describes the rows of an AssetPairs answer; both spot dialects use it. 0 = the answer is an error.
std::size_t describe_asset_pairs(const venue::Reply& reply,
                                 const std::function<bool(std::string_view, const json::View&)>& row);

}  // namespace anduin::kraken

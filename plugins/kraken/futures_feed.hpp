// Kraken Futures prices: `book` (default; built from one-level deltas with a contiguous seq per product), or the
// throttled `ticker` and `ticker_lite`. Thread and lifetime: those of the Prices instance.
#pragma once
#include <map>

#include "feed.hpp"

namespace anduin::kraken {

class FuturesFeed final : public Feed {
 public:
  FuturesFeed(Prices& host, ConnId connection, Channel channel)
      : Feed(host, connection, Market::kFutures, channel, "futures.public") {}
  void frame(const venue::Frame& frame) override;

 private:
  struct Delta {
    std::string_view product, side;
    std::int64_t seq = 0, venue_ms = 0;
    Decimal price, size;
  };

  void request_list() override;
  std::size_t describe_all(const venue::Reply& reply) override;
  void subscribe(const std::vector<std::string>& natives) override;
  void unsubscribe(const std::vector<std::string>& natives) override;
  [[nodiscard]] std::string native_of(std::string_view wire_name) const override;

  void send_event(std::string_view event, const std::string& native);
  [[nodiscard]] std::string_view feed_name() const;
  void delta(const Delta& d);
  void snapshot(const json::View& frame);
  void ticker(const json::View& frame);
  void other_frame(const json::View& frame, std::string_view feed);

  std::map<std::string, std::string, std::less<>> by_lower_;  ///< lower-case spelling -> native
};

}  // namespace anduin::kraken

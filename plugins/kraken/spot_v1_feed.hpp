// Kraken spot prices over WebSocket v1: `spread` (default), `ticker`, or `book` with its checksum. Data frames are
// arrays with the channel's name and the pair at their end. Thread and lifetime: those of the Prices instance.
#pragma once
#include "feed.hpp"

namespace anduin::kraken {

class SpotV1Feed final : public Feed {
 public:
  SpotV1Feed(Prices& host, ConnId connection, Channel channel)
      : Feed(host, connection, Market::kSpot, channel, "spot.public.v1") {}
  void frame(const venue::Frame& frame) override;

 private:
  void request_list() override;
  std::size_t describe_all(const venue::Reply& reply) override;
  void subscribe(const std::vector<std::string>& natives) override;
  void unsubscribe(const std::vector<std::string>& natives) override;

  void send_event(std::string_view event, const std::vector<std::string>& natives);
  void event_frame(const json::View& frame);
  void spread(Slot& s, json::Reader r);
  void ticker(Slot& s, json::Reader r);
  void book(Slot& s, unsigned depth, const json::View& frame);

  std::uint64_t request_ = 0;
};

}  // namespace anduin::kraken

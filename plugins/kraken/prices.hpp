// The public side of Kraken: instrument lists and best quotes of spot and futures, one feed per market.
// Thread: one call at a time. Lifetime: feeds live as long as the instance.
#pragma once
#include <memory>
#include <vector>

#include "anduin/plugin.hpp"
#include "options.hpp"

namespace anduin::kraken {

class Feed;

class Prices final : public Venue {
 public:
  explicit Prices(const venue::Options& options);
  ~Prices() override;

  void on_start() override;
  void on_symbols(const std::vector<std::string>& added, const std::vector<std::string>& removed) override;
  void on_dial(ConnId c) override;
  void on_open(ConnId c) override;
  void on_close(ConnId c, int code, std::string_view reason) override;
  void on_frame(const venue::Frame& frame) override;

  /// A feed has described its list.
  void listed();

  // What a feed may do.
  using Venue::after;
  using Venue::cancel;
  using Venue::describe;
  using Venue::dial;
  using Venue::error;
  using Venue::http;
  using Venue::instrument;
  using Venue::log;
  using Venue::now_ms;
  using Venue::open;
  using Venue::price;
  using Venue::ready;
  using Venue::redial;
  using Venue::resync;
  using Venue::send;
  using Venue::wants_feed;
  using Venue::warn;
  using Venue::withdraw;

 private:
  Feed* feed_of(ConnId c);

  std::vector<std::unique_ptr<Feed>> feeds_;  ///< connection ids are 1, 2, ... in this order
  std::size_t lists_missing_ = 0;
};

}  // namespace anduin::kraken

// The price path of the host without sockets: frame in a padded buffer -> plugin step -> gates -> aggregate.
// For the benchmarks and for the test that counts allocations. Thread: one.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "market/aggregator.hpp"
#include "venue/runner.hpp"

namespace anduin::test {

class HostPath final : public venue::RunnerEvents {
 public:
  /// `url_contains` picks the connection that gets the frames. Throws when the plugin cannot be loaded.
  HostPath(const std::string& plugin_file, const std::string& market, const std::vector<std::string>& natives);
  ~HostPath() override;

  /// Frames of one socket read.
  void feed(std::span<const venue::FrameBytes> frames);
  [[nodiscard]] std::uint64_t published() const { return published_; }
  [[nodiscard]] std::uint64_t prices() const { return prices_; }
  /// Called with the venue's time of each price, after it was published; for latencies.
  std::function<void(std::int64_t venue_ms)> on_published;

  void on_instrument(const venue::InstrumentReport& r) override;
  void on_price(const venue::PriceReport& p) override;

 private:
  class NullTransport;
  SystemClock clock_;
  SeededRandom random_{1};
  market::Aggregator aggregator_;
  std::unique_ptr<NullTransport> transport_;
  std::unique_ptr<venue::Runner> runner_;
  std::vector<market::Aggregator::Feed*> feeds_;
  std::uint64_t published_ = 0, prices_ = 0;
};

/// Frames of a venue's default channel with a random walk of the price, each with its padding behind it.
/// bybit: orderbook.1 of BTCUSDT (about 200 bytes); kraken: ticker of BTC/USD with the bbo trigger.
class FrameSet {
 public:
  FrameSet(const std::string& venue, std::size_t count);
  [[nodiscard]] const std::vector<venue::FrameBytes>& frames() const { return frames_; }
  [[nodiscard]] std::string_view text(std::size_t i) const {
    return {reinterpret_cast<const char*>(frames_[i].data), frames_[i].size};
  }

 private:
  std::vector<std::string> texts_;
  std::vector<venue::FrameBytes> frames_;
};

/// One orderbook.1 frame; `cts` is the venue's time.
std::string bybit_frame(std::int64_t cts, std::int64_t bid_cents);

}  // namespace anduin::test

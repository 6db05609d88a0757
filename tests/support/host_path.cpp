#include "support/host_path.hpp"

#include <deque>
#include <random>
#include <stdexcept>

#include "plugin/config_schema.hpp"

namespace anduin::test {
namespace {

constexpr std::size_t kPadding = 64;
constexpr std::uint32_t kNoConnection = 0xFFFFFFFFU;

std::string dotted(std::int64_t cents) {
  std::string s = std::to_string(cents);
  return s.insert(s.size() - 2, ".");
}

}  // namespace

/// Opens everything at once and sends nothing anywhere.
class HostPath::NullTransport final : public venue::Transport {
 public:
  std::uint32_t connection = kNoConnection;
  std::uint64_t generation = 0;
  std::deque<std::function<void()>> posted;
  void open(venue::SocketRequest r) override {
    connection = r.connection;
    generation = r.generation;
  }
  bool send(std::uint32_t, std::string_view, bool) override { return true; }
  void ping(std::uint32_t) override {}
  void close(std::uint32_t) override {}
  void request(venue::HttpCall) override {}
  void post(std::function<void()> fn) override { posted.push_back(std::move(fn)); }
  std::unique_ptr<venue::TimerHandle> after(std::int64_t, std::function<void()>) override {
    return std::make_unique<venue::TimerHandle>();
  }
  void drain() {
    while (!posted.empty()) {
      const auto fn = std::move(posted.front());
      posted.pop_front();
      fn();
    }
  }
};

HostPath::HostPath(const std::string& plugin_file, const std::string& market, const std::vector<std::string>& natives)
    : aggregator_(clock_, market::GateOptions{}), transport_(std::make_unique<NullTransport>()) {
  auto library = plugin::Library::load(plugin_file);
  if (!library) throw std::runtime_error(library.error().to_string());
  aggregator_.subscribe([this](const market::PriceEvent&) { ++published_; });
  venue::RunnerOptions o;
  o.label = "path";
  o.feeds = {"prices", "instruments"};
  o.options = plugin::complete_options((*library)->manifest(), {{"market", market}}).value();
  o.live = false;
  auto runner = venue::Runner::start(*library, std::move(o), *transport_, clock_, random_, *this);
  if (!runner) throw std::runtime_error(runner.error().to_string());
  runner_ = std::move(*runner);
  transport_->drain();
  runner_->set_symbols(natives, {});
  if (transport_->connection == kNoConnection) throw std::runtime_error("the plugin opened no connection");
  runner_->on_open(transport_->connection, transport_->generation);
  transport_->drain();
}

HostPath::~HostPath() { runner_.reset(); }

void HostPath::feed(std::span<const venue::FrameBytes> frames) {
  runner_->on_frames(transport_->connection, transport_->generation, frames);
}

void HostPath::on_instrument(const venue::InstrumentReport& r) {
  if (r.id >= feeds_.size()) feeds_.resize(std::size_t{r.id} + 1, nullptr);
  if (feeds_[r.id]) return;
  Instrument i = r.instrument;
  i.kind = InstrumentKind::kLinearPerpetual;
  if (auto feed = aggregator_.feed(i, i.native)) feeds_[r.id] = *feed;
}

void HostPath::on_price(const venue::PriceReport& p) {
  ++prices_;
  aggregator_.update(*feeds_[p.instrument], {p.bid, p.ask, 0, p.received_mono_ns, p.received_ms});
  if (on_published) on_published(p.venue_ms);
}

std::string bybit_frame(std::int64_t cts, std::int64_t bid_cents) {
  const std::string time = std::to_string(cts);
  return "{\"topic\":\"orderbook.1.BTCUSDT\",\"ts\":" + time + ",\"type\":\"snapshot\",\"data\":{\"s\":\"BTCUSDT\",\"b\":[[\"" + dotted(bid_cents) +
         "\",\"0.512\"]],\"a\":[[\"" + dotted(bid_cents + 10) + "\",\"0.011534\"]],\"u\":873489,\"seq\":1253141792},\"cts\":" + time + "}";
}

FrameSet::FrameSet(const std::string& venue, std::size_t count) {
  std::mt19937_64 rng(7);
  std::int64_t bid = 9'650'010;
  for (std::size_t i = 0; i < count; ++i) {
    bid += static_cast<std::int64_t>(rng() % 21) - 10;
    const std::int64_t ms = 1'699'764'797'510 + static_cast<std::int64_t>(i);
    std::string text = bybit_frame(ms, bid);
    if (venue == "kraken") {
      const std::string millis = std::to_string(100 + i % 900);
      text = "{\"channel\":\"ticker\",\"type\":\"update\",\"data\":[{\"symbol\":\"BTC/USD\",\"bid\":" + dotted(bid) + ",\"bid_qty\":2.50000000,\"ask\":" +
             dotted(bid + 10) + ",\"ask_qty\":3.20000000,\"last\":96500.1,\"volume\":1234.5678,\"vwap\":96400.2,\"low\":95000.0,\"high\":97000.0,\"change\":100.5,\"change_pct\":0.1,\"timestamp\":\"2026-11-22T10:00:00." +
             millis + "456Z\"}]}";
    }
    texts_.push_back(text + std::string(kPadding, '\0'));
  }
  for (const std::string& t : texts_)
    frames_.push_back({reinterpret_cast<const std::uint8_t*>(t.data()), static_cast<std::uint32_t>(t.size() - kPadding),
                       static_cast<std::uint32_t>(t.size())});
}

}  // namespace anduin::test

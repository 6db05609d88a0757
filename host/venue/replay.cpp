#include "venue/replay.hpp"

#include <algorithm>
#include <set>

#include "base/log.hpp"
#include "market/symbols.hpp"
#include "venue/channel_name.hpp"
#include "venue/event_line.hpp"
#include "venue/replay_world.hpp"

namespace anduin::venue {
namespace {

using nlohmann::json;

constexpr std::size_t kPaddingBytes = 64;
constexpr std::int64_t kBatchSpanMs = 100;  // frames of one socket read lie close together
constexpr const char* kAccount = "replay";

}  // namespace

struct Replay::Impl {
  struct Quote {
    Decimal bid, ask;
  };
  /// What an instrument id of the prices instance is called in the output.
  struct Slot {
    std::string native, market;
    std::string printed;  ///< canonical once described
    bool wanted = true;
  };

  class Events final : public RunnerEvents {
   public:
    Events(Impl& impl, bool instruments_only) : impl_(impl), instruments_only_(instruments_only) {}
    void on_instrument(const InstrumentReport& r) override { impl_.take_instrument(r, instruments_only_); }
    void on_price(const PriceReport& p) override { if (!instruments_only_) impl_.take_price(p); }
    void on_funding(const FundingReport& f) override { if (!instruments_only_) impl_.take_funding(f); }
    void on_close(CloseReport c) override { impl_.take_close(std::move(c)); }
    void on_balance(const Balance& b) override { if (impl_.options.feed == ReplayFeed::kBalance) impl_.line(balance_line(b)); }
    void on_status(std::string_view feed, FeedState state, std::string_view detail) override {
      if (!instruments_only_) impl_.take_status(feed, state, detail);
    }
    void on_error(const Error& e, bool) override {
      ++impl_.errors;
      impl_.error = e.to_string();
      spdlog::debug("replay: {}", impl_.error);
    }

   private:
    Impl& impl_;
    bool instruments_only_;
  };

  Impl(std::shared_ptr<const plugin::Library> l, ReplayOptions o, std::function<void(const std::string&)> out)
      : library(std::move(l)), options(std::move(o)), line(std::move(out)) {}
  ~Impl() {
    main.reset();
    instruments.reset();
  }

  Result<void> start();
  Result<std::unique_ptr<Runner>> make(bool account, std::vector<std::string> feeds, ReplayTransport& t, Events& e);
  void flush();
  void feed_frame(const RecordingLine& l);
  void feed_request(const RecordingLine& l);
  void take_instrument(const InstrumentReport& r, bool other_instance);
  void take_price(const PriceReport& p);
  void take_funding(const FundingReport& f);
  void take_close(CloseReport c);
  void take_status(std::string_view feed, FeedState state, std::string_view detail);
  bool print_close(CloseReport& c, bool at_end);
  [[nodiscard]] bool wants(const std::string& canonical, const std::string& native) const;

  std::shared_ptr<const plugin::Library> library;
  ReplayOptions options;
  std::function<void(const std::string&)> line;
  ReplayWorld world;
  SeededRandom random{1};
  market::Instruments registry;
  Events main_events{*this, false}, instrument_events{*this, true};
  ReplayTransport main_transport{world, true}, instrument_transport{world, false};
  std::unique_ptr<Runner> main, instruments;

  // The batch under way: copies, since a recording line does not live longer than its call.
  struct Held {
    std::string bytes;  ///< payload and padding
    std::size_t size;
    bool binary;
    std::int64_t wall_ms;
    std::uint64_t mono_ns;
  };
  std::vector<Held> batch;
  std::string batch_url;

  std::vector<Slot> slots;  ///< by instrument id
  std::map<std::string, Quote> printed;
  std::map<std::string, std::string> printed_closes;  ///< id -> line
  std::vector<CloseReport> waiting;
  std::vector<CloseResult> results;  ///< of the request under way
  std::uint32_t last_request = 0;
  std::map<std::string, std::uint64_t> channels;
  std::uint64_t foreign = 0, errors = 0, conflicts = 0;
  std::string error;
};

Result<std::unique_ptr<Runner>> Replay::Impl::make(bool account, std::vector<std::string> feeds, ReplayTransport& t,
                                                   Events& e) {
  RunnerOptions o;
  o.label = library->manifest().id;
  if (account) o.account = kAccount;
  o.feeds = std::move(feeds);
  o.options = options.options;
  o.outbound.render = false;
  o.live = false;
  return Runner::start(library, std::move(o), t, world.clock(), random, e);
}

Result<void> Replay::Impl::start() {
  // What comes in by webhook, prices too, is an account's.
  const bool account = options.feed != ReplayFeed::kPrices || !library->manifest().inbound.scheme.empty();
  if (account && library->manifest().instruments_listed) {
    auto made = make(false, {"instruments"}, instrument_transport, instrument_events);
    if (!made) return made.error();
    instruments = std::move(*made);
    instrument_transport.attach(instruments.get());
  }
  auto made = make(account, account ? std::vector<std::string>{"positions", "balance"} : std::vector<std::string>{"prices", "instruments"},
                   main_transport, main_events);
  if (!made) return made.error();
  main = std::move(*made);
  main_transport.attach(main.get());
  world.drain();
  if (options.feed == ReplayFeed::kBalance) {
    main->query_balance();
    world.drain();
  }
  return {};
}

bool Replay::Impl::wants(const std::string& canonical, const std::string& native) const {
  if (options.symbols.empty()) return true;
  return std::any_of(options.symbols.begin(), options.symbols.end(),
                     [&](const std::string& s) { return s == canonical || s == native; });
}

void Replay::Impl::take_instrument(const InstrumentReport& r, bool other_instance) {
  if (r.described) {
    Instrument row = r.instrument;
    static_cast<void>(registry.add(std::move(row), r.aliases));
  }
  if (other_instance) {
    // Closes that waited for this row can go now.
    std::erase_if(waiting, [&](CloseReport& c) { return print_close(c, false); });
    return;
  }
  if (r.id >= slots.size()) slots.resize(std::size_t{r.id} + 1);
  Slot& s = slots[r.id];
  s.native = r.instrument.native;
  s.market = r.instrument.market;
  const auto known = registry.find(library->manifest().venue_name, s.market, s.native);
  const std::string canonical = known ? known->canonical : "";
  s.printed = canonical.empty() ? s.native : canonical;
  s.wanted = wants(canonical, s.native);
}

void Replay::Impl::take_price(const PriceReport& p) {
  if (p.instrument >= slots.size()) return;
  const Slot& s = slots[p.instrument];
  if (!s.wanted) return;
  if (p.bid.sign() <= 0 || p.ask < p.bid) return;  // one-sided and crossed tops are not prices
  auto [it, first] = printed.try_emplace(s.printed, Quote{p.bid, p.ask});
  if (!first) {
    if (it->second.bid == p.bid && it->second.ask == p.ask) return;
    it->second = {p.bid, p.ask};
  }
  line(price_line(library->manifest().venue_name, s.printed, p.bid, p.ask, p.venue_ms != 0 ? p.venue_ms : p.received_ms));
}

void Replay::Impl::take_funding(const FundingReport& f) {
  if (f.instrument >= slots.size() || !slots[f.instrument].wanted) return;
  line(funding_line(library->manifest().venue_name, slots[f.instrument].printed, f.rate, f.next_rate, f.due_ms,
                    f.venue_ms != 0 ? f.venue_ms : world.clock().wall_ms()));
}

void Replay::Impl::take_close(CloseReport c) {
  if (c.position.origin == Origin::kInbound) results.push_back({c.ref_seq, c.position.id, "accepted", "", ""});
  if (options.feed != ReplayFeed::kPositions) return;
  if (!print_close(c, false)) waiting.push_back(std::move(c));
}

/// True when it was printed or dropped as an equal repeat; false while its instrument is not known.
bool Replay::Impl::print_close(CloseReport& c, bool at_end) {
  ClosedPosition& p = c.position;
  const auto known = registry.find(p.venue, p.market, p.native_symbol);
  if (!known && !at_end) return false;
  if (known) {
    p.symbol = known->canonical.empty() ? known->native : known->canonical;
    if (c.size_in_contracts && p.size) p.size = (*p.size * known->contract_size).normalized();
  }
  if (!wants(p.symbol, p.native_symbol)) return true;
  const std::string text = close_line(p);
  ClosedPosition as_seen_first = p;  // the same close from another path differs in origin only
  as_seen_first.origin = Origin::kStream;
  const auto [it, fresh] = printed_closes.try_emplace(p.id, close_line(as_seen_first));
  if (!fresh) {
    if (it->second == close_line(as_seen_first)) return true;
    ++conflicts;
  }
  line(text);
  return true;
}

void Replay::Impl::take_status(std::string_view feed, FeedState state, std::string_view detail) {
  const char* wanted = options.feed == ReplayFeed::kPrices ? "prices" : options.feed == ReplayFeed::kPositions ? "positions" : "balance";
  if (feed != wanted) return;
  line(status_line(library->manifest().venue_name, state == FeedState::kReady ? "ready" : state == FeedState::kFailed ? "failed" : "resync", detail));
}

void Replay::Impl::flush() {
  if (batch.empty()) return;
  std::vector<Held> held;
  held.swap(batch);
  bool is_foreign = false;
  const auto ids = main_transport.route(batch_url, is_foreign);
  if (is_foreign) foreign += held.size();
  for (const std::uint32_t id : ids) {
    std::vector<FrameBytes> frames;
    for (const Held& h : held)
      frames.push_back({reinterpret_cast<const std::uint8_t*>(h.bytes.data()), static_cast<std::uint32_t>(h.size),
                        static_cast<std::uint32_t>(h.bytes.size()), h.binary, h.wall_ms, h.mono_ns});
    main->on_frames(id, main_transport.generation(id), frames);
  }
  world.drain();
}

/// A request to the webhook, taken as authenticated; every close of it as accepted.
void Replay::Impl::feed_request(const RecordingLine& l) {
  const auto key = std::find_if(l.headers.begin(), l.headers.end(), [](const auto& h) { return h.first == "X-Anduin-Key"; });
  main->inbound(++last_request, l.payload, split_url(l.url).path, key == l.headers.end() ? kAccount : key->second);
  world.drain();
  for (const CloseResult& r : std::exchange(results, {})) main->close_result(r);
  world.drain();
}

void Replay::Impl::feed_frame(const RecordingLine& l) {
  ++channels[channel_name(l.payload)];
  const std::int64_t now = world.clock().wall_ms();
  if (!batch.empty() && (batch_url != l.url || now - batch.front().wall_ms > kBatchSpanMs)) flush();
  batch_url = l.url;
  Held h;
  h.size = l.payload.size();
  h.bytes = l.payload + std::string(kPaddingBytes, '\0');
  h.binary = l.binary;
  h.wall_ms = now;
  h.mono_ns = world.clock().mono_ns();
  batch.push_back(std::move(h));
  if (batch.size() >= options.batch) flush();
}

Replay::Replay(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Replay::~Replay() = default;

Result<std::unique_ptr<Replay>> Replay::create(std::shared_ptr<const plugin::Library> library, ReplayOptions options,
                                               std::function<void(const std::string&)> line) {
  auto impl = std::make_unique<Impl>(std::move(library), std::move(options), std::move(line));
  if (auto ok = impl->start(); !ok) return ok.error();
  return std::unique_ptr<Replay>(new Replay(std::move(impl)));
}

Result<void> Replay::feed(const RecordingLine& l) {
  Impl& i = *impl_;
  i.world.advance(l.ts_ms, [&] { i.flush(); });
  if (!l.inbound) return {};  // what the recorded client sent is not ours
  if (l.is_http) {
    i.flush();
    ++i.channels["http " + split_url(l.url).path];
    if (l.asks) {
      i.feed_request(l);
      return {};
    }
    i.world.answer(l);
    i.world.drain();
  } else {
    i.feed_frame(l);
  }
  return {};
}

void Replay::finish() {
  Impl& i = *impl_;
  i.flush();
  for (CloseReport& c : i.waiting) i.print_close(c, true);
  i.waiting.clear();
}

json Replay::stats() const {
  const Impl& i = *impl_;
  return json{{"frames", i.channels}, {"foreign_url", i.foreign}, {"errors", i.errors}, {"conflicts", i.conflicts},
              {"unused_answers", i.world.unused_answers()}, {"unanswered_requests", i.world.outstanding().size()}};
}

std::string Replay::last_error() const { return impl_->error; }
std::vector<std::string> Replay::outstanding() const { return impl_->world.outstanding(); }

}  // namespace anduin::venue

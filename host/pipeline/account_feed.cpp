#include "pipeline/account_feed.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "chain/types.hpp"
#include "pipeline/inbound_prices.hpp"
#include "pipeline/market_option.hpp"
#include "venue/key_policy.hpp"
#include "venue/live_transport.hpp"

namespace anduin::pipeline {
namespace {

using venue::FeedState;

constexpr std::int64_t kInstrumentWaitMs = 60'000;  // a list that is read anew every so often has had its chance
constexpr std::int64_t kRetryCommitMs = 2'000;      // a full disk does not go away faster
constexpr std::uint64_t kNonceBlock = 1'000;        // nonces per durable reservation: one fsync a thousand calls
constexpr std::size_t kBatchClosesMax = 2'000;      // one transaction stays well under a second
constexpr std::size_t kInboundMax = 64;             // requests without an answer: the webhook lets fewer in at a time

}  // namespace

venue::CloseResult close_result(std::uint64_t ref_seq, std::string id, const settle::CloseOutcome& o) {
  venue::CloseResult r{ref_seq, std::move(id), settle::to_string(o.outcome), o.ref_id.to_string(), o.reason};
  switch (o.outcome) {
    case settle::Outcome::kNoAction: r.outcome = "accepted"; break;
    case settle::Outcome::kDryRun: r.outcome = o.reason.empty() ? "accepted" : "held"; break;
    case settle::Outcome::kBeforeActivation:
      r.outcome = "refused";
      r.reason = "before_activation";
      break;
    case settle::Outcome::kRejected: r.outcome = "refused"; break;
    default: break;
  }
  return r;
}

bool is_trusted(const plugin::Manifest& manifest, const AccountSettings& account) {
  return account.trusted.value_or(manifest.inbound.scheme.empty() || manifest.inbound.trusted);
}

void complete_close(venue::CloseReport& report, const Instrument* known, const std::string& frozen) {
  ClosedPosition& p = report.position;
  const auto hold = [&](std::string why) { if (p.hold_reason.empty()) p.hold_reason = std::move(why); };
  p.currency = std::string(market::canonical_currency(p.currency, p.venue));
  p.fee_currency = std::string(market::canonical_currency(p.fee_currency, p.venue));
  if (!known) {
    hold("instrument " + p.native_symbol + " is not in the venue's list: its kind and contract size are unknown");
    return;
  }
  p.native_symbol = known->native;  // a history may spell it in its own way: pf_xbtusd, XXBTZUSD
  p.symbol = known->canonical.empty() ? known->native : known->canonical;
  p.market = known->market;
  p.kind = known->kind;
  p.base_currency = known->base;
  p.quote_currency = known->quote;
  if (report.size_in_contracts && p.size) {
    try {
      p.size = (*p.size * known->contract_size).normalized();
    } catch (const DecimalError& e) {
      hold(std::string("its size cannot be scaled: ") + e.what());
    }
  }
  if (known->pnl_split_over_time) hold("the venue pays this contract's profit in parts: a close alone is not the whole figure");
  if (!frozen.empty()) hold("instrument " + p.native_symbol + " is frozen: " + frozen);
}

class AccountFeed::Impl final : public venue::RunnerEvents {
 public:
  Impl(VenueShared shared, const AccountSettings& settings, const PublicVenue& venue, const market::Instruments& registry,
       settle::Ledger& ledger, settle::LedgerWriter& writer, const settle::AccountInfo& info)
      : shared_(std::move(shared)), settings_(settings), venue_(venue), registry_(registry), ledger_(ledger),
        writer_(writer), info_(info), markets_(account_markets(shared_.library->manifest(), settings.market)),
        transport_(*shared_.loop, *shared_.http, shared_.tls),
        prices_(is_trusted(shared_.library->manifest(), settings) ? shared_.inbound_prices : nullptr) {}
  ~Impl() override {
    *alive_ = false;
    transport_.attach(nullptr);
    runner_.reset();
  }

  Result<void> start() {
    std::map<std::string, std::string> values;
    for (const auto& [name, secret] : settings_.credentials) values[name] = secret.value;
    venue::RunnerOptions o;
    o.label = settings_.venue + "/" + settings_.name;
    o.account = settings_.name;
    o.feeds = {"positions", "balance"};
    o.options = options_with_markets(shared_.library->manifest(), shared_.settings->options_json, markets_);
    o.options.update(nlohmann::json::parse(settings_.options_json));
    o.outbound.account = true;
    o.outbound.credentials = std::make_shared<venue::Credentials>(values);
    o.outbound.endpoints = shared_.settings->endpoints;
    o.outbound.budgets = shared_.budgets;
    const auto key = values.find("key");
    nonce_scope_ = shared_.library->manifest().id + "/" + (key == values.end() ? settings_.name : chain::keccak256(key->second).to_string().substr(0, 18));
    if (!shared_.library->manifest().nonce_unit.empty()) o.outbound.next_nonce = [this] { return next_nonce(); };
    o.settle_from_ms = info_.settle_from_ms;
    if (info_.watermark) durable_ = std::string(info_.watermark->cursor.begin(), info_.watermark->cursor.end());
    o.watermark = durable_;
    auto made = venue::Runner::start(shared_.library, std::move(o), transport_, *shared_.clock, *shared_.random, *this);
    if (!made) return made.error();
    runner_ = std::move(*made);
    transport_.attach(runner_.get());
    retry();
    return {};
  }

  [[nodiscard]] Health health() const {
    Health h;
    h.ready = ready_;
    h.refused = refused_;
    h.waiting = waiting_.size();
    h.problem = problem_;
    if (runner_)
      for (const auto& c : runner_->connections()) h.losses += c.losses;
    return h;
  }
  [[nodiscard]] const std::string& name() const { return settings_.name; }

  void inbound(const InboundRequest& request, Webhook::Answer answer) {
    const std::int64_t now = shared_.clock->wall_ms();
    // The reason names other accounts: it is the operator's, in the log and the status.
    if (refused_) return answer(inbound_error(403, "account_refused", "this trading account is not served: ask the operator", now));
    if (recovering_ || runner_->poisoned())
      return answer(inbound_error(503, "busy", "closes cannot be kept at the moment", now, kRetryCommitMs / 1'000));
    if (inbound_.size() >= kInboundMax) inbound_.erase(inbound_.begin());  // the plugin never answered it
    const std::uint32_t id = ++last_inbound_;
    inbound_.emplace(id, std::move(answer));
    runner_->inbound(id, request.body, request.path, request.key);
  }

  // -- RunnerEvents ----------------------------------------------------------------------------------------------
  void on_reply(std::uint32_t id, int status, std::string_view content_type, std::string_view body) override {
    const auto it = inbound_.find(id);
    if (it == inbound_.end()) return;
    const auto answer = std::move(it->second);
    inbound_.erase(it);
    // A status that no answer can have would break the connection for everything behind it.
    const bool sound = status >= 200 && status <= 599;
    answer({sound ? status : 500, std::string(content_type), std::string(body), 0});
  }
  void on_instrument(const venue::InstrumentReport& r) override {
    if (r.id >= natives_.size()) natives_.resize(std::size_t{r.id} + 1);
    natives_[r.id] = r.instrument.native;
  }
  void on_price(const venue::PriceReport& p) override {
    if (!prices_ || p.instrument >= natives_.size()) return;
    prices_->update(settings_.name, natives_[p.instrument], {p.bid, p.ask, p.venue_ms, p.received_mono_ns, p.received_ms});
  }
  void on_withdrawn(std::uint32_t instrument, bool) override {
    if (prices_ && instrument < natives_.size()) prices_->withdraw(settings_.name, natives_[instrument]);
  }
  void on_account(const venue::AccountReport& r) override {
    const auto judgement = venue::judge_key(r, settings_.allow_trading_key, shared_.clock->wall_ms());
    std::string why = judgement.sentence;
    bool allowed = !judgement.refused();
    if (allowed && !r.uid.empty()) {
      if (auto ok = ledger_.set_account_uid(settings_.name, r.uid); !ok) {
        allowed = false;
        why = ok.error().to_string();
      } else {
        uid_ = r.uid;
      }
    }
    for (const std::string& warning : judgement.warnings) spdlog::warn("[{}] {}", label(), warning);
    if (!allowed) {
      spdlog::error("[{}] key refused: {}", label(), why);
      problem_ = "key refused: " + why;
      ready_ = false;
    } else if (judgement.verdict == venue::KeyVerdict::kWarnUnknown) {
      spdlog::warn("[{}] {}", label(), why);
    }
    refused_ = !allowed;
    transport_.post([this, allowed, why] { runner_->set_account_verdict(allowed, why); });
  }

  void on_close(venue::CloseReport c) override { waiting_.push_back({std::move(c), shared_.clock->mono_ns()}); }
  void on_watermark(std::string cursor, std::uint32_t version) override {
    watermark_ = settle::Watermark{Bytes(cursor.begin(), cursor.end()), version};
  }
  void on_coverage(std::int64_t from_ms, std::int64_t to_ms, bool proven, std::string_view reason) override {
    coverage_.push_back({from_ms, to_ms, proven});
    if (!proven) spdlog::error("[{}] history from {} to {} cannot be proven complete: {}", label(), from_ms, to_ms, reason);
  }
  void on_step_end() override { commit(); }

  void on_status(std::string_view feed, FeedState state, std::string_view detail) override {
    if (feed == "positions") ready_ = state == FeedState::kReady;
    if (state == FeedState::kReady) {
      spdlog::info("[{}] {} ready {}", label(), feed, detail);
      if (!refused_) problem_.clear();
    } else {
      problem_ = std::string(feed) + ": " + std::string(detail);
      spdlog::log(state == FeedState::kFailed ? spdlog::level::err : spdlog::level::warn, "[{}] {} {}: {}", label(), feed,
                  state == FeedState::kFailed ? "failed" : "resync", detail);
    }
  }
  void on_error(const Error& e, bool fatal) override {
    problem_ = e.to_string();
    spdlog::log(fatal || e.kind == ErrorKind::kAuth ? spdlog::level::err : spdlog::level::warn, "[{}] {}", label(), problem_);
  }
  void on_connection(std::uint32_t, bool open, std::string_view detail) override {
    if (!open) ready_ = false;
    spdlog::log(open ? spdlog::level::info : spdlog::level::warn, "[{}] {} {}", label(), open ? "connected to" : "disconnected:", detail);
  }
  void on_balance(const Balance& b) override {
    spdlog::info("[{}] balance {} {} of {} available", label(), b.total.to_string(), b.currency, b.available.to_string());
  }

 private:
  struct Sent {  ///< a close that is with the writer
    std::string id, text;
    std::uint64_t ref_seq;  ///< of the inbound request that waits for it; 0 = none does
  };
  struct Waiting {
    venue::CloseReport report;
    std::uint64_t since_mono_ns;
  };

  [[nodiscard]] std::string label() const { return settings_.venue + "/" + settings_.name; }
  [[nodiscard]] bool is_inbound() const { return !manifest().inbound.scheme.empty(); }
  [[nodiscard]] const plugin::Manifest& manifest() const { return shared_.library->manifest(); }

  /// True when the close is complete and may go to the ledger.
  bool complete(Waiting& w) {
    ClosedPosition& p = w.report.position;
    if (manifest().ids_per_account && uid_.empty()) return false;
    const std::string market = p.market.empty() ? settings_.market : p.market;
    const auto known = registry_.find(p.venue, market, p.native_symbol);
    if (!known && !is_inbound()) {
      const auto waited_ms = static_cast<std::int64_t>((shared_.clock->mono_ns() - w.since_mono_ns) / 1'000'000);
      const bool listed = std::all_of(markets_.begin(), markets_.end(), [&](const std::string& m) { return venue_.instruments_known(m); });
      if (!listed || waited_ms < kInstrumentWaitMs) return false;
    }
    // What comes in from outside carries its own size, and somebody waits for the answer.
    if (known || !is_inbound()) complete_close(w.report, known.get(), known ? registry_.frozen(p.venue, known->market, known->native) : "");
    if (manifest().ids_per_account) p.id = uid_ + "/" + p.id;
    return true;
  }

  /// Closes in order; the first that must wait holds back what came after it, and the watermark. One batch at a time:
  /// a watermark must never become durable when closes before it did not.
  void commit() {
    if (in_flight_ || recovering_) return;
    settle::AccountBatch batch;
    batch.account = settings_.name;
    std::vector<Sent> sent;
    while (!waiting_.empty() && batch.closes.size() < kBatchClosesMax && complete(waiting_.front())) {
      const ClosedPosition& p = waiting_.front().report.position;
      sent.push_back({p.id, p.id + " " + p.symbol + " pnl " + p.pnl.to_string() + " " + p.currency,
                      p.origin == Origin::kInbound ? waiting_.front().report.ref_seq : 0});
      batch.closes.push_back(std::move(waiting_.front().report.position));
      waiting_.pop_front();
    }
    if (waiting_.empty()) {
      batch.watermark = std::exchange(watermark_, std::nullopt);
      batch.coverage = std::exchange(coverage_, {});
    }
    if (batch.closes.empty() && !batch.watermark && batch.coverage.empty()) return;
    const std::string cursor = batch.watermark ? std::string(batch.watermark->cursor.begin(), batch.watermark->cursor.end()) : durable_;
    const bool has_cursor = batch.watermark.has_value();
    in_flight_ = true;
    // On the writer's thread, perhaps after this object is gone: only the loop may be touched there.
    settle::LedgerWriter::Done done = [this, loop = shared_.loop, alive = alive_, sent = std::move(sent), cursor,
                                       has_cursor](Result<std::vector<settle::CloseOutcome>> r) {
      loop->post([this, alive, sent, cursor, has_cursor, r = std::move(r)] {
        if (*alive) committed(sent, cursor, has_cursor, r);
      });
    };
    writer_.post(std::move(batch), std::move(done));
  }

  void committed(const std::vector<Sent>& sent, const std::string& cursor, bool has_cursor,
                 const Result<std::vector<settle::CloseOutcome>>& result) {
    in_flight_ = false;
    if (!result) {
      // Nothing of the batch is kept: the plugin goes back to the last durable watermark and emits it again.
      problem_ = result.error().to_string();
      spdlog::error("[{}] closes are not durable: {}", label(), problem_);
      recovering_ = true;
      // Nobody is told that a close is kept when it is not: the senders come again.
      for (const auto& [id, answer] : std::exchange(inbound_, {}))
        answer(inbound_error(503, "busy", "not durable: send it again", shared_.clock->wall_ms(), kRetryCommitMs / 1'000));
      recover_ = shared_.loop->post_after(kRetryCommitMs, [this] {
        recovering_ = false;
        waiting_.clear();
        coverage_.clear();
        watermark_.reset();
        runner_->set_watermark(durable_, true);
      });
      return;
    }
    for (std::size_t i = 0; i < result->size(); ++i) {
      const settle::CloseOutcome& o = (*result)[i];
      const auto level = o.outcome == settle::Outcome::kConflict || o.outcome == settle::Outcome::kRejected ? spdlog::level::err
                         : o.outcome == settle::Outcome::kHeld                                              ? spdlog::level::warn
                         : o.outcome == settle::Outcome::kDuplicate                                         ? spdlog::level::debug
                                                                                                            : spdlog::level::info;
      spdlog::log(level, "[close] {} {} -> {} {} {}", label(), sent[i].text, settle::to_string(o.outcome), o.ref_id.to_string(), o.reason);
      if (sent[i].ref_seq != 0) runner_->close_result(close_result(sent[i].ref_seq, sent[i].id, o));
    }
    if (has_cursor) {
      durable_ = cursor;
      runner_->set_watermark(cursor, false);
    }
    commit();
  }

  /// Closes that wait for a uid or an instrument list are looked at again; so is the balance sheet of what waits.
  void retry() {
    retry_ = shared_.loop->post_after(500, [this] {
      if (!waiting_.empty()) commit();
      retry();
    });
  }

  Result<std::string> next_nonce() {
    if (nonce_ == nonce_end_) {
      const auto unit = manifest().nonce_unit == "us" ? std::uint64_t{1000} : std::uint64_t{1};
      const auto now = static_cast<std::uint64_t>(shared_.clock->wall_ms()) * unit;
      auto first = ledger_.reserve_nonces(nonce_scope_, now, kNonceBlock);
      if (!first) return first.error();
      nonce_ = *first;
      nonce_end_ = *first + kNonceBlock;
    }
    return std::to_string(nonce_++);
  }

  VenueShared shared_;
  const AccountSettings& settings_;
  const PublicVenue& venue_;
  const market::Instruments& registry_;
  settle::Ledger& ledger_;
  settle::LedgerWriter& writer_;
  settle::AccountInfo info_;
  std::vector<std::string> markets_;  ///< the products this key is watched on
  venue::LiveTransport transport_;
  std::unique_ptr<venue::Runner> runner_;

  std::map<std::uint32_t, Webhook::Answer> inbound_;  ///< requests that wait for an answer, oldest first
  std::uint32_t last_inbound_ = 0;
  std::shared_ptr<InboundPrices> prices_;  ///< null: what this account says of prices is not heard
  std::vector<std::string> natives_;       ///< by instrument id

  std::string uid_, durable_, nonce_scope_, problem_;
  std::uint64_t nonce_ = 0, nonce_end_ = 0;
  std::deque<Waiting> waiting_;
  std::optional<settle::Watermark> watermark_;
  std::vector<settle::Coverage> coverage_;
  bool in_flight_ = false;   ///< a batch is with the writer
  bool recovering_ = false;  ///< a commit failed: what is emitted until the restart from the cursor does not count
  bool ready_ = false, refused_ = false;
  net::Timer retry_, recover_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

AccountFeed::AccountFeed(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AccountFeed::~AccountFeed() = default;
void AccountFeed::inbound(const InboundRequest& request, Webhook::Answer answer) { impl_->inbound(request, std::move(answer)); }
AccountFeed::Health AccountFeed::health() const { return impl_->health(); }
const std::string& AccountFeed::name() const { return impl_->name(); }

Result<std::unique_ptr<AccountFeed>> AccountFeed::start(VenueShared shared, const AccountSettings& settings,
                                                        const PublicVenue& venue, const market::Instruments& registry,
                                                        settle::Ledger& ledger, settle::LedgerWriter& writer,
                                                        const settle::AccountInfo& info) {
  auto impl = std::make_unique<Impl>(std::move(shared), settings, venue, registry, ledger, writer, info);
  if (auto ok = impl->start(); !ok) return ok.error();
  return std::unique_ptr<AccountFeed>(new AccountFeed(std::move(impl)));
}

}  // namespace anduin::pipeline

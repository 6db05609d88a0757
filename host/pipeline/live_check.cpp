#include "pipeline/live_check.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "chain/http_transport.hpp"
#include "chain/json_rpc_node.hpp"
#include "net/event_loop.hpp"
#include "net/http_client.hpp"
#include "net/tls.hpp"
#include "pipeline/market_option.hpp"
#include "pipeline/public_venue.hpp"
#include "pipeline/vault_options.hpp"
#include "pipeline/vault_signers.hpp"
#include "venue/key_policy.hpp"
#include "venue/live_transport.hpp"

namespace anduin::pipeline {
namespace {

using Verdict = LiveFinding::Verdict;

constexpr std::int64_t kVenueMsMax =
    20'000;  // TLS, instrument list, first prices; a quiet symbol may lack one
constexpr std::int64_t kAccountMsMax = 20'000;  // key probe, login, first read of the history
constexpr std::int64_t kSkewMsMax = 1'000;  // beyond it stamps come close to the windows of signed requests

std::string skew_text(std::int64_t offset_ms) {
  return "its clock is " + std::to_string(offset_ms < 0 ? -offset_ms : offset_ms) + " ms " +
         (offset_ms < 0 ? "behind" : "ahead of") + " ours";
}

/// What one account's instance tells while its key is verified.
class AccountProbe final : public venue::RunnerEvents {
 public:
  AccountProbe(const AccountSettings& settings, venue::LiveTransport& transport, Clock& clock)
      : settings_(settings), transport_(transport), clock_(clock) {}

  venue::Runner* runner = nullptr;
  std::optional<venue::KeyJudgement> judgement;
  std::string uid, problem, ready_detail;
  bool ready = false, refused = false;
  [[nodiscard]] bool done() const { return refused || (ready && judgement); }

  void on_account(const venue::AccountReport& r) override {
    uid = r.uid;
    judgement = venue::judge_key(r, settings_.allow_trading_key, clock_.wall_ms());
    refused = judgement->refused();
    transport_.post([this] {
      if (runner != nullptr) runner->set_account_verdict(!judgement->refused(), judgement->sentence);
    });
  }
  void on_status(std::string_view feed, venue::FeedState state, std::string_view detail) override {
    if (feed == "positions" && state == venue::FeedState::kReady) ready = true;
    if (state != venue::FeedState::kReady) problem = std::string(feed) + ": " + std::string(detail);
    if (state == venue::FeedState::kFailed) refused = true;
  }
  void on_error(const Error& e, bool fatal) override {
    problem = e.to_string();
    if (fatal || e.kind == ErrorKind::kAuth) refused = true;
  }

 private:
  const AccountSettings& settings_;
  venue::LiveTransport& transport_;
  Clock& clock_;
};

class LiveCheck {
 public:
  explicit LiveCheck(const Settings& settings)
      : settings_(settings), aggregator_(clock_, settings.aggregator) {
    for (const SymbolOverride& o : settings.symbols) {
      const VenueSettings* v = settings.venue(o.venue);
      registry_.set_override(o.canonical, v != nullptr ? v->display : o.venue, o.venue_name);
    }
  }

  std::vector<LiveFinding> run() {
    for (const VenueSettings& v : settings_.venues) venue(v);
    for (const VaultSettings& v : settings_.vaults) vault(v);
    return std::move(findings_);
  }

 private:
  void add(Verdict verdict, std::string subject, std::string text) {
    findings_.push_back({verdict, std::move(subject), std::move(text)});
  }

  Result<VenueShared> shared_for(const VenueSettings& v) {
    std::vector<std::string> dirs;
    for (const auto& d : settings_.plugins.dirs) dirs.push_back(d.string());
    auto path = plugin::find_plugin(v.plugin, dirs);
    if (!path) return path.error();
    const auto pin = settings_.plugins.pins.find(v.plugin);
    auto library = plugin::Library::load(*path, pin == settings_.plugins.pins.end() ? "" : pin->second);
    if (!library) return library.error();
    auto tls = net::TlsContext::client({v.tls.ca.string()});
    if (!tls) return tls.error();
    net::HttpClientOptions http;
    http.tls = *tls;
    clients_.push_back(std::make_unique<net::HttpClient>(loop_, http));
    VenueShared s;
    s.library = std::move(*library);
    s.settings = &v;
    s.loop = &loop_;
    s.http = clients_.back().get();
    s.tls = *tls;
    s.budgets = std::make_shared<venue::HostBudgets>();
    s.clock = &clock_;
    s.random = &random_;
    return s;
  }

  void venue(const VenueSettings& v) {
    const std::string subject = "venue " + v.name;
    auto shared = shared_for(v);
    if (!shared) return add(Verdict::kFailed, subject, shared.error().to_string());
    if (!shared->library->manifest().inbound.scheme.empty()) return inbound(v, subject);
    std::vector<std::string> markets = v.markets;
    for (const AccountSettings& a : settings_.accounts) {
      const bool more = a.venue == v.name && !a.market.empty();
      if (more && std::find(markets.begin(), markets.end(), a.market) == markets.end())
        markets.push_back(a.market);
    }
    auto made = PublicVenue::start(*shared, markets, registry_, aggregator_);
    if (!made) return add(Verdict::kFailed, subject, made.error().to_string());
    PublicVenue& live = **made;
    const std::string& display = shared->library->manifest().venue_name;
    const bool listed = shared->library->manifest().instruments_listed;
    // A plugin without the option `market` has one instance, whose market has no name.
    const std::vector<std::string> lists = markets.empty() ? std::vector<std::string>{""} : markets;
    const auto lists_there = [&] {
      return !listed || std::all_of(lists.begin(), lists.end(),
                                    [&](const auto& m) { return live.instruments_known(m); });
    };
    const auto all_priced = [&] {
      const auto missing = unpriced(v, display);
      return std::none_of(missing.begin(), missing.end(), [&](const auto& symbol) {
        return !listed || registry_.resolve(display, v.markets, symbol)
                              .has_value();  // no such name: no use in waiting
      });
    };
    loop_.run_until([&] { return lists_there() && all_priced(); }, kVenueMsMax);
    report_venue(v, subject, display, live, lists_there());
    for (const AccountSettings& a : settings_.accounts) {
      if (a.venue == v.name) account(a, *shared);
    }
  }

  /// Nobody can be dialled: its accounts' terminals post. What can be looked at is what they will meet.
  void inbound(const VenueSettings& v, const std::string& subject) {
    if (!settings_.webhook) return add(Verdict::kFailed, subject, "its closes come in by webhook, and there is none");
    const auto tls = net::TlsContext::server(settings_.webhook->certificate.string(), settings_.webhook->key.string());
    if (!tls) return add(Verdict::kFailed, subject, tls.error().to_string());
    add(Verdict::kGood, subject,
        "its terminals post to /webhook/" + v.name + "; the certificate can be used, whether they trust it they must show");
  }

  /// Wanted symbols that have no quote of this venue yet.
  std::vector<std::string> unpriced(const VenueSettings& v, const std::string& display) const {
    std::vector<std::string> out;
    for (const std::string& symbol : v.symbols) {
      const auto resolved = registry_.resolve(display, v.markets, symbol);
      const std::string name = resolved && !(*resolved)->canonical.empty() ? (*resolved)->canonical
                               : resolved                                  ? (*resolved)->native
                                                                           : symbol;
      const auto price = aggregator_.get(name);
      const bool quoted =
          price && std::any_of(price->venues.begin(), price->venues.end(), [&](const auto& e) {
            return e.venue == display && e.out != market::Out::kNoQuote &&
                   e.out != market::Out::kDisconnected;
          });
      if (!quoted) out.push_back(symbol);
    }
    return out;
  }

  void report_venue(const VenueSettings& v, const std::string& subject, const std::string& display,
                    const PublicVenue& live, bool lists_there) {
    const auto health = live.health();
    const auto missing = unpriced(v, display);
    if (!lists_there || (!v.symbols.empty() && missing.size() == v.symbols.size())) {
      return add(Verdict::kFailed, subject,
                 health.problem.empty() ? "no answer within 20 s" : health.problem);
    }
    for (const std::string& symbol : missing) {
      const auto resolved = registry_.resolve(display, v.markets, symbol);
      if (registry_.list(display).empty() || resolved)
        add(Verdict::kWarning, subject, symbol + ": no price within 20 s");
      else
        add(Verdict::kFailed, subject, resolved.error().to_string());
    }
    const std::size_t priced = v.symbols.size() - missing.size();
    add(Verdict::kGood, subject,
        std::to_string(priced) + " of " + std::to_string(v.symbols.size()) + " symbols have a price, " +
            std::to_string(registry_.list(display).size()) + " instruments");
  }

  void account(const AccountSettings& a, const VenueShared& shared) {
    const std::string subject = "account " + a.name;
    if (!a.complete())
      return add(Verdict::kWarning, subject, "its credentials are not set: nothing was verified");
    venue::LiveTransport transport(loop_, *shared.http, shared.tls);
    AccountProbe probe(a, transport, clock_);
    std::map<std::string, std::string> values;
    for (const auto& [name, secret] : a.credentials) values[name] = secret.value;
    venue::RunnerOptions o;
    o.label = a.venue + "/" + a.name;
    o.account = a.name;
    o.feeds = {"positions", "balance"};
    const plugin::Manifest& manifest = shared.library->manifest();
    o.options = options_with_markets(manifest, shared.settings->options_json, account_markets(manifest, a.market));
    o.outbound.account = true;
    o.outbound.credentials = std::make_shared<venue::Credentials>(values);
    o.outbound.endpoints = shared.settings->endpoints;
    o.outbound.budgets = shared.budgets;
    o.settle_from_ms = clock_.wall_ms();  // no old history has to be read to know that a key works
    const std::uint64_t unit = shared.library->manifest().nonce_unit == "us" ? 1'000 : 1;
    auto nonce = std::make_shared<std::uint64_t>(static_cast<std::uint64_t>(clock_.wall_ms()) * unit);
    o.outbound.next_nonce = [nonce]() -> Result<std::string> { return std::to_string((*nonce)++); };
    auto runner = venue::Runner::start(shared.library, std::move(o), transport, clock_, random_, probe);
    if (!runner) return add(Verdict::kFailed, subject, runner.error().to_string());
    probe.runner = runner->get();
    transport.attach(runner->get());
    loop_.run_until([&] { return probe.done(); }, kAccountMsMax);
    report_account(a, subject, probe, (*runner)->skew().estimate());
    probe.runner = nullptr;
    transport.attach(nullptr);
    runner->reset();
  }

  void report_account(const AccountSettings& a, const std::string& subject, const AccountProbe& probe,
                      const std::optional<venue::ClockSkew::Estimate>& skew) {
    if (skew) {
      const bool far = skew->offset_ms > kSkewMsMax || skew->offset_ms < -kSkewMsMax;
      add(far ? Verdict::kWarning : Verdict::kGood, subject,
          skew_text(skew->offset_ms) + (far ? ": check both clocks" : ""));
    }
    if (probe.judgement) {
      for (const std::string& warning : probe.judgement->warnings) add(Verdict::kWarning, subject, warning);
      const auto verdict = probe.judgement->refused()                                    ? Verdict::kFailed
                           : probe.judgement->verdict == venue::KeyVerdict::kWarnUnknown ? Verdict::kWarning
                                                                                         : Verdict::kGood;
      add(verdict, subject,
          probe.judgement->sentence + (probe.uid.empty() ? "" : " (uid " + probe.uid + ")"));
      remember_uid(a, subject, probe.uid);
      if (probe.judgement->refused()) return;
    }
    if (probe.ready) return add(Verdict::kGood, subject, "its private feed is ready");
    if (probe.refused)
      return add(Verdict::kFailed, subject,
                 probe.problem.empty() ? "the venue refuses the key" : probe.problem);
    add(Verdict::kFailed, subject,
        "no private feed within 20 s" + (probe.problem.empty() ? "" : ": " + probe.problem));
  }

  /// Two keys of one user would settle every close twice.
  void remember_uid(const AccountSettings& a, const std::string& subject, const std::string& uid) {
    if (uid.empty()) return;
    const auto [before, fresh] = uids_.emplace(a.venue + "/" + a.market + "/" + uid, a.name);
    if (!fresh)
      add(Verdict::kFailed, subject,
          "its key belongs to the same user of the venue as account '" + before->second +
              "'; remove one of them");
  }

  /// Who signs, proven on one endpoint; false when it has been said why not.
  bool prove(const VaultSigners& signers, const Secret& endpoint, const std::string& subject) {
    auto transport = chain::HttpTransport::create(endpoint.value);
    if (!transport) return add(Verdict::kFailed, subject, transport.error().to_string()), false;
    chain::JsonRpcNode node(**transport);
    const auto proof = prove_signers(signers, node);
    if (!proof) return add(Verdict::kFailed, subject, proof.error().to_string()), false;
    for (const std::string& warning : proof->warnings) add(Verdict::kWarning, subject, warning);
    add(Verdict::kGood, subject, proof->sentence);
    return true;
  }

  void vault(const VaultSettings& v) {
    const std::string subject = "vault " + v.name;
    const bool complete =
        v.chain_id != 0 && v.address.present() && v.signer.complete() && !v.rpc.empty();
    if (!complete)
      return add(Verdict::kWarning, subject,
                 "dry-run, and not all of rpc, address, chain_id and signer is set: nothing was verified");
    const auto signers = make_vault_signers(v, subject, clock_, random_);
    if (!signers) return add(Verdict::kFailed, subject, signers.error().to_string());
    bool proven = false;
    for (std::size_t i = 0; i < v.rpc.size() && !proven; ++i) proven = prove(*signers, v.rpc[i], subject);
    if (!proven) return;
    for (std::size_t i = 0; i < v.rpc.size(); ++i) {
      const std::string at = v.rpc.size() == 1 ? subject : subject + " endpoint " + std::to_string(i + 1);
      const auto facts = probe_vault(v, v.rpc[i], signers->settler(), random_);
      if (!facts)
        add(Verdict::kFailed, at, facts.error().to_string());
      else if (facts->role_missing())
        add(Verdict::kFailed, at,
            (signers->safe ? "the Safe may not settle: " : "the signer may not settle: ") + facts->credit_revert->to_string() + "; grant it the role");
      else if (facts->credit_revert)
        add(Verdict::kWarning, at, "a credit would fail now: " + facts->credit_revert->to_string());
      else
        add(Verdict::kGood, at,
            "chain " + std::to_string(facts->chain_id) + ", token " + facts->token.to_string() + " with " +
                std::to_string(facts->decimals) + " decimals, the " + (signers->safe ? "Safe" : "signer") + " may settle");
    }
  }

  const Settings& settings_;
  SystemClock clock_;
  SystemRandom random_;
  market::Aggregator aggregator_;
  market::Instruments registry_;
  net::EventLoop loop_{"check"};
  std::vector<std::unique_ptr<net::HttpClient>> clients_;
  std::map<std::string, std::string> uids_;
  std::vector<LiveFinding> findings_;
};

}  // namespace

std::vector<LiveFinding> check_live(const Settings& settings) { return LiveCheck(settings).run(); }

}  // namespace anduin::pipeline

#include "pipeline/host.hpp"

#include <algorithm>
#include <set>

#include "base/log.hpp"
#include "market/rates.hpp"
#include "net/event_loop.hpp"
#include "net/http_client.hpp"
#include "net/tls.hpp"
#include "ops/ledger_commands.hpp"
#include "pipeline/account_feed.hpp"
#include "pipeline/aggregate_rates.hpp"
#include "pipeline/inbound_prices.hpp"
#include "pipeline/live_vault.hpp"
#include "pipeline/market_option.hpp"
#include "pipeline/public_venue.hpp"

namespace anduin::pipeline {
namespace {

constexpr std::int64_t kExpireMs = 200;  // the aggregator wants to be asked at least every 250 ms

settle::LedgerOptions ledger_options(const Settings& s, const settle::RateSource& rates) {
  settle::LedgerOptions o;
  o.path = s.ledger.sqlite;
  o.bridge.pnl = s.bridge.pnl == PnlRule::kNet ? settle::PnlMode::kNet : settle::PnlMode::kVenue;
  o.bridge.capped_seizure = s.bridge.capped_seizure;
  o.bridge.ref_id = s.bridge.ref_id == RefIdRule::kKeccak256 ? settle::RefIdHash::kKeccak256 : settle::RefIdHash::kSha256;
  o.bridge.item_limit_usd = s.bridge.item_limit_usd;
  if (!s.vaults.empty()) o.bridge.token_decimals = s.vaults.front().token_decimals;
  o.policy = s.policy;
  o.rates = &rates;
  return o;
}

nlohmann::json lines_json(const std::vector<Host::Line>& lines) {
  nlohmann::json out = nlohmann::json::array();
  for (const Host::Line& l : lines)
    out.push_back({{"name", l.name}, {"good", l.good}, {"losses", l.losses}, {"waiting", l.waiting}, {"problem", l.problem}});
  return out;
}

Result<nlohmann::json> status_json(const Host::Status& s) {
  return Result<nlohmann::json>(boost::system::in_place_value,
                                nlohmann::json{{"venues", lines_json(s.venues)}, {"accounts", lines_json(s.accounts)},
                                               {"vaults", lines_json(s.vaults)}, {"endpoints", lines_json(s.endpoints)},
                                               {"unproven", s.unproven}, {"breakers", s.breakers}});
}

}  // namespace

struct Host::Impl {
  explicit Impl(Settings s) : settings(std::move(s)), aggregator(clock, settings.aggregator) {}
  ~Impl();
  Result<void> start();
  Result<void> start_vaults();
  Result<void> start_venues();
  Result<void> start_accounts();
  Result<void> admit(const AccountSettings& account, AccountFeed& feed);
  Result<settle::AccountInfo> register_account(const AccountSettings& account, const VenueShared& shared);
  void expire();
  Result<void> start_control();
  Status status();

  Settings settings;
  SystemClock clock;
  SystemRandom random;
  market::Aggregator aggregator;
  market::Instruments registry;
  market::RateJournal journal;
  AggregateRates rates{journal};

  std::unique_ptr<settle::Ledger> ledger;
  std::vector<std::unique_ptr<LiveVault>> vaults;
  std::unique_ptr<settle::LedgerWriter> writer;
  std::unique_ptr<Webhook> webhook;      // outlives the loop: answers may still be on their way to it
  std::unique_ptr<net::EventLoop> loop;  // everything below lives on it
  std::map<std::string, VenueShared> shared;
  std::vector<std::unique_ptr<net::HttpClient>> clients;
  std::map<std::string, std::unique_ptr<PublicVenue>> venues;
  std::vector<std::unique_ptr<AccountFeed>> accounts;
  std::vector<Line> idle_accounts;  ///< those without credentials
  net::Timer expiry;
  ops::Control control;  // last: its commands touch everything above
};

Result<void> Host::Impl::start() {
  aggregator.subscribe([this](const market::PriceEvent& e) { journal.on_price(e); });
  for (const SymbolOverride& o : settings.symbols) {
    const VenueSettings* v = settings.venue(o.venue);
    registry.set_override(o.canonical, v && !v->display.empty() ? v->display : o.venue, o.venue_name);
  }
  if (!settings.accounts.empty()) {
    auto opened = settle::Ledger::open(ledger_options(settings, rates), clock);
    if (!opened) return opened.error();
    ledger = std::move(*opened);
    // The log leaves the machine; the book may be held against it later.
    if (const auto at = ledger->checkpoint(); at) spdlog::info("[ledger] {} checkpoint {}", settings.ledger.sqlite.string(), at->to_string());
    if (auto ok = start_vaults(); !ok) return ok;
    writer = std::make_unique<settle::LedgerWriter>(*ledger, [this] {
      for (auto& v : vaults) v->wake();
    });
  }
  if (settings.webhook) webhook = std::make_unique<Webhook>(clock, *settings.webhook);
  loop = std::make_unique<net::EventLoop>("anduin-io");
  loop->start();
  Result<void> result;
  loop->call([&] {
    result = start_venues();
    if (result) result = start_accounts();
    if (result) expire();
  });
  if (result && webhook) result = webhook->start();  // whoever comes in finds everything there
  if (result && settings.control) result = start_control();
  return result;
}

Result<void> Host::Impl::start_control() {
  control.add("status", [this](const nlohmann::json&, const ops::Caller&) { return status_json(status()); });
  if (ledger)
    ops::add_ledger_commands(control, *ledger, [this] {
      for (auto& v : vaults) v->wake();
    });
  control.add("reopen", [this](const nlohmann::json& args, const ops::Caller& caller) -> Result<nlohmann::json> {
    const std::string name = ops::text_argument(args, "vault"), reason = ops::text_argument(args, "reason");
    const auto it = std::find_if(vaults.begin(), vaults.end(), [&](const auto& v) { return v->name() == name; });
    if (it == vaults.end()) return Error{ErrorKind::kBadRequest, name, "there is no live vault of this name"};
    const auto slots = (*it)->reopen(caller.actor(), reason);
    if (!slots) return slots.error();
    spdlog::warn("[control] {} reopened {} slots of vault {}: {}", caller.user, *slots, name, reason);
    return Result<nlohmann::json>(boost::system::in_place_value, nlohmann::json{{"vault", name}, {"slots", *slots}});
  });
  return control.open(settings.control->socket);
}

Result<void> Host::Impl::start_vaults() {
  for (const VaultSettings& v : settings.vaults) {
    if (v.mode != VaultMode::kLive) {
      spdlog::warn("[vault {}] dry-run: closes are recorded, nothing is sent", v.name);
      continue;
    }
    auto live = LiveVault::start(v, *ledger, clock, random);
    if (!live) return live.error();
    vaults.push_back(std::move(*live));
  }
  return {};
}

Result<void> Host::Impl::start_venues() {
  std::vector<std::string> dirs;
  for (const auto& d : settings.plugins.dirs) dirs.push_back(d.string());
  for (const VenueSettings& v : settings.venues) {
    auto path = plugin::find_plugin(v.plugin, dirs);
    if (!path) return path.error();
    const auto pin = settings.plugins.pins.find(v.plugin);
    auto library = plugin::Library::load(*path, pin == settings.plugins.pins.end() ? "" : pin->second);
    if (!library) return library.error();
    auto tls = net::TlsContext::client({v.tls.ca.string()});
    if (!tls) return tls.error();
    VenueShared s;
    s.library = std::move(*library);
    s.settings = &v;
    s.loop = loop.get();
    s.tls = *tls;
    net::HttpClientOptions http;
    http.tls = *tls;
    clients.push_back(std::make_unique<net::HttpClient>(*loop, http));
    s.http = clients.back().get();
    s.budgets = std::make_shared<venue::HostBudgets>();
    s.clock = &clock;
    s.random = &random;
    if (const auto& rule = s.library->manifest().inbound; !rule.scheme.empty()) {
      s.inbound_prices = std::make_shared<InboundPrices>(v, s.library->manifest().venue_name, registry, aggregator);
      if (webhook) webhook->add_venue(v.name, rule);
    }
    spdlog::info("[{}] plugin {} {} sha256:{}", v.name, s.library->manifest().id, s.library->manifest().version, s.library->sha256());
    std::vector<std::string> markets = v.markets;
    for (const AccountSettings& a : settings.accounts)
      if (a.venue == v.name)
        for (const std::string& m : account_markets(s.library->manifest(), a.market))
          if (std::find(markets.begin(), markets.end(), m) == markets.end()) markets.push_back(m);
    auto started = PublicVenue::start(s, std::move(markets), registry, aggregator);
    if (!started) return started.error();
    venues[v.name] = std::move(*started);
    shared[v.name] = std::move(s);
  }
  return {};
}

Result<settle::AccountInfo> Host::Impl::register_account(const AccountSettings& a, const VenueShared& s) {
  settle::AccountTerms terms;
  terms.name = a.name;
  terms.venue = s.library->manifest().venue_name;
  const VaultSettings* vault = settings.vault(a.vault);
  if (!vault) return Error{ErrorKind::kBadRequest, a.name, "names no vault that exists"};
  const auto user = chain::Address::parse(a.user);
  if (!user) return Error{ErrorKind::kBadRequest, a.name, "user is not an address"};
  terms.user = *user;
  terms.vault.name = vault->name;
  terms.vault.chain_id = vault->chain_id;
  terms.vault.live = vault->mode == VaultMode::kLive;
  if (vault->address.present())
    if (const auto address = chain::Address::parse(vault->address.value)) terms.vault.address = *address;
  terms.capped_seizure = a.capped_seizure.value_or(settings.bridge.capped_seizure);
  terms.credit.trusted = is_trusted(s.library->manifest(), a);
  terms.credit.per_close_usd = a.max_credit_per_close;
  terms.credit.per_day_usd = a.max_credit_per_day;
  terms.credit.price_band = a.price_band_percent * Decimal(1, -2);
  terms.settle_from_ms = a.settle_from_ms;
  auto info = ledger->register_account(terms);
  if (info && info->settle_from_differs)
    spdlog::warn("[{}] settle_from in the pipeline file differs from the ledger's, which holds", a.name);
  return info;
}

/// The account's key opens the webhook for its feed.
Result<void> Host::Impl::admit(const AccountSettings& a, AccountFeed& feed) {
  const auto key = a.credentials.find("key"), secret = a.credentials.find("secret");
  if (key == a.credentials.end() || secret == a.credentials.end())
    return Error{ErrorKind::kBadRequest, a.name, "an inbound venue's manifest must name the credentials key and secret"};
  return webhook->add_key(a.venue, key->second.value, secret->second.value,
                          [this, &feed](InboundRequest request, Webhook::Answer answer) {
                            loop->post([&feed, request = std::move(request), answer = std::move(answer)] {
                              feed.inbound(request, answer);
                            });
                          });
}

Result<void> Host::Impl::start_accounts() {
  for (const AccountSettings& a : settings.accounts) {
    const VenueShared& s = shared.at(a.venue);
    auto info = register_account(a, s);
    if (!info) return info.error();
    if (!a.complete()) {
      spdlog::warn("[{}/{}] has no credentials: its closes are not watched", a.venue, a.name);
      idle_accounts.push_back({a.name, false, 0, 0, "no credentials"});
      continue;
    }
    auto feed = AccountFeed::start(s, a, *venues.at(a.venue), registry, *ledger, *writer, *info);
    if (!feed) return feed.error();
    accounts.push_back(std::move(*feed));
    if (!s.library->manifest().inbound.scheme.empty() && webhook)
      if (auto ok = admit(a, *accounts.back()); !ok) return ok;
  }
  return {};
}

void Host::Impl::expire() {
  aggregator.expire();
  expiry = loop->post_after(kExpireMs, [this] { expire(); });
}

Host::Impl::~Impl() {
  control.close();
  if (webhook) webhook->stop();
  if (loop) {
    // Nothing new is taken; what was posted to the writer still becomes durable.
    loop->call([this] {
      expiry.cancel();
      accounts.clear();
      venues.clear();
      clients.clear();
    });
  }
  if (writer) writer->stop();
  vaults.clear();
  if (loop) loop->stop();
}

Host::Host(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Host::~Host() = default;

Result<std::unique_ptr<Host>> Host::start(Settings settings) {
  auto impl = std::make_unique<Impl>(std::move(settings));
  if (auto ok = impl->start(); !ok) return ok.error();
  return std::unique_ptr<Host>(new Host(std::move(impl)));
}

std::uint16_t Host::webhook_port() const { return impl_->webhook ? impl_->webhook->port() : std::uint16_t{0}; }

Host::Status Host::Impl::status() {
  Status s;
  for (const std::string& symbol : aggregator.symbols())
    if (auto p = aggregator.get(symbol)) s.prices.push_back(std::move(*p));
  loop->call([&] {
    for (const auto& [name, v] : venues) {
      const auto h = v->health();
      s.venues.push_back({name, h.connected, h.losses, 0, h.problem});
    }
    for (const auto& a : accounts) {
      const auto h = a->health();
      s.accounts.push_back({a->name(), h.ready && !h.refused, h.losses, h.waiting, h.problem});
    }
  });
  s.accounts.insert(s.accounts.end(), idle_accounts.begin(), idle_accounts.end());
  for (const auto& v : vaults) {
    const auto t = v->status();
    std::string problem = t.last_error;
    if (problem.empty() && t.foreign_events > 0)
      problem = std::to_string(t.foreign_events) + " settlements on the chain have no row in this ledger";
    s.vaults.push_back({v->name(), t.last_error.empty(), t.lost_slots, t.open_slots + t.queued, problem});
    for (const auto& e : v->endpoints()) {
      const bool good = e.state <= chain::EndpointState::kLagging;
      s.endpoints.push_back({v->name() + " " + e.name, good, e.failures, 0,
                             e.why.empty() ? std::string() : std::string(to_string(e.state)) + ": " + e.why});
    }
  }
  if (ledger)
    if (const auto ranges = ledger->unproven(); ranges) s.unproven = ranges->size();
  if (ledger)
    if (const auto open = ledger->breakers(); open)
      for (const auto& b : *open) s.breakers.push_back(b.scope + ": " + b.reason);
  return s;
}

Host::Status Host::status() { return impl_->status(); }

}  // namespace anduin::pipeline

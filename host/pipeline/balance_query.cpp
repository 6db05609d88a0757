#include "pipeline/balance_query.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "net/event_loop.hpp"
#include "net/http_client.hpp"
#include "net/tls.hpp"
#include "pipeline/market_option.hpp"
#include "plugin/library.hpp"
#include "venue/live_transport.hpp"
#include "venue/runner.hpp"

namespace anduin::pipeline {
namespace {

constexpr std::int64_t kAnswerMsMax = 20'000;
constexpr std::int64_t kMoreMs = 300;  // a venue that lists one currency a record sends them together

class Catch final : public venue::RunnerEvents {
 public:
  std::vector<Balance> balances;
  std::optional<Error> error;
  void on_balance(const Balance& b) override { balances.push_back(b); }
  void on_status(std::string_view feed, venue::FeedState state, std::string_view detail) override {
    if (state == venue::FeedState::kFailed) error = Error{ErrorKind::kAuth, std::string(feed), std::string(detail)};
  }
  void on_error(const Error& e, bool) override {
    if (e.kind == ErrorKind::kAuth || e.kind == ErrorKind::kBadRequest) error = e;
  }
};

}  // namespace

Result<std::vector<Balance>> query_balance(const Settings& settings, const std::string& venue_name, const std::string& account) {
  const VenueSettings* v = settings.venue(venue_name);
  if (!v) return Error{ErrorKind::kBadRequest, venue_name, "is no venue of the pipeline file"};
  std::vector<const AccountSettings*> found;
  for (const AccountSettings& a : settings.accounts)
    if (a.venue == venue_name && (account.empty() || a.name == account)) found.push_back(&a);
  if (found.empty()) return Error{ErrorKind::kBadRequest, venue_name, account.empty() ? "has no account" : "has no account '" + account + "'"};
  if (found.size() > 1) return Error{ErrorKind::kBadRequest, venue_name, "has several accounts: name one with --account"};
  const AccountSettings& a = *found.front();
  if (!a.complete()) return Error{ErrorKind::kAuth, a.name, "its credentials are not set"};

  std::vector<std::string> dirs;
  for (const auto& d : settings.plugins.dirs) dirs.push_back(d.string());
  auto path = plugin::find_plugin(v->plugin, dirs);
  if (!path) return path.error();
  auto library = plugin::Library::load(*path);
  if (!library) return library.error();
  auto tls = net::TlsContext::client({v->tls.ca.string()});
  if (!tls) return tls.error();

  SystemClock clock;
  SystemRandom random;
  net::EventLoop loop("balance");
  net::HttpClientOptions http_options;
  http_options.tls = *tls;
  net::HttpClient http(loop, http_options);
  venue::LiveTransport transport(loop, http, *tls);
  Catch events;
  std::map<std::string, std::string> values;
  for (const auto& [name, secret] : a.credentials) values[name] = secret.value;
  venue::RunnerOptions o;
  o.label = venue_name + "/" + a.name;
  o.account = a.name;
  o.feeds = {"balance"};
  o.options = options_with_markets((*library)->manifest(), v->options_json, account_markets((*library)->manifest(), a.market));
  o.outbound.account = true;
  o.outbound.credentials = std::make_shared<venue::Credentials>(values);
  o.outbound.endpoints = v->endpoints;
  // Beside a running host this could collide with its nonces: the wall clock is ahead of any block it has reserved
  // only in microsecond units, so an "Invalid nonce" answer is possible there and is reported as it is.
  const std::uint64_t unit = (*library)->manifest().nonce_unit == "us" ? 1000 : 1;
  auto nonce = std::make_shared<std::uint64_t>(static_cast<std::uint64_t>(clock.wall_ms()) * unit);
  o.outbound.next_nonce = [nonce]() -> Result<std::string> { return std::to_string((*nonce)++); };
  auto runner = venue::Runner::start(*library, std::move(o), transport, clock, random, events);
  if (!runner) return runner.error();
  transport.attach(runner->get());
  (*runner)->query_balance();
  loop.run_until([&] { return !events.balances.empty() || events.error; }, kAnswerMsMax);
  if (!events.balances.empty()) loop.run_for(kMoreMs);
  transport.attach(nullptr);
  runner->reset();
  if (!events.balances.empty()) return std::move(events.balances);
  if (events.error) return *events.error;
  return Error{ErrorKind::kRetryable, venue_name, "no balance came within 20 s"};
}

}  // namespace anduin::pipeline

#include "e2e/stage.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <fstream>
#include <set>
#include <stdexcept>
#include <thread>

#include "net/http_client.hpp"
#include "net/tls.hpp"
#include "plugin/library.hpp"
#include "settle/ledger_query.hpp"

namespace anduin::e2e {
namespace {

using nlohmann::json;
using Millis = std::chrono::milliseconds;

constexpr int kStartMs = 20'000;  // a loaded machine
constexpr std::size_t kFirstUser = 3;  // the first accounts of the node are deployer, settler and a spare
/// Ten minutes ago, as the pipeline file writes times: closes of this run count, and no history is asked beyond it.
std::string recently() {
  const std::time_t t = std::time(nullptr) - 600;
  std::tm utc{};
  gmtime_r(&t, &utc);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::string upper(std::string s) {
  for (char& c : s) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c == '-' ? '_' : c;
  return s;
}

}  // namespace

std::vector<Cast> two_venues() {
  return {{"bybit", "linear", {"BTCUSDT", "ETHUSDT"}}, {"kraken", "spot", {"BTCUSD", "ETHUSD", "BTCUSDT"}, true}};
}

std::vector<Cast> all_venues() {
  auto all = two_venues();
  for (const char* venue : {"okx", "bitget", "mexc", "kucoin", "htx"}) all.push_back({venue, "linear", {"BTCUSDT", "ETHUSDT"}});
  all.push_back({"metatrader", "", {"BTCUSDT", "ETHUSDT"}});
  return all;
}

std::vector<Cast> with_recordings(std::vector<Cast> cast, const std::filesystem::path& captures) {
  const std::map<std::string, Recording> known{
      {"kraken",
       {"futures.public", "market: [spot, futures], symbols: [BTCUSD, BTCUSDT, ETHUSD, PI_XRPUSD, PI_LTCUSD]",
        {"kraken/futures_v1_book_tickerlite_2021.jsonl.gz"},
        {"--option", "market=futures", "--symbols", "PI_ETHUSD"},
        {{"PI_ETHUSD", "ETH"}}}},
      {"okx",
       {"public", "market: [spot], price_channel: books, symbols: [BTCUSDT]",
        {"okx/okx_instruments_20220513.jsonl", "okx/okx_public_20220513.jsonl"},
        {"--option", "market=spot", "--option", "price_channel=books", "--symbols", "BTCUSDT"},
        {{"BTCUSDT", "BTC"}}}},
      {"htx",
       {"public", "market: [linear], price_channel: depth.step0, symbols: [GRTUSDT, SNXUSDT]",
        {"htx/contract-info.jsonl", "htx/linear-swap-ws.depth.jsonl.gz"},
        {"--option", "price_channel=depth.step0", "--symbols", "GRTUSDT,SNXUSDT"},
        {{"GRTUSDT", "GRT"}, {"SNXUSDT", "SNX"}}}}};
  for (Cast& c : cast) {
    const auto it = known.find(c.venue);
    if (it == known.end()) continue;
    Recording r = it->second;
    for (std::string& file : r.files) file = (captures / file).string();
    if (!std::all_of(r.files.begin(), r.files.end(), [](const std::string& f) { return std::filesystem::exists(f); })) continue;
    c.recording = std::move(r);
  }
  return cast;
}

std::string endpoints_of(const Sim& sim, const Sim* player, const std::string& played) {
  std::string text = "{";
  for (const auto& [id, own] : sim.ready().at("endpoints").items()) {
    const json& url = player && id == played ? player->ready().at("endpoints").at(id) : own;
    text += (text == "{" ? " \"" : ", \"") + id + "\": \"" + url.get<std::string>() + "\"";
  }
  return text + " }";
}

struct Sim::Http {
  explicit Http(const std::string& ca) {
    auto tls = net::TlsContext::client({ca});
    if (!tls) throw std::runtime_error(tls.error().to_string());
    net::HttpClientOptions o;
    o.tls = *tls;
    client = std::make_unique<net::BlockingHttpClient>(o);
  }
  std::unique_ptr<net::BlockingHttpClient> client;
};

Sim::Sim(const std::filesystem::path& bin, const std::string& venue, const std::filesystem::path& dir,
         const std::vector<std::string>& more)
    : venue_(venue) {
  std::filesystem::create_directories(dir);
  std::vector<std::string> args{(bin / "anduin-venue-sim").string(), "--venue", venue, "--listen", "127.0.0.1:0", "--tls-dir",
                                (dir / "tls").string(), "--die-with-parent"};
  args.insert(args.end(), more.begin(), more.end());
  process_ = std::make_unique<Process>(args, dir / "out", dir / "log");
  ready_ = json::parse(first_line(dir / "out", kStartMs));
  const std::string rest = ready_.at("endpoints").begin().value();
  const auto url = net::Url::parse(rest);
  if (!url) throw std::runtime_error(url.error().to_string());
  origin_ = "https://" + url->authority();
  http_ = std::make_unique<Http>(ca());
}

Sim::~Sim() = default;

json Sim::control(const std::string& command, const json& body) {
  net::HttpRequest request;
  request.method = "POST";
  request.url = *net::Url::parse(origin_ + "/sim/" + command);
  request.headers = {{"Content-Type", "application/json"}};
  request.body = body.dump();
  request.idempotent = false;
  auto answer = http_->client->send(std::move(request));
  if (!answer) throw std::runtime_error(venue_ + " simulator, " + command + ": " + answer.error().to_string());
  return json::parse(answer->body);
}

bool Reconciliation::good() const {
  return lost == 0 && duplicate == 0 && ledger_sum == onchain_sum && settled == onchain && missing.empty();
}

std::string Reconciliation::line() const {
  const auto n = [](std::uint64_t v) { return std::to_string(v); };
  return "injected=" + n(injected) + " settled=" + n(settled) + " held=" + n(held) + " noaction=" + n(noaction) +
         " onchain=" + n(onchain) + " ledger_sum=" + ledger_sum + " onchain_sum=" + onchain_sum + " lost=" + n(lost) +
         " duplicate=" + n(duplicate);
}

Stage::Stage(StageOptions options) : options_(std::move(options)) {
  std::filesystem::create_directories(options_.dir);
  const std::string seed = std::to_string(options_.seed);
  for (const Cast& c : options_.cast) {
    const auto file = options_.bin.parent_path() / "plugins" / ("anduin-" + c.venue + ".so");
    auto inspection = plugin::inspect(file.string());
    if (!inspection) throw std::runtime_error(inspection.error().to_string());
    naming_[c.venue] = {inspection->manifest.venue_name, inspection->manifest.ids_per_account};
    std::string symbols;
    for (const std::string& symbol : c.symbols) symbols += (symbols.empty() ? "" : ",") + symbol;
    sims_.push_back(std::make_unique<Sim>(
        options_.bin, c.venue, options_.dir / c.venue,
        std::vector<std::string>{"--accounts", std::to_string(options_.accounts_per_venue), "--symbols", symbols,
                                 "--rate", "10", "--seed", seed}));
    if (!c.recording) continue;
    std::vector<std::string> files;
    for (const std::string& file : c.recording->files) files.insert(files.end(), {"--playback", file});
    players_[c.venue] = std::make_unique<Sim>(options_.bin, c.venue, options_.dir / (c.venue + "-recorded"), files);
  }
  test::AnvilOptions anvil;
  anvil.block_time_s = options_.mine_on_demand ? 0 : options_.block_time_s;
  anvil.mine_on_demand = options_.mine_on_demand;
  anvil.slots_in_an_epoch = options_.slots_in_an_epoch;
  anvil_ = std::make_unique<test::Anvil>(anvil);
  test::VaultOptions vault;
  vault.duplicate_check = options_.duplicate_check;
  vault_ = std::make_unique<test::TestVault>(*anvil_, vault);
  for (std::size_t i = kFirstUser; i < test::dev_accounts().size(); ++i) vault_->deposit_for(test::dev_accounts()[i].address, chain::U256{1'000'000'000'000});
  write_pipeline();
}

Stage::~Stage() = default;

Sim& Stage::sim(const std::string& venue) {
  for (const auto& s : sims_)
    if (s->venue() == venue) return *s;
  throw std::runtime_error(venue + " is not on the stage");
}

const Cast& Stage::cast(const std::string& venue) const {
  for (const Cast& c : options_.cast)
    if (c.venue == venue) return c;
  throw std::runtime_error(venue + " is not on the stage");
}

std::size_t Stage::accounts() const {
  std::size_t n = 0;
  for (const auto& s : sims_) n += s->ready().at("accounts").size();
  return n;
}

std::string Stage::ledger_id(const std::string& venue, const json& close) const {
  const std::string id = close.at("id");
  return naming_.at(venue).uid_prefix ? close.at("uid").get<std::string>() + "/" + id : id;
}

void Stage::write_pipeline() {
  pipeline_ = options_.dir / "pipeline.yaml";
  std::ofstream out(pipeline_);
  out << "version: 1\n"
      << "plugins: { dirs: [\"" << (options_.bin.parent_path() / "plugins").string() << "\"] }\n"
      << "venues:\n";
  for (const auto& sim : sims_) write_venue(out, *sim);
  if (!options_.symbols.empty()) out << "symbols:\n";
  for (const auto& [canonical, names] : options_.symbols) {
    out << "  " << canonical << ": {";
    for (const auto& [venue, name] : names) out << (venue == names.begin()->first ? " " : ", ") << venue << ": \"" << name << "\"";
    out << " }\n";
  }
  out << "accounts:\n";
  std::size_t user = kFirstUser;
  for (const auto& sim : sims_)
    for (const json& a : sim->ready().at("accounts")) {
      write_account(out, *sim, a, test::dev_accounts()[user].address.to_string(), user % 2 == 1);
      if (++user == test::dev_accounts().size()) user = kFirstUser;  // several accounts may be one user's
    }
  const auto& settler = test::dev_accounts()[1];
  environment_.push_back("SETTLEMENT_PRIVATE_KEY=" + settler.key);
  secrets_.push_back(settler.key.substr(2));
  out << "vaults:\n"
      << "  main:\n    mode: live\n    chain_id: 31337\n    rpc: [\"" << anvil_->url() << "\"]\n    address: \"" << vault_->address().to_string()
      << "\"\n    signer: { key: \"${env:SETTLEMENT_PRIVATE_KEY}\" }\n    settled_at: finalized\n"
      << "ledger: \"sqlite:" << ledger_file().string() << "\"\ncontrol: { socket: \"" << control_socket().string() << "\" }\n"
      << options_.more;
  for (const auto& sim : sims_) {
    if (!sim->posts()) continue;
    webhook_ = "127.0.0.1:" + std::to_string(free_port());
    const json& files = sim->ready().at("webhook");
    out << "webhook: { listen: \"" << webhook_ << "\", tls: { certificate: " << files.at("certificate").dump() << ", key: "
        << files.at("key").dump() << " } }\n";
  }
}

void Stage::write_venue(std::ostream& out, const Sim& sim) {
  const Cast& c = cast(sim.venue());
  std::string symbols;
  for (const std::string& symbol : c.symbols) symbols += (symbols.empty() ? "" : ", ") + symbol;
  if (sim.posts()) {
    out << "  " << c.venue << ": { symbols: [" << symbols << "] }\n";
    return;
  }
  std::string prices = "market: [" + c.market + "], symbols: [" + symbols + "]", ca = sim.ca();
  const Sim* player = nullptr;
  if (c.recording) {
    player = players_.at(c.venue).get();
    prices = c.recording->settings;
    const auto both = options_.dir / (c.venue + "-ca.pem");  // each simulator made an authority of its own
    std::ofstream(both) << read_file(sim.ca()) << read_file(player->ca());
    ca = both.string();
  }
  out << "  " << c.venue << ": { " << prices << ", endpoints: "
      << endpoints_of(sim, player, c.recording ? c.recording->endpoint : std::string()) << ", tls: { ca: \"" << ca << "\" } }\n";
}

void Stage::write_account(std::ostream& out, const Sim& sim, const json& a, const std::string& user, bool capped) {
  const std::string name = a.at("name"), variable = upper(name), passphrase = a.value("passphrase", "");
  const Cast& c = cast(sim.venue());
  // Where prices are of another market than the cast's, or of several, the account says which is its own.
  const std::string market = c.account_market ? a.at("market").get<std::string>() : c.recording ? c.market : std::string();
  out << "  - { name: " << name << ", venue: " << sim.venue() << ", user: \"" << user << "\", vault: main"
      << (market.empty() ? "" : ", market: " + market)
      << ",\n      settle_from: " << recently() << ", capped_seizure: " << (capped ? "true" : "false")
      << ",\n      credentials: { key: \"${env:" << variable << "_API_KEY}\", secret: \"${env:" << variable << "_API_SECRET}\"";
  if (!passphrase.empty()) out << ", passphrase: \"${env:" << variable << "_API_PASSPHRASE}\"";
  out << " }";
  if (sim.posts()) {
    out << ",\n      trust: operator, options: { currency: USD";
    for (const char* option : {"ref", "login", "server"}) out << ", " << option << ": " << a.at(option).dump();
    out << " }";
  }
  out << " }\n";
  environment_.push_back(variable + "_API_KEY=" + a.at("key").get<std::string>());
  environment_.push_back(variable + "_API_SECRET=" + a.at("secret").get<std::string>());
  secrets_.push_back(a.at("secret"));
  if (passphrase.empty()) return;
  environment_.push_back(variable + "_API_PASSPHRASE=" + passphrase);
  secrets_.push_back(passphrase);
}

void Stage::start_host() {
  host_ = std::make_unique<Process>(std::vector<std::string>{(options_.bin / "anduin").string(), "run", pipeline_.string()},
                                    options_.dir / "host.out", host_log(), environment_);
  for (const auto& sim : sims_)
    if (sim->posts()) sim->control("connect", {{"url", "https://" + webhook_}});
}

void Stage::wait_terminals(int timeout_ms) {
  for (const auto& sim : sims_) {
    if (!sim->posts()) continue;
    const auto until = std::chrono::steady_clock::now() + Millis(timeout_ms);
    for (;;) {
      const json stats = sim->control("stats");
      const json& terminals = stats.at("terminals");
      if (std::all_of(terminals.begin(), terminals.end(), [](const json& t) { return t.at("active").get<bool>(); })) break;
      if (std::chrono::steady_clock::now() >= until) throw std::runtime_error("a terminal does not begin: " + stats.dump());
      std::this_thread::sleep_for(Millis(50));
    }
  }
}

void Stage::kill_host() {
  host_->signal(SIGKILL);
  if (!host_->wait(5'000)) throw std::runtime_error("the host survived SIGKILL");
}

int Stage::stop_host() {
  host_->signal(SIGTERM);
  const auto status = host_->wait(30'000);
  if (!status) throw std::runtime_error("the host does not end within 30 s of SIGTERM");
  return *status;
}

void Stage::wait_log(const std::string& text, std::size_t count, int timeout_ms) const {
  const auto until = std::chrono::steady_clock::now() + Millis(timeout_ms);
  for (;;) {
    const std::string log = read_file(host_log());
    std::size_t found = 0;
    for (std::size_t at = log.find(text); at != std::string::npos; at = log.find(text, at + text.size())) ++found;
    if (found >= count) return;
    if (host_ && !host_->running()) throw std::runtime_error("the host has ended:\n" + log);
    if (std::chrono::steady_clock::now() >= until)
      throw std::runtime_error("the host's log has '" + text + "' only " + std::to_string(found) + " times:\n" + log);
    std::this_thread::sleep_for(Millis(50));
  }
}

std::vector<Injected> Stage::injected() {
  std::vector<Injected> out;
  for (const auto& sim : sims_) {
    const json log = sim->control("log");
    for (const json& c : log.at("closes")) out.push_back({sim->venue(), ledger_id(sim->venue(), c), c.at("account"), c.at("pnl")});
  }
  return out;
}

Reconciliation Stage::reconcile() {
  Reconciliation r;
  std::set<std::string> ids;
  for (const Injected& i : injected()) ids.insert(naming_.at(i.venue).display + ":" + i.ledger_id);
  r.injected = ids.size();
  auto reader = settle::LedgerReader::open(ledger_file());
  if (!reader) throw std::runtime_error(reader.error().to_string());
  const auto sums = (*reader)->sums();
  if (!sums) throw std::runtime_error(sums.error().to_string());
  const auto known = (*reader)->close_ids();
  if (!known) throw std::runtime_error(known.error().to_string());
  const std::set<std::string> in_ledger(known->begin(), known->end());
  for (const std::string& id : ids)
    if (!in_ledger.contains(id)) r.missing.push_back(id);
  r.settled = sums->settled;
  r.held = sums->held;
  r.noaction = sums->no_action;
  r.ledger_sum = sums->ledger_sum;
  const std::uint64_t accounted = r.settled + r.held + r.noaction;
  r.lost = r.injected > accounted ? r.injected - accounted : r.missing.size();
  boost::multiprecision::cpp_int sum = 0;
  std::map<chain::Hash, unsigned> seen;
  for (const chain::VaultEvent& e : vault_->events()) {
    ++r.onchain;
    if (++seen[e.ref_id] > 1) ++r.duplicate;
    const boost::multiprecision::cpp_int moved(e.moved.str());
    sum += e.credit ? moved : -moved;
  }
  r.onchain_sum = sum.str();
  return r;
}

bool Stage::drain(int timeout_ms) {
  const auto until = std::chrono::steady_clock::now() + Millis(timeout_ms);
  for (;;) {
    const Reconciliation r = reconcile();
    auto reader = settle::LedgerReader::open(ledger_file());
    const auto sums = reader ? (*reader)->sums() : Result<settle::Sums>(reader.error());
    if (sums && sums->waiting == 0 && r.missing.empty() && r.lost == 0) return true;
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(Millis(300));
  }
}

}  // namespace anduin::e2e

#include "sim/okx.hpp"

#include <algorithm>

namespace anduin::sim {
namespace {

OkxSymbol symbol(std::string native, std::string canonical, std::string base, std::string quote, std::string settle,
                 std::string market, const char* contract, int price_decimals, std::int64_t tick, int qty_decimals) {
  OkxSymbol s;
  SymbolSpec& spec = s.spec;
  spec.product = settle.empty() ? Product::kSpot : settle == base ? Product::kInverse : Product::kLinear;
  spec.contract_type = spec.product == Product::kSpot ? "" : spec.product == Product::kInverse ? "inverse" : "linear";
  spec.native = std::move(native);
  spec.canonical = std::move(canonical);
  spec.base = std::move(base);
  spec.quote = std::move(quote);
  spec.settle = std::move(settle);
  spec.market = std::move(market);
  spec.price_decimals = price_decimals;
  spec.tick_units = tick;
  spec.qty_decimals = qty_decimals;
  s.contract = Decimal::of(contract);
  return s;
}

}  // namespace

std::unique_ptr<SimVenue> make_okx(VenueContext context) { return std::make_unique<OkxSim>(context); }

OkxSim::OkxSim(VenueContext context) : world_(context.world), sink_(context.sink) {
  make_symbols();
  make_accounts();
}

void OkxSim::make_symbols() {
  symbols_ = {
      symbol("BTC-USDT-SWAP", "BTCUSDT", "BTC", "USDT", "USDT", "SWAP", "0.01", 1, 1, 2),
      symbol("ETH-USDT-SWAP", "ETHUSDT", "ETH", "USDT", "USDT", "SWAP", "0.1", 2, 1, 2),
      symbol("SOL-USDT-SWAP", "SOLUSDT", "SOL", "USDT", "USDT", "SWAP", "1", 2, 1, 2),
      symbol("XRP-USDT-SWAP", "XRPUSDT", "XRP", "USDT", "USDT", "SWAP", "100", 4, 1, 2),
      symbol("BTC-USDC-SWAP", "BTCUSDC", "BTC", "USDC", "USDC", "SWAP", "0.0001", 1, 1, 0),
      symbol("BTC-USD-SWAP", "BTCUSD", "BTC", "USD", "BTC", "SWAP", "100", 1, 1, 0),
      symbol("ETH-USD-SWAP", "ETHUSD", "ETH", "USD", "ETH", "SWAP", "10", 2, 1, 0),
      symbol("BTC-USDT", "BTCUSDT", "BTC", "USDT", "", "SPOT", "0", 1, 1, 8),
      symbol("ETH-USDT", "ETHUSDT", "ETH", "USDT", "", "SPOT", "0", 2, 1, 6),
      symbol("BTC-USD-271231", "", "BTC", "USD", "BTC", "FUTURES", "100", 1, 1, 0),
  };
  for (const std::string& wanted : world_.options.symbols) {
    static constexpr std::string_view kQuote = "USDT";
    if (find_symbol(wanted, "") != nullptr || !wanted.ends_with(kQuote)) continue;
    const std::string base = wanted.substr(0, wanted.size() - kQuote.size());
    symbols_.push_back(symbol(base + "-USDT-SWAP", wanted, base, "USDT", "USDT", "SWAP", "1", 4, 1, 1));
  }
}

void OkxSim::make_accounts() {
  static constexpr std::int64_t kFirstUid = 77'982'378'738'415'879;  // beyond 2^53, as the venue's are
  for (int i = 0; i < world_.options.accounts; ++i) {
    SimAccount account;
    account.name = "okx-" + std::to_string(i + 1);
    account.key = uuid(world_.random);
    account.secret = hmac_sha256_hex("", uuid(world_.random)).substr(0, 32);
    account.passphrase = "pass-" + uuid(world_.random).substr(0, 8);
    account.uid = std::to_string(kFirstUid + 1000 * i);
    account.market = "swap";
    if (i == 0 && !world_.options.key.empty()) account.key = world_.options.key;
    if (i == 0 && !world_.options.secret.empty()) account.secret = world_.options.secret;
    if (i == 0 && !world_.options.passphrase.empty()) account.passphrase = world_.options.passphrase;
    accounts_.push_back(std::move(account));
    state_.emplace_back();
    state_.back().cash = {{"USDT", Decimal(10000)}, {"USDC", Decimal(500)}, {"BTC", Decimal(1)}, {"ETH", Decimal(5)}};
  }
}

/// The demo environment has contract values of its own.
void OkxSim::set_demo(bool demo) {
  demo_ = demo;
  for (OkxSymbol& s : symbols_) {
    if (s.spec.native == "BTC-USDT-SWAP") s.contract = Decimal::of(demo ? "0.001" : "0.01");
    if (s.spec.native == "ETH-USDT-SWAP") s.contract = Decimal::of(demo ? "0.01" : "0.1");
  }
}

std::vector<SimVenue::Endpoint> OkxSim::endpoints() const {
  return {{"public", "/ws/v5/public"}, {"private", "/ws/v5/private"}, {"rest", ""}};
}

const OkxSymbol* OkxSim::native_symbol(std::string_view name) const {
  for (const OkxSymbol& s : symbols_) {
    if (s.spec.native == name) return &s;
  }
  return nullptr;
}

const SymbolSpec* OkxSim::find_symbol(std::string_view name, std::string_view market) const {
  // "swap" is the plugin's word for the option `market`.
  const std::string wanted = market == "swap" || market == "linear" || market == "inverse" ? "SWAP"
                             : market == "spot"                                            ? "SPOT"
                                                                                           : std::string(market);
  for (const OkxSymbol& s : symbols_) {
    if ((s.spec.native == name || (!s.spec.canonical.empty() && s.spec.canonical == name)) &&
        (wanted.empty() || s.spec.market == wanted))
      return &s.spec;
  }
  return nullptr;
}

std::vector<std::string> OkxSim::topics(ConnId conn) const {
  const auto it = conns_.find(conn);
  std::vector<std::string> names;
  if (it == conns_.end()) return names;
  for (const auto& [name, topic] : it->second.topics) names.push_back(name);
  return names;
}

std::string OkxSim::endpoint_of(ConnId conn) const {
  const auto it = conns_.find(conn);
  return it == conns_.end() ? "" : it->second.kind;
}

void OkxSim::on_closed(ConnId conn) { conns_.erase(conn); }

void OkxSim::tick() {
  const std::int64_t now = world_.mono_ms();
  for (auto it = feeds_.begin(); it != feeds_.end();) {
    const bool wanted =
        std::any_of(conns_.begin(), conns_.end(), [&](const auto& c) { return c.second.topics.count(it->first) != 0; });
    if (!wanted) {
      it = feeds_.erase(it);
      continue;
    }
    push_feed(it->first, it->second);
    ++it;
  }
  while (!later_.empty() && later_.front().due_ms <= now) {
    const Later later = later_.front();
    later_.pop_front();
    const auto& slots = state_[later.order.account].slots;
    const auto slot = slots.find(later.slot);
    if (slot != slots.end() && slot->second.contracts.sign() > 0)
      finish(later.order.account, later.slot, later.order, slot->second.contracts, false);
  }
  for (std::size_t i = 0; i < state_.size(); ++i) {
    std::vector<std::string> due;
    for (const auto& [slot, due_ms] : state_[i].dirty) {
      if (due_ms <= now) due.push_back(slot);
    }
    for (const std::string& slot : due) state_[i].dirty.erase(slot);
    if (!due.empty()) push_positions(i, due);
  }
  push_regular(now);
  scan_connections();
}

std::optional<Json> OkxSim::control(std::string_view command, const Json& a) {
  if (command == "open") return open_command(a);
  if (command == "reduce") return reduce_command(a);
  if (command == "transfer") return transfer_command(a);
  if (command == "visibility") {  // when REST shows a row: a fixed delay, or 0 to 5 s
    random_delay_ = flag_at(a, "random");
    history_delay_ms_ = int_at(a, "history_ms", 0);
  } else if (command == "limits") {
    history_limit_ = int_at(a, "history", history_limit_);
  } else if (command == "restart") {  // a sequence reset after maintenance: seqId below prevSeqId
    for (auto& [name, feed] : feeds_) feed.restart = true;
  } else if (command == "gap") {  // one book delta is lost
    for (auto& [name, feed] : feeds_) feed.lose = true;
  } else if (command == "checksum") {
    checksum_ = !flag_at(a, "off");
  } else if (command == "demo") {
    set_demo(!flag_at(a, "off"));
  } else if (command == "notice") {  // a service upgrade: the connections are cut a minute later
    static constexpr std::int64_t kNoticeMs = 60'000;
    for (auto& [id, conn] : conns_) {
      conn.notice_close_ms = world_.mono_ms() + world_.scaled(kNoticeMs);
      sink_.send(id, Obj()
                         .str("event", "notice")
                         .str("code", "64008")
                         .str("msg", "The connection will soon be closed for a service upgrade. Please reconnect.")
                         .str("connId", conn.conn_id)
                         .text());
    }
  } else {
    return std::nullopt;
  }
  return Json{{"ok", true}};
}

}  // namespace anduin::sim

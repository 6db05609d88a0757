#include "sim/bitget.hpp"

#include <algorithm>

namespace anduin::sim {
namespace {

/// Ids are snowflakes: their upper bits are a time since then.
constexpr std::int64_t kEpochMs = 1'435'725'920'677;
constexpr int kSequenceBits = 22;

BitgetSymbol symbol(std::string native, std::string canonical, std::string base, std::string quote, std::string product,
                    int price_decimals, std::int64_t tick, int qty_decimals) {
  BitgetSymbol s;
  SymbolSpec& spec = s.spec;
  spec.product = product == "SPOT" ? Product::kSpot : product == "COIN-FUTURES" ? Product::kInverse : Product::kLinear;
  spec.settle = spec.product == Product::kInverse ? base : quote;
  spec.market = spec.product == Product::kSpot ? "spot" : spec.product == Product::kInverse ? "inverse" : "linear";
  s.dated = canonical.empty();
  spec.contract_type = s.dated ? "delivery" : "perpetual";
  spec.native = std::move(native);
  spec.canonical = std::move(canonical);
  spec.base = std::move(base);
  spec.quote = std::move(quote);
  spec.price_decimals = price_decimals;
  spec.tick_units = tick;
  spec.qty_decimals = qty_decimals;
  s.product = std::move(product);
  return s;
}

}  // namespace

std::unique_ptr<SimVenue> make_bitget(VenueContext context) { return std::make_unique<BitgetSim>(context); }

BitgetSim::BitgetSim(VenueContext context) : world_(context.world), sink_(context.sink) {
  make_symbols();
  make_accounts();
}

void BitgetSim::make_symbols() {
  symbols_ = {
      symbol("BTCUSDT", "BTCUSDT", "BTC", "USDT", "USDT-FUTURES", 1, 1, 4),
      symbol("ETHUSDT", "ETHUSDT", "ETH", "USDT", "USDT-FUTURES", 2, 1, 2),
      symbol("SOLUSDT", "SOLUSDT", "SOL", "USDT", "USDT-FUTURES", 3, 1, 1),
      symbol("XRPUSDT", "XRPUSDT", "XRP", "USDT", "USDT-FUTURES", 4, 1, 0),
      symbol("1000BONKUSDT", "1000BONKUSDT", "1000BONK", "USDT", "USDT-FUTURES", 6, 1, 0),
      symbol("BTCPERP", "BTCUSDC", "BTC", "USDC", "USDC-FUTURES", 1, 5, 4),
      symbol("BTCUSD", "BTCUSD", "BTC", "USD", "COIN-FUTURES", 1, 1, 3),
      symbol("ETHUSD", "ETHUSD", "ETH", "USD", "COIN-FUTURES", 2, 1, 2),
      symbol("BTCUSDH27", "", "BTC", "USD", "COIN-FUTURES", 1, 1, 3),
      symbol("BTCUSDT", "BTCUSDT", "BTC", "USDT", "SPOT", 2, 1, 6),
      symbol("ETHUSDT", "ETHUSDT", "ETH", "USDT", "SPOT", 2, 1, 4),
  };
  for (const std::string& wanted : world_.options.symbols) {
    static constexpr std::string_view kQuote = "USDT";
    if (find_symbol(wanted, "linear") != nullptr || !wanted.ends_with(kQuote)) continue;
    const std::string base = wanted.substr(0, wanted.size() - kQuote.size());
    symbols_.push_back(symbol(wanted, wanted, base, "USDT", "USDT-FUTURES", 4, 1, 1));
  }
}

/// Every second account is a unified one, beginning with the first.
void BitgetSim::make_accounts() {
  static constexpr std::int64_t kFirstUid = 3'456'789'012;
  for (int i = 0; i < world_.options.accounts; ++i) {
    SimAccount account;
    account.name = "bitget-" + std::to_string(i + 1);
    account.key = "bg_" + hmac_sha256_hex("", uuid(world_.random)).substr(0, 32);
    account.secret = hmac_sha256_hex("", uuid(world_.random));
    account.passphrase = "pass" + uuid(world_.random).substr(0, 8);
    account.uid = std::to_string(kFirstUid + 1000 * i);
    account.market = "linear";
    if (i == 0 && !world_.options.key.empty()) account.key = world_.options.key;
    if (i == 0 && !world_.options.secret.empty()) account.secret = world_.options.secret;
    if (i == 0 && !world_.options.passphrase.empty()) account.passphrase = world_.options.passphrase;
    accounts_.push_back(std::move(account));
    state_.emplace_back();
    state_.back().unified = i % 2 == 0;
    state_.back().cash = {{"USDT", Decimal(10000)}, {"USDC", Decimal(500)}, {"BTC", Decimal(1)}, {"ETH", Decimal(5)}};
  }
}

std::vector<SimVenue::Endpoint> BitgetSim::endpoints() const {
  return {{"public.v3", "/v3/ws/public"},
          {"public.v2", "/v2/ws/public"},
          {"private.v3", "/v3/ws/private"},
          {"private.v2", "/v2/ws/private"},
          {"rest", ""}};
}

const BitgetSymbol* BitgetSim::native_symbol(std::string_view name, std::string_view product) const {
  for (const BitgetSymbol& s : symbols_) {
    if (s.spec.native == name && s.product == product) return &s;
  }
  return nullptr;
}

const SymbolSpec* BitgetSim::find_symbol(std::string_view name, std::string_view market) const {
  for (const BitgetSymbol& s : symbols_) {
    if ((s.spec.native == name || (!s.spec.canonical.empty() && s.spec.canonical == name)) &&
        (market.empty() || s.spec.market == market))
      return &s.spec;
  }
  return nullptr;
}

/// The next id of that millisecond; never the same twice.
std::string BitgetSim::mint(std::int64_t ms) {
  const std::int64_t sequence = ++minted_ % (std::int64_t{1} << kSequenceBits);
  return std::to_string(((ms - kEpochMs) << kSequenceBits) + sequence);
}

std::vector<std::string> BitgetSim::topics(ConnId conn) const {
  const auto it = conns_.find(conn);
  std::vector<std::string> names;
  if (it == conns_.end()) return names;
  for (const auto& [name, arg] : it->second.topics) names.push_back(name);
  return names;
}

std::string BitgetSim::endpoint_of(ConnId conn) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return "";
  return std::string(it->second.is_private ? "private" : "public") + (it->second.v3 ? ".v3" : ".v2");
}

void BitgetSim::on_closed(ConnId conn) { conns_.erase(conn); }

void BitgetSim::tick() {
  const std::int64_t now = world_.mono_ms();
  for (auto it = feeds_.begin(); it != feeds_.end();) {
    const std::string topic = it->first.substr(3);
    const bool wanted = std::any_of(conns_.begin(), conns_.end(), [&](const auto& c) {
      return c.second.v3 == it->second.v3 && c.second.topics.contains(topic);
    });
    if (!wanted) {
      it = feeds_.erase(it);
      continue;
    }
    push_feed(topic, it->second);
    ++it;
  }
  while (!later_.empty() && later_.front().due_ms <= now) {
    const Later later = later_.front();
    later_.pop_front();
    if (!state_[later.order.account].open.contains(later.id)) continue;
    const BitgetRow& row = finish(later.order.account, later.id, later.order);
    if (!later.order.silent && !later.order.drop) push_closed(later.order.account, row);
  }
  scan_connections();
}

BitgetSim::Account* BitgetSim::account_of(const Json& a) {
  const std::string name = text_at(a, "account");
  for (std::size_t i = 0; i < accounts_.size(); ++i) {
    if (name.empty() || accounts_[i].name == name || accounts_[i].uid == name) return &state_[i];
  }
  return nullptr;
}

std::optional<Json> BitgetSim::control(std::string_view command, const Json& a) {
  if (command == "open") return open_command(a);
  if (command == "generation") {  // the user upgrades his account, or goes back
    Account* account = account_of(a);
    const std::string to = text_at(a, "to");
    if (account == nullptr || (to != "uta" && to != "classic"))
      return Json{{"ok", false}, {"error", "give account and to: uta or classic"}};
    account->unified = to == "uta";
  } else if (command == "visibility") {  // when REST shows a row: a fixed delay, or 0 to 5 s
    random_delay_ = flag_at(a, "random");
    history_delay_ms_ = int_at(a, "history_ms", 0);
    filter_by_opening_ = text_at(a, "filter") == "opening";  // what startTime and endTime mean
  } else if (command == "limits") {
    minute_limit_ = int_at(a, "per_minute", minute_limit_);
  } else if (command == "restart") {  // the sequence of books begins anew, with pseq 0
    for (auto& [name, feed] : feeds_) feed.restart = true;
  } else if (command == "gap") {  // one book change is lost
    for (auto& [name, feed] : feeds_) feed.lose = true;
  } else if (command == "checksum") {
    checksum_ = !flag_at(a, "off");
  } else if (command == "demo") {
    demo_ = !flag_at(a, "off");
  } else {
    return std::nullopt;
  }
  return Json{{"ok", true}};
}

}  // namespace anduin::sim

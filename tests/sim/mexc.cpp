#include "sim/mexc.hpp"

#include <algorithm>
#include <limits>

namespace anduin::sim {
namespace {

constexpr std::int64_t kPingMs = 60'000;  ///< without a client's ping the socket is closed, data or not
constexpr std::int64_t kFirstId = 1'109'973'831;

SymbolSpec spec(const std::string& base, const std::string& quote, const std::string& settle, int price_decimals,
                std::int64_t tick) {
  SymbolSpec s;
  s.native = base + "_" + quote;
  s.canonical = base + quote;
  s.base = base;
  s.quote = quote;
  s.settle = settle;
  s.product = settle == quote ? Product::kLinear : Product::kInverse;
  s.market = s.product == Product::kInverse ? "inverse" : "linear";
  s.price_decimals = price_decimals;
  s.tick_units = tick;
  s.qty_decimals = 0;  // contracts
  return s;
}

}  // namespace

std::unique_ptr<SimVenue> make_mexc(VenueContext context) { return std::make_unique<MexcSim>(context); }

MexcSim::MexcSim(VenueContext context) : world_(context.world), sink_(context.sink), next_id_(kFirstId) {
  make_contracts();
  make_accounts();
}

void MexcSim::make_contracts() {
  const auto add = [&](const char* size, SymbolSpec s) {
    MexcContract c;
    c.amount_decimals = s.product == Product::kInverse ? 8 : 4;
    c.size = Decimal::of(size);
    c.spec = std::move(s);
    contracts_.push_back(std::move(c));
  };
  add("0.0001", spec("BTC", "USDT", "USDT", 1, 1));
  add("0.01", spec("ETH", "USDT", "USDT", 2, 1));
  add("0.1", spec("SOL", "USDT", "USDT", 2, 1));
  add("1", spec("XRP", "USDT", "USDT", 4, 1));
  add("10", spec("1000BONK", "USDT", "USDT", 6, 1));
  add("0.001", spec("XAU", "USDT", "USDT", 2, 1));
  add("0.0001", spec("BTC", "USDC", "USDC", 1, 1));
  add("100", spec("BTC", "USD", "BTC", 1, 1));
  add("10", spec("ETH", "USD", "ETH", 2, 1));
  for (const std::string& wanted : world_.options.symbols) {
    static constexpr std::string_view kQuote = "USDT";
    if (find_symbol(wanted, "") != nullptr || !wanted.ends_with(kQuote)) continue;
    add("1", spec(wanted.substr(0, wanted.size() - kQuote.size()), "USDT", "USDT", 4, 1));
  }
}

void MexcSim::make_accounts() {
  static constexpr std::int64_t kFirstUid = 209'302'839;
  for (int i = 0; i < world_.options.accounts; ++i) {
    SimAccount account;
    account.name = "mexc-" + std::to_string(i + 1);
    account.key = "mx0v" + uuid(world_.random).substr(0, 8) + std::to_string(100'000 + i);
    account.secret = uuid(world_.random);
    account.uid = std::to_string(kFirstUid + 1000 * i);
    account.market = "linear";  // one key serves both
    if (i == 0 && !world_.options.key.empty()) account.key = world_.options.key;
    if (i == 0 && !world_.options.secret.empty()) account.secret = world_.options.secret;
    accounts_.push_back(std::move(account));
    wallets_.push_back({{"USDT", Decimal(10000)}, {"USDC", Decimal(500)}, {"BTC", Decimal(1)}, {"ETH", Decimal(5)}});
  }
  history_.resize(accounts_.size());
}

std::vector<SimVenue::Endpoint> MexcSim::endpoints() const {
  return {{"public", "/edge"}, {"public.ws", "/ws"}, {"private", "/edge"}, {"private.ws", "/ws"}, {"rest", ""}};
}

const SymbolSpec* MexcSim::find_symbol(std::string_view name, std::string_view market) const {
  for (const MexcContract& c : contracts_)
    if ((c.spec.native == name || c.spec.canonical == name) && (market.empty() || c.spec.market == market))
      return &c.spec;
  return nullptr;
}

const MexcContract* MexcSim::contract_of(std::string_view native) const {
  for (const MexcContract& c : contracts_)
    if (c.spec.native == native) return &c;
  return nullptr;
}

std::vector<std::string> MexcSim::topics(ConnId conn) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return {};
  std::vector<std::string> out{it->second.feeds.begin(), it->second.feeds.end()};
  if (it->second.pushes) out.emplace_back("personal");
  return out;
}

std::string MexcSim::endpoint_of(ConnId conn) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return "";
  return std::string(it->second.account == kNobody ? "public" : "private") + (it->second.path == "/ws" ? ".ws" : "");
}

void MexcSim::tick() {
  const std::int64_t now = world_.mono_ms();
  std::vector<std::pair<ConnId, bool>> silent;  // with data, or idle
  for (const auto& [id, conn] : conns_)
    if (now - conn.last_ping_ms >= world_.scaled(kPingMs)) silent.emplace_back(id, !conn.feeds.empty());
  for (const auto& [id, with_data] : silent) {
    conns_.erase(id);
    sink_.close(id, with_data ? 1000 : 0, "");  // an idle one ends without a close frame
  }
  for (auto it = feeds_.begin(); it != feeds_.end();) {
    const bool wanted =
        std::any_of(conns_.begin(), conns_.end(), [&](const auto& c) { return c.second.feeds.count(it->first) != 0; });
    if (!wanted) {
      it = feeds_.erase(it);
      continue;
    }
    push_feed(it->first, it->second);
    ++it;
  }
}

std::optional<Json> MexcSim::control(std::string_view command, const Json& a) {
  if (command == "visibility") {  // when history shows a close: a fixed delay, or the venue's own lag
    random_delay_ = flag_at(a, "random");
    history_ms_ = int_at(a, "history_ms", 0);
  } else if (command == "limits") {
    private_limit_ = int_at(a, "private", private_limit_);
    public_limit_ = int_at(a, "public", public_limit_);
  } else if (command == "shape") {  // history: "object" or "list"; fee: "positive" or "negative"; by: "open" or "close"
    history_is_object_ = text_at(a, "history", history_is_object_ ? "object" : "list") == "object";
    fee_is_positive_ = text_at(a, "fee", fee_is_positive_ ? "positive" : "negative") == "positive";
    filters_by_opening_ = text_at(a, "by", filters_by_opening_ ? "open" : "close") == "open";
  } else if (command == "age") {  // how long before its end a position was opened
    age_ms_ = int_at(a, "ms", age_ms_);
  } else if (command == "quiet" || command == "delist") {
    const SymbolSpec* s = find_symbol(text_at(a, "symbol"), "");
    if (s == nullptr) return Json{{"ok", false}, {"error", "no such symbol"}};
    const bool off = flag_at(a, "off");
    if (command == "quiet") {
      quiet_.erase(s->native);
      if (!off) quiet_[s->native] = world_.mono_ms() + int_at(a, "ms", std::numeric_limits<std::int32_t>::max());
    } else {
      for (MexcContract& c : contracts_)
        if (c.spec.native == s->native) c.listed = off, c.delisted_ms = world_.wall_ms();
    }
  } else {
    return std::nullopt;
  }
  return Json{{"ok", true}};
}

}  // namespace anduin::sim

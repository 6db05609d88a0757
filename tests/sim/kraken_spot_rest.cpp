#include <algorithm>
#include <charconv>

#include "sim/kraken_spot.hpp"

namespace anduin::sim {
namespace {

constexpr std::size_t kPage = 50;  ///< rows of Ledgers and TradesHistory
constexpr std::int64_t kTokenMs = 900'000;
constexpr std::int64_t kDecayPerSecond = 500;  ///< thousandths of the counter (intermediate tier)

std::string money(const Decimal& value, int decimals_min) {
  std::string text = value.to_string();
  const std::size_t point = text.find('.');
  std::size_t after = point == std::string::npos ? 0 : text.size() - point - 1;
  if (point == std::string::npos) text += '.';
  for (; after < static_cast<std::size_t>(decimals_min); ++after) text += '0';
  return text;
}

/// Unix seconds with a fraction as microseconds; nothing when it is no number (a ledger id, say).
std::optional<std::int64_t> seconds_as_us(const std::string& text) {
  const auto d = Decimal::parse(text);
  if (!d) return std::nullopt;
  return std::stoll((*d * Decimal(1'000'000)).truncated(0).to_string());
}

}  // namespace

Response KrakenSpot::result(const std::string& json) const {
  return {200, Obj().raw("error", "[]").raw("result", json).text()};
}

Response KrakenSpot::error(const std::string& text) const {
  return {200, Obj().raw("error", Arr().str(text).text()).text()};
}

Response KrakenSpot::error_response(const std::string& code) const {
  if (code.size() == 3 && code.find_first_not_of("0123456789") == std::string::npos)
    return {std::stoi(code), "{}"};
  return error(code);
}

Response KrakenSpot::on_http(const Request& request) {
  static constexpr std::string_view kPublic = "/0/public/", kPrivate = "/0/private/";
  if (request.path.starts_with(kPublic)) {
    return public_call(request.path.substr(kPublic.size()),
                       Params(request.query.empty() ? request.body : request.query));
  }
  if (!request.path.starts_with(kPrivate)) return {404, R"({"error":["EGeneral:Unknown method"]})"};
  if (request.method != "POST") return error("EGeneral:Invalid arguments");
  std::size_t account = 0;
  Params form;
  if (auto refused = refuse(request, account, form)) return *refused;
  return private_call(request.path.substr(kPrivate.size()), account, form);
}

std::optional<Response> KrakenSpot::refuse(const Request& request, std::size_t& account, Params& form) {
  const std::string key = request.header("API-Key"), sign = request.header("API-Sign");
  const auto it = std::find_if(accounts_.begin(), accounts_.end(),
                               [&](const SimAccount& a) { return a.market == "spot" && a.key == key; });
  const bool expired = it != accounts_.end() && it->expires_ms != 0 && it->expires_ms < world_.wall_ms();
  if (key.empty() || it == accounts_.end() || expired) return error("EAPI:Invalid key");
  if (request.body.starts_with("{")) {
    const auto json = parse_exact(request.body);
    if (!json || !json->is_object()) return error("EGeneral:Invalid arguments");
    for (const auto& [name, value] : json->items())
      form.add(name, value.is_string() ? value.get<std::string>() : value.dump());
  } else {
    form = Params(request.body, true);
  }
  const std::string nonce = form.get("nonce");
  const std::string message = request.path + sha256(nonce + request.body);
  if (base64_encode(hmac_sha512(base64_decode(it->secret).value_or(""), message)) != sign)
    return error("EAPI:Invalid signature");
  account = static_cast<std::size_t>(it - accounts_.begin());
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(nonce.data(), nonce.data() + nonce.size(), value);
  if (nonce.empty() || code != std::errc() || end != nonce.data() + nonce.size())
    return error("EAPI:Invalid nonce");
  if (value <= books_[account].last_nonce) return error("EAPI:Invalid nonce");  // strictly growing, for ever
  books_[account].last_nonce = value;
  return std::nullopt;
}

bool KrakenSpot::spend(std::size_t account, std::int64_t cost) {
  Book& book = books_[account];
  const std::int64_t now = world_.mono_ms();
  const std::int64_t decayed = (now - book.counter_updated_ms) * kDecayPerSecond / world_.scaled(1000);
  if (decayed > 0) {  // otherwise the fraction waits for the next call
    book.counter_permille = std::max<std::int64_t>(0, book.counter_permille - decayed);
    book.counter_updated_ms = now;
  }
  if (book.counter_permille + cost * 1000 > counter_max_ * 1000) return false;
  book.counter_permille += cost * 1000;
  return true;
}

Response KrakenSpot::public_call(const std::string& call, const Params& query) const {
  const std::int64_t now = world_.wall_ms();
  if (call == "Time") return result(Obj().num("unixtime", now / 1000).str("rfc1123", rfc1123(now)).text());
  if (call == "SystemStatus")
    return result(Obj().str("status", status_).str("timestamp", iso_ms(now).substr(0, 19) + "Z").text());
  if (call == "Assets") {
    std::map<std::string, std::string> assets;
    for (const Pair& p : pairs_) {
      assets[p.base_asset] = p.wsname.substr(0, p.wsname.find('/'));
      assets[p.quote_asset] = p.wsname.substr(p.wsname.find('/') + 1);
    }
    Obj list;
    for (const auto& [asset, altname] : assets) {
      list.raw(asset, Obj()
                          .str("aclass", "currency")
                          .str("altname", altname)
                          .num("decimals", 10)
                          .num("display_decimals", 5)
                          .str("status", "enabled")
                          .text());
    }
    return result(list.text());
  }
  if (call != "AssetPairs" && call != "Ticker" && call != "Depth") return error("EGeneral:Unknown method");
  const std::string wanted = query.get("pair"), padded = "," + wanted + ",";
  const auto named = [&](const std::string& name) {
    return padded.find("," + name + ",") != std::string::npos;
  };
  Obj list;
  for (const Pair& p : pairs_) {
    if (!wanted.empty() && !named(p.key) && !named(p.altname) && !named(p.wsname) && !named(p.spec.native))
      continue;
    list.raw(p.key, call == "AssetPairs" ? pair_json(p) : book_json(p, call == "Depth"));
  }
  return list.text() == "{}" ? error("EQuery:Unknown asset pair") : result(list.text());
}

Response KrakenSpot::private_call(const std::string& call, std::size_t account, const Params& form) {
  const bool history =
      call == "Ledgers" || call == "QueryLedgers" || call == "TradesHistory" || call == "QueryTrades";
  if (!spend(account, history && call != "QueryTrades" ? 2 : 1)) return error("EAPI:Rate limit exceeded");
  const Book& book = books_[account];
  if (call == "GetWebSocketsToken") {
    const std::string token = base64_encode(sha256(uuid(world_.random)));
    tokens_[token] = {account, world_.mono_ms() + world_.scaled(kTokenMs)};
    return result(Obj().str("token", token).num("expires", kTokenMs / 1000).text());
  }
  if (call == "GetApiKeyInfo") return result(key_info(account));
  if (call == "Balance" || call == "BalanceEx") {
    Obj list;
    for (const auto& [asset, amount] : book.balances) {
      const std::string text = money(amount, 4);
      if (call == "Balance")
        list.str(asset, text);
      else
        list.raw(asset, Obj()
                            .str("balance", text)
                            .str("credit", "0.0000")
                            .str("credit_used", "0.0000")
                            .str("hold_trade", "0.0000")
                            .text());
    }
    // Earn and tokenised balances carry a suffix and are not tradeable.
    if (call == "Balance")
      list.str("XBT.M", "0.5000");
    else
      list.raw("XBT.M", Obj().str("balance", "0.5000").str("hold_trade", "0.0000").text());
    return result(list.text());
  }
  if (call == "TradeBalance") {
    Decimal total;
    for (const auto& [asset, amount] : book.balances) {
      std::string code = asset;
      for (const Pair& p : pairs_) {
        if (p.base_asset == asset) code = p.spec.base;
        if (p.quote_asset == asset) code = p.spec.quote;
      }
      total = total + (amount * Decimal(world_.market.mid_e8(code, world_.wall_ms()), -8)).rounded(4);
    }
    const std::string sum = money(total, 4);
    return result(Obj()
                      .str("eb", sum)
                      .str("tb", sum)
                      .str("m", "0.0000")
                      .str("uv", "0.0000")
                      .str("n", "0.0000")
                      .str("c", "0.0000")
                      .str("v", "0.0000")
                      .str("e", sum)
                      .str("mf", sum)
                      .text());
  }
  if (call == "Ledgers") return ledgers(account, form);
  if (call == "QueryLedgers") return query_ids(account, form.get("id"), false);
  if (call == "QueryTrades") return query_ids(account, form.get("txid"), true);
  if (call == "TradesHistory") return trades_history(account, form);
  if (call == "OpenPositions") return result("{}");
  if (call == "OpenOrders") return result(Obj().raw("open", "{}").text());
  if (call == "ClosedOrders") return result(Obj().raw("closed", "{}").num("count", 0).text());
  const bool writes = call == "AddOrder" || call == "CancelOrder" || call == "CancelAll" ||
                      call == "Withdraw" || call == "WalletTransfer";
  return error(writes ? "EGeneral:Permission denied" : "EGeneral:Unknown method");
}

Response KrakenSpot::ledgers(std::size_t account, const Params& form) const {
  const std::string type = form.get("type", "all"), asset = form.get("asset", "all"),
                    start = form.get("start"), end = form.get("end");
  const std::vector<LedgerRow>& rows = books_[account].ledger;
  // start is exclusive, end inclusive; both are seconds or a ledger id, which stands for its time.
  const auto bound = [&](const std::string& text, std::int64_t otherwise) {
    if (text.empty()) return otherwise;
    for (const LedgerRow& row : rows) {
      if (row.id == text) return row.time_us;
    }
    return seconds_as_us(text).value_or(otherwise);
  };
  const std::int64_t after = bound(start, -1), until = bound(end, 1LL << 62);
  std::vector<const LedgerRow*> found;
  for (const LedgerRow& row : rows) {
    const bool asset_fits = asset == "all" || row.asset == asset || kraken_asset(asset) == row.asset;
    if ((type == "all" || row.type == type) && asset_fits && row.time_us > after && row.time_us <= until &&
        row.time_us / 1000 + ledger_delay_ms_ <= world_.wall_ms()) {
      found.push_back(&row);
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const LedgerRow* a, const LedgerRow* b) { return a->time_us > b->time_us; });
  const auto offset = static_cast<std::size_t>(form.number("ofs", 0, 0, 1 << 30));
  Obj page;
  for (std::size_t i = offset; i < std::min(found.size(), offset + kPage); ++i)
    page.raw(found[i]->id, ledger_json(*found[i]));
  Obj body;
  body.raw("ledger", page.text());
  if (form.get("without_count") != "true") body.num("count", static_cast<std::int64_t>(found.size()));
  return result(body.text());
}

Response KrakenSpot::query_ids(std::size_t account, const std::string& ids, bool of_trades) const {
  Obj list;
  const std::string padded = "," + ids + ",";
  if (of_trades) {
    for (const Trade& t : books_[account].trades) {
      if (padded.find("," + t.id + ",") != std::string::npos) list.raw(t.id, trade_json(t, false));
    }
  } else {
    for (const LedgerRow& row : books_[account].ledger) {
      if (padded.find("," + row.id + ",") != std::string::npos) list.raw(row.id, ledger_json(row));
    }
  }
  return result(list.text());
}

Response KrakenSpot::trades_history(std::size_t account, const Params& form) const {
  std::vector<const Trade*> found;
  const std::int64_t after = seconds_as_us(form.get("start")).value_or(-1),
                     until = seconds_as_us(form.get("end")).value_or(1LL << 62);
  for (const Trade& t : books_[account].trades) {
    if (t.time_us > after && t.time_us <= until) found.push_back(&t);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Trade* a, const Trade* b) { return a->time_us > b->time_us; });
  const auto offset = static_cast<std::size_t>(form.number("ofs", 0, 0, 1 << 30));
  Obj page;
  for (std::size_t i = offset; i < std::min(found.size(), offset + kPage); ++i)
    page.raw(found[i]->id, trade_json(*found[i], false));
  return result(
      Obj().raw("trades", page.text()).num("count", static_cast<std::int64_t>(found.size())).text());
}

}  // namespace anduin::sim

#include "instruments.hpp"

#include <algorithm>
#include <array>

namespace anduin::kraken {
namespace {

struct Rename {
  std::string_view from, to;
};
/// Codes that Kraken spells in its own way; newer assets carry no prefix.
constexpr std::array kRenames{
    Rename{"XBT", "BTC"},  Rename{"XDG", "DOGE"}, Rename{"XXBT", "BTC"}, Rename{"XXDG", "DOGE"}, Rename{"XETH", "ETH"},
    Rename{"XETC", "ETC"}, Rename{"XLTC", "LTC"}, Rename{"XMLN", "MLN"}, Rename{"XREP", "REP"},  Rename{"XXLM", "XLM"},
    Rename{"XXMR", "XMR"}, Rename{"XXRP", "XRP"}, Rename{"XZEC", "ZEC"}, Rename{"ZUSD", "USD"},  Rename{"ZEUR", "EUR"},
    Rename{"ZGBP", "GBP"}, Rename{"ZCAD", "CAD"}, Rename{"ZJPY", "JPY"}, Rename{"ZAUD", "AUD"},  Rename{"ZKRW", "KRW"},
};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

void add_alias(InstrumentRow& row, std::string_view alias) {
  if (alias.empty() || alias == row.native) return;
  if (!row.aliases.empty()) row.aliases += '\n';
  row.aliases += alias;
}

/// 10^-decimals: what `pair_decimals` says where the row has no `tick_size`.
std::optional<Decimal> step_of(const json::View& tick_size, const json::View& decimals) {
  if (auto tick = tick_size.dec_or_none()) return tick;
  if (const auto n = decimals.i64_or_none(); n && *n >= 0 && *n < 30) return Decimal(1, -static_cast<std::int32_t>(*n));
  return std::nullopt;
}

bool has_upper_case(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}
bool has_lower_case(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

/// Tokenised products carry a lower-case letter inside a mixed-case name (PF_AAPLxUSD).
bool is_tokenised(std::string_view listed) {
  return has_upper_case(listed) && has_lower_case(listed);
}

}  // namespace

std::string currency_code(std::string_view code) {
  std::string out(code);
  std::transform(out.begin(), out.end(), out.begin(), upper);
  for (const Rename& r : kRenames) {
    if (out == r.from) return std::string(r.to);
  }
  return out;
}

std::string readable_name(std::string_view wsname) {
  const std::size_t slash = wsname.find('/');
  if (slash == std::string_view::npos) return std::string(wsname);
  const auto side = [](std::string_view code) {
    if (code == "XBT") return std::string("BTC");
    if (code == "XDG") return std::string("DOGE");
    return std::string(code);
  };
  return side(wsname.substr(0, slash)) + "/" + side(wsname.substr(slash + 1));
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

InstrumentRow spot_row(std::string_view key, const json::View& row, Dialect dialect) {
  const auto [altname, wsname, base, quote, tick, decimals] =
      row.get<"altname", "wsname", "base", "quote", "tick_size", "pair_decimals">();
  if (!row.is_object() || (!base && !wsname)) throw BadFrame("a row without base or wsname");
  InstrumentRow out;
  out.market = "spot";
  out.kind = AND_KIND_SPOT;
  const std::string ws = wsname.text();
  const std::size_t slash = ws.find('/');
  if (slash == std::string::npos) {
    // Dark pools (XXBTZEUR.d) have no socket name and are no market of their own.
    out.native = altname ? altname.text() : std::string(key);
    out.base = base.text();
    out.quote = quote.text();
    out.flags = AND_INSTRUMENT_NO_CANONICAL;
  } else {
    const std::string readable = readable_name(ws);
    out.native = dialect == Dialect::kV2 ? readable : ws;
    out.base = ws.substr(0, slash);
    out.quote = ws.substr(slash + 1);
    add_alias(out, readable);
    add_alias(out, ws);
    // A mixed-case code is a tokenised asset (AAPLx).
    if (has_lower_case(ws))
      out.flags = AND_INSTRUMENT_NO_CANONICAL;
  }
  add_alias(out, key);
  add_alias(out, altname.text());
  out.settle = out.quote;
  out.contract_size = Decimal(1);
  out.tick = step_of(tick, decimals);
  return out;
}

std::optional<InstrumentRow> futures_row(const json::View& row) {
  const auto [symbol, type, tick, size, last_trading, base, quote] =
      row.get<"symbol", "type", "tickSize", "contractSize", "lastTradingTime", "base", "quote">();
  if (!symbol || symbol.str().empty()) throw BadFrame("a row without symbol");
  if (!type || type.str().empty()) throw BadFrame(symbol.text() + ": a row without type");
  const bool inverse = type == "futures_inverse";
  if (!inverse && type != "flexible_futures" && type != "futures_vanilla") return std::nullopt;

  InstrumentRow out;
  const std::string listed = symbol.text();
  // The 2021 list is in lower case while the socket answers in upper case; a mixed-case name stands as listed.
  out.native = listed;
  if (!has_upper_case(listed)) std::transform(out.native.begin(), out.native.end(), out.native.begin(), upper);
  out.market = "futures";
  out.base = base.text();
  out.quote = quote.text();
  out.settle = inverse ? out.base : out.quote;  // pnl: inverse in the coin, linear in dollars
  out.contract_size = size.dec_or_none().value_or(Decimal(1));
  out.tick = tick.dec_or_none();
  add_alias(out, lower_case(listed));  // account-log spells contracts in lower case
  const bool dated = static_cast<bool>(last_trading) || out.native.starts_with("FI_") || out.native.starts_with("FF_");
  if (inverse) {
    out.kind = dated ? AND_KIND_INVERSE_DATED : AND_KIND_INVERSE_PERPETUAL;
    out.flags = dated ? AND_INSTRUMENT_NO_CANONICAL : AND_INSTRUMENT_SECOND;
  } else {
    out.kind = dated ? AND_KIND_LINEAR_DATED : AND_KIND_LINEAR_PERPETUAL;
    if (dated || is_tokenised(listed)) out.flags = AND_INSTRUMENT_NO_CANONICAL;
  }
  return out;
}

}  // namespace anduin::kraken

#include "market/symbols.hpp"

#include <algorithm>
#include <array>
#include <mutex>

#include "base/nearest.hpp"

namespace anduin::market {
namespace {

struct Rename {
  std::string_view from, to;
};
/// Old codes that every venue means alike.
constexpr std::array kRenames{Rename{"XBT", "BTC"}, Rename{"XDG", "DOGE"}};
/// Kraken's prefixed codes, as its REST answers spell them. Whole codes: XTZ and ZEC carry no prefix.
constexpr std::array kKrakenRenames{
    Rename{"XXBT", "BTC"}, Rename{"XXDG", "DOGE"}, Rename{"XETH", "ETH"}, Rename{"XETC", "ETC"},
    Rename{"XLTC", "LTC"}, Rename{"XMLN", "MLN"},  Rename{"XREP", "REP"}, Rename{"XXLM", "XLM"},
    Rename{"XXMR", "XMR"}, Rename{"XXRP", "XRP"},  Rename{"XZEC", "ZEC"}, Rename{"ZUSD", "USD"},
    Rename{"ZEUR", "EUR"}, Rename{"ZGBP", "GBP"},  Rename{"ZCAD", "CAD"}, Rename{"ZJPY", "JPY"},
    Rename{"ZAUD", "AUD"},
};

/// Longest currency code that can be part of a canonical name; real ones have up to 12 characters.
constexpr std::size_t kCodeSizeMax = 20;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_plain_code(std::string_view code) {
  if (code.size() < 2 || code.size() > kCodeSizeMax) return false;
  return std::all_of(code.begin(), code.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

/// "1000PEPE", "SHIB1000", "1MBABYDOGE": prices and sizes are for many coins at once, so that BASE alone
/// would lie.
bool is_lot_of(std::string_view base) {
  const auto power_of_ten = [](std::string_view digits) {
    return digits.size() >= 4 && digits.front() == '1' &&
           digits.find_first_not_of('0', 1) == std::string_view::npos;
  };
  const std::size_t head = std::min(base.find_first_not_of("0123456789"), base.size());
  if (power_of_ten(base.substr(0, head))) return true;
  if (base.substr(0, 2) == "1M" && base.size() >= 5) return true;
  const std::size_t last_letter = base.find_last_not_of("0123456789");
  return last_letter != std::string_view::npos && power_of_ten(base.substr(last_letter + 1));
}

bool qualifies(InstrumentKind kind) {
  return kind == InstrumentKind::kSpot || kind == InstrumentKind::kLinearPerpetual ||
         kind == InstrumentKind::kInversePerpetual;
}

/// "" = not said before or now, which contradicts nothing.
bool same_or_unsaid(const std::string& a, const std::string& b) { return a.empty() || b.empty() || a == b; }

/// What of an instrument's identity a refreshed row contradicts; "" when nothing does.
std::string contradiction(const Instrument& known, const Instrument& row) {
  const auto differs = [](const char* what, const std::string& was, const std::string& is) {
    return std::string(what) + " was " + was + " and is now " + is;
  };
  if (!same_or_unsaid(known.base, row.base)) return differs("base", known.base, row.base);
  if (!same_or_unsaid(known.quote, row.quote)) return differs("quote", known.quote, row.quote);
  if (!same_or_unsaid(known.settle, row.settle))
    return differs("settle currency", known.settle, row.settle);
  if (known.kind != row.kind && known.kind != InstrumentKind::kUnknown &&
      row.kind != InstrumentKind::kUnknown) {
    return differs("kind", to_string(known.kind), to_string(row.kind));
  }
  if (known.contract_size != row.contract_size) {
    return differs("contract size", known.contract_size.to_string(), row.contract_size.to_string());
  }
  return "";
}

bool equal(const Instrument& a, const Instrument& b) {
  return a.canonical == b.canonical && a.base == b.base && a.quote == b.quote && a.settle == b.settle &&
         a.kind == b.kind && a.contract_size == b.contract_size && a.tick == b.tick &&
         a.pnl_split_over_time == b.pnl_split_over_time;
}

void complete(std::string& known, const std::string& said) {
  if (known.empty()) known = said;
}

void make_canonical(Instrument& row) {
  row.base = canonical_currency(row.base, row.venue);
  row.quote = canonical_currency(row.quote, row.venue);
  row.settle = canonical_currency(row.settle, row.venue);
  if (row.canonical.empty() && !row.no_canonical && !row.base.empty() && !row.quote.empty()) {
    row.canonical = canonical_symbol(row.base, row.quote, row.kind).value_or("");
  }
}

template <class Map>
void insert_once(Map& map, const std::string& key, const std::string& value) {
  const auto [from, to] = map.equal_range(key);
  if (std::none_of(from, to, [&](const auto& entry) { return entry.second == value; }))
    map.emplace(key, value);
}

Error bad(std::string_view venue, std::string_view where, std::string text) {
  return Error{ErrorKind::kBadRequest, std::string(where), std::move(text), std::string(venue)};
}

}  // namespace

std::string_view canonical_currency(std::string_view code, std::string_view venue) {
  for (const Rename& r : kRenames) {
    if (code == r.from) return r.to;
  }
  if (venue == "Kraken") {
    for (const Rename& r : kKrakenRenames) {
      if (code == r.from) return r.to;
    }
  }
  return code;
}

std::optional<std::string> canonical_symbol(std::string_view base, std::string_view quote,
                                            InstrumentKind kind) {
  base = canonical_currency(base);
  quote = canonical_currency(quote);
  if (!qualifies(kind) || !is_plain_code(base) || !is_plain_code(quote) || is_lot_of(base))
    return std::nullopt;
  return std::string(base) + std::string(quote);
}

const Instruments::Row* Instruments::find_row(const Market& market, std::string_view name) {
  if (const auto exact = market.by_native.find(name); exact != market.by_native.end())
    return &exact->second;
  if (const auto alias = market.alias_to_native.find(name); alias != market.alias_to_native.end()) {
    return &market.by_native.find(alias->second)->second;
  }
  const auto [from, to] = market.lower_to_native.equal_range(lower(name));
  if (from == to || std::any_of(from, to, [&](const auto& e) { return e.second != from->second; }))
    return nullptr;
  return &market.by_native.find(from->second)->second;
}

const Instruments::Row* Instruments::find_canonical(const Market& market, std::string_view canonical) {
  const Row* best = nullptr;
  const auto [from, to] = market.canonical_to_native.equal_range(canonical);
  for (auto it = from; it != to; ++it) {
    const Row& row = market.by_native.find(it->second)->second;
    // Where a market has linear perpetuals, its inverse ones are reached through `symbols:` only (Kraken
    // PI_).
    if (row.instrument->kind == InstrumentKind::kInversePerpetual && market.has_linear_perpetuals) continue;
    if (best == nullptr) best = &row;
  }
  return best;
}

void Instruments::index(Market& market, const Instrument& row, const std::vector<std::string>& aliases) {
  insert_once(market.lower_to_native, lower(row.native), row.native);
  for (const std::string& alias : aliases) {
    // The first owner of a spelling keeps it; two owners in different case stay apart by exact match.
    if (alias.empty() || alias == row.native) continue;
    market.alias_to_native.emplace(alias, row.native);
    insert_once(market.lower_to_native, lower(alias), row.native);
  }
  if (!row.canonical.empty()) insert_once(market.canonical_to_native, row.canonical, row.native);
  if (row.kind == InstrumentKind::kLinearPerpetual) market.has_linear_perpetuals = true;
}

Registered Instruments::refresh(Market& market, Row& known, Instrument row,
                                const std::vector<std::string>& aliases) {
  if (const std::string what = contradiction(*known.instrument, row); !what.empty()) {
    known.frozen_because = row.native + ": " + what + " in the venue's instrument list";
    return Registered::kFrozen;
  }
  Instrument merged = *known.instrument;
  complete(merged.base, row.base);
  complete(merged.quote, row.quote);
  complete(merged.settle, row.settle);
  complete(merged.canonical, row.canonical);
  if (merged.kind == InstrumentKind::kUnknown) merged.kind = row.kind;
  if (!row.tick.is_zero()) merged.tick = row.tick;
  merged.pnl_split_over_time = merged.pnl_split_over_time || row.pnl_split_over_time;
  make_canonical(merged);
  if (!known.frozen_because.empty()) return Registered::kFrozen;
  const bool changed = !equal(merged, *known.instrument);
  if (changed) known.instrument = std::make_shared<const Instrument>(std::move(merged));
  index(market, *known.instrument, aliases);
  return changed ? Registered::kCompleted : Registered::kUnchanged;
}

Result<Registered> Instruments::add(Instrument row, const std::vector<std::string>& aliases,
                                    std::optional<std::uint64_t> venue_id) {
  if (row.venue.empty() || row.native.empty()) {
    return bad(row.venue, row.native, "an instrument needs a venue and the venue's own name");
  }
  make_canonical(row);
  const std::unique_lock lock(mutex_);
  Market& market = venues_[row.venue][row.market];
  if (venue_id) {
    const auto [bound, fresh] = market.id_to_native.emplace(*venue_id, row.native);
    if (!fresh && bound->second != row.native) {
      const std::string why =
          "id " + std::to_string(*venue_id) + " was " + bound->second + " and is now " + row.native;
      if (const auto old = market.by_native.find(bound->second); old != market.by_native.end()) {
        old->second.frozen_because = why;
      }
      const std::string native = row.native;
      index(market, row, aliases);
      Row& entry = market.by_native[native];
      if (entry.instrument == nullptr)
        entry.instrument = std::make_shared<const Instrument>(std::move(row));
      entry.frozen_because = why;
      return Registered::kFrozen;
    }
  }
  if (const auto known = market.by_native.find(row.native); known != market.by_native.end()) {
    return refresh(market, known->second, std::move(row), aliases);
  }
  index(market, row, aliases);
  std::string native = row.native;
  market.by_native.emplace(std::move(native), Row{std::make_shared<const Instrument>(std::move(row)), ""});
  return Registered::kNew;
}

void Instruments::set_override(std::string_view canonical, std::string_view venue,
                               std::string_view venue_name) {
  const std::unique_lock lock(mutex_);
  overrides_[{std::string(venue), std::string(canonical)}] = venue_name;
}

Instruments::Ptr Instruments::find(std::string_view venue, std::string_view market,
                                   std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto v = venues_.find(venue);
  if (v == venues_.end()) return nullptr;
  const auto m = v->second.find(market);
  if (m == v->second.end()) return nullptr;
  const Row* row = find_row(m->second, name);
  return row == nullptr ? nullptr : row->instrument;
}

std::string Instruments::unknown_text(std::string_view wanted, const Markets& markets,
                                      const std::vector<std::string>& allowed) const {
  std::vector<std::string> known;
  std::string elsewhere;
  for (const auto& [name, market] : markets) {
    const bool in = allowed.empty() || std::find(allowed.begin(), allowed.end(), name) != allowed.end();
    if (!in) {
      if (find_canonical(market, wanted) != nullptr || find_row(market, wanted) != nullptr)
        elsewhere = name;
      continue;
    }
    for (const auto& [canonical, native] : market.canonical_to_native) known.push_back(canonical);
    for (const auto& [native, row] : market.by_native) known.push_back(native);
    for (const auto& [alias, native] : market.alias_to_native) known.push_back(alias);
  }
  std::string text = "no instrument is called '" + std::string(wanted) + "'";
  if (!elsewhere.empty()) return text + " in this market; market '" + elsewhere + "' has it";
  const std::string hint = nearest(wanted, known);
  return hint.empty() ? text : text + "; did you mean '" + hint + "'?";
}

Result<Instruments::Ptr> Instruments::resolve(std::string_view venue,
                                              const std::vector<std::string>& markets,
                                              std::string_view wanted) const {
  const std::shared_lock lock(mutex_);
  const auto v = venues_.find(venue);
  if (v == venues_.end()) return bad(venue, wanted, "the venue has given no instrument list yet");
  const auto over = overrides_.find({std::string(venue), std::string(wanted)});
  const std::string_view name = over == overrides_.end() ? wanted : std::string_view(over->second);

  const Row* found = nullptr;
  for (const auto& [market_name, market] : v->second) {
    if (!markets.empty() && std::find(markets.begin(), markets.end(), market_name) == markets.end())
      continue;
    const Row* here = over == overrides_.end() ? find_canonical(market, name) : nullptr;
    if (here == nullptr) here = find_row(market, name);
    if (here == nullptr) continue;
    if (found != nullptr) {
      return bad(venue, wanted,
                 "both " + found->instrument->market + " (" + found->instrument->native + ") and " +
                     market_name + " (" + here->instrument->native +
                     ") have it: list one market, or name the instrument under symbols:");
    }
    found = here;
  }
  if (found == nullptr) return bad(venue, wanted, unknown_text(name, v->second, markets));
  if (!found->frozen_because.empty()) return bad(venue, wanted, "frozen: " + found->frozen_because);
  if (over == overrides_.end() || found->instrument->canonical == wanted) return found->instrument;
  auto named = std::make_shared<Instrument>(*found->instrument);
  named->canonical = wanted;
  return Ptr(std::move(named));
}

std::string Instruments::frozen(std::string_view venue, std::string_view market,
                                std::string_view native) const {
  const std::shared_lock lock(mutex_);
  const auto v = venues_.find(venue);
  if (v == venues_.end()) return "";
  const auto m = v->second.find(market);
  if (m == v->second.end()) return "";
  const Row* row = find_row(m->second, native);
  return row == nullptr ? "" : row->frozen_because;
}

std::vector<Instruments::Ptr> Instruments::list(std::string_view venue) const {
  const std::shared_lock lock(mutex_);
  std::vector<Ptr> out;
  for (const auto& [name, markets] : venues_) {
    if (!venue.empty() && name != venue) continue;
    for (const auto& [market_name, market] : markets) {
      for (const auto& [native, row] : market.by_native) out.push_back(row.instrument);
    }
  }
  return out;
}

}  // namespace anduin::market

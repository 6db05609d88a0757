// The options of one trading account, as the operator wrote them.
// Thread: one instance's. Lifetime: a value.
#pragma once
#include <cstdint>
#include <string>

#include "anduin/plugin.hpp"
#include "symbols.hpp"

namespace anduin::metatrader {

struct AccountSettings {
  explicit AccountSettings(const venue::Options& o)
      : ref(o.text("ref")),
        login(o.text("login")),
        server(o.text("server")),
        currency(o.text("currency")),
        legacy_ids(o.text("legacy_ids") == "true"),
        max_age_days(o.integer("max_age_days")),
        tolerance(Decimal::of(o.text("pnl_tolerance"))),
        tolerance_percent(o.integer("pnl_tolerance_percent")),
        rescan_s(o.integer("rescan_s")),
        symbols(o.list("canonical"), o.list("symbol_map")) {}

  std::string ref, login;  ///< empty in a replay only (the pipeline file must say them): then any one is taken
  std::string server, currency;
  bool legacy_ids;
  std::int64_t max_age_days;
  Decimal tolerance;               ///< in the deposit currency
  std::int64_t tolerance_percent;  ///< of what prices and size give
  std::int64_t rescan_s;
  Symbols symbols;
};

/// US cents are dollars here: the currency's name and the figure, divided.
inline std::string deposit_currency(const std::string& code) { return code == "USC" ? "USD" : code; }
inline Decimal deposit_amount(const Decimal& amount, const std::string& code) {
  return code == "USC" ? (amount * Decimal(1, -2)).normalized() : amount;
}

}  // namespace anduin::metatrader

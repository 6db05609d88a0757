// The products of OKX as the option `market` names them. Swaps of both kinds share sockets and lists (instType SWAP);
// spot has a list of its own. Plain values and pure functions; any thread.
#pragma once
#include <string_view>

#include "anduin/plugin.hpp"

namespace anduin::okx {

inline constexpr std::string_view kLinear = "linear", kInverse = "inverse", kSpot = "spot";

struct Markets {
  bool linear = false, inverse = false, spot = false;
  [[nodiscard]] bool swaps() const { return linear || inverse; }
  [[nodiscard]] bool has(std::string_view market) const {
    return (market == kLinear && linear) || (market == kInverse && inverse) || (market == kSpot && spot);
  }
};

/// The option `market`. Throws BadOption.
inline Markets chosen_markets(const venue::Options& options) {
  Markets out;
  for (const std::string& name : options.list("market")) {
    if (name == kLinear)
      out.linear = true;
    else if (name == kInverse)
      out.inverse = true;
    else if (name == kSpot)
      out.spot = true;
    else
      throw BadOption("/market", "'" + name + "' is not linear, inverse or spot");
  }
  if (!out.swaps() && !out.spot) throw BadOption("/market", "name at least one of linear, inverse, spot");
  return out;
}

/// The header of demo trading; it is not signed. An answer of the other environment has other contract values.
inline std::string_view demo_header(const venue::Options& options) {
  return options.text("demo") == "yes" ? "x-simulated-trading: 1\n" : "";
}

[[nodiscard]] inline bool is_swap(std::string_view inst_id) { return inst_id.ends_with("-SWAP"); }

/// What an instId's spelling tells: BTC-USD-SWAP is inverse, BTC-USDT-SWAP linear, BTC-USDT spot.
[[nodiscard]] inline std::string_view market_of(std::string_view inst_id) {
  if (!is_swap(inst_id)) return kSpot;
  return inst_id.ends_with("-USD-SWAP") ? kInverse : kLinear;
}

}  // namespace anduin::okx

// Rows of the contract list as instrument descriptions: BASE-USDT swaps and nothing else.
// Pure functions and values, any thread. Texts point into the row or the object.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "anduin/plugin.hpp"

namespace anduin::htx {

inline constexpr std::string_view kMarket = "linear";

/// The coin of "BTC-USDT", in capitals. Nothing for delivery contracts (BTC-USDT-251103, BTC-USDT-CW) and for
/// coin-margined ones (BTC-USD).
[[nodiscard]] std::optional<std::string> swap_base(std::string_view contract);

/// One row. `info` points into the object, so it must not move.
struct InstrumentRow {
  explicit InstrumentRow(const json::View& row);  ///< BadFrame names the member that is missing
  InstrumentRow(const InstrumentRow&) = delete;
  InstrumentRow& operator=(const InstrumentRow&) = delete;

  bool is_swap = false;  ///< false: not served, the rest is empty
  std::string native, base;
  Decimal contract_size;
  venue::InstrumentInfo info;
};

}  // namespace anduin::htx

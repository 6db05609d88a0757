// Rows of GET /api/v3/market/instruments as instrument descriptions. Pure functions, any thread.
// Texts of a row point into the reply.
#pragma once
#include <string>
#include <string_view>

#include "products.hpp"

namespace anduin::bitget {

/// A spot pair and a contract can have one spelling: spot is told apart by this key.
[[nodiscard]] std::string instrument_key(const Product& product, std::string_view symbol);

/// One row of a product's list. The views of `info` point into the row and into this, so this must not move.
struct InstrumentRow {
  InstrumentRow(const json::View& row, const Product& product);  ///< BadFrame names the member that is not understood
  InstrumentRow(const InstrumentRow&) = delete;
  InstrumentRow& operator=(const InstrumentRow&) = delete;

  std::string key, alias;
  venue::InstrumentInfo info;
};

}  // namespace anduin::bitget

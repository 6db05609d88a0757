// Rows of GET /api/v5/public/instruments as instrument descriptions. Pure functions, any thread.
// Texts of a row point into the reply.
#pragma once
#include <string>
#include <string_view>

#include "markets.hpp"

namespace anduin::okx {

/// One row of the list. The views of `info` point into the row and into `base`, `quote`, so this must not move.
struct InstrumentRow {
  explicit InstrumentRow(const json::View& row);  ///< BadFrame names the member that is missing or not understood
  InstrumentRow(const InstrumentRow&) = delete;
  InstrumentRow& operator=(const InstrumentRow&) = delete;

  std::string base, quote;
  venue::InstrumentInfo info;
};

}  // namespace anduin::okx

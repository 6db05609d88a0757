// The book for auditors: one object, or one CSV line, tells of one close from the frame it came in to the block that
// settled it. Fields: docs/export.md. Thread: one caller at a time, with its reader.
#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "settle/ledger_query.hpp"

namespace anduin::settle {

/// Every settlement in row order, then every report, then every event of the vault that no row explains; `record` says
/// which. `token_decimals` is for the dust.
Result<void> export_book(LedgerReader& reader, unsigned token_decimals, const std::function<void(const nlohmann::json&)>& row);

/// The columns of the CSV, in order, and one line of it (RFC 4180), both without the line end.
std::string csv_header();
std::string csv_line(const nlohmann::json& row);

}  // namespace anduin::settle

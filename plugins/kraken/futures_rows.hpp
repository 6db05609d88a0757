// Rows of the Kraken Futures account log, their pairing into closes, and position events as a second source.
// Pure values; Pairing belongs to one instance.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "anduin/plugin.hpp"

namespace anduin::kraken {

/// One row of the log. Every execution writes two: of the currency ("cash") and of the contract ("position").
struct LogRow {
  std::int64_t id = 0, date_ms = 0;
  std::string asset, info, execution;
  std::optional<Decimal> old_balance, new_balance, old_entry, trade_price, pnl, fee, liquidation_fee, funding;
  std::string pnl_raw;

  /// Contracts are spelled pf_xbtusd, currencies xbt.
  [[nodiscard]] bool is_position() const { return asset.size() > 3 && asset[2] == '_'; }
  /// The position got smaller, ended, or changed sides.
  [[nodiscard]] bool reduces() const;
};

/// Throws BadFrame for a row without id, date or asset, or with a figure that is no number.
LogRow read_log_row(const json::View& row);

/// A close as it is reported; owns its texts.
struct FuturesClose {
  std::string id, symbol, currency, pnl_raw, hold;
  bool is_long = true;
  std::int64_t closed_ms = 0;
  std::optional<Decimal> entry, exit;
  Decimal size, pnl, fee;

  [[nodiscard]] venue::ClosedPosition record(std::uint32_t origin) const;
};

/// One element of GET /api/history/v3/positions; nothing when it closes nothing. Throws BadFrame.
std::optional<FuturesClose> close_of_event(const json::View& element);

/// Brings the two rows of each execution together, in whatever order they come.
class Pairing {
 public:
  struct Half {
    std::optional<LogRow> position, cash;
    std::int64_t since_ms = 0;  ///< when the first of the two came
    [[nodiscard]] std::int64_t id() const { return position ? position->id : cash->id; }
    [[nodiscard]] std::int64_t date_ms() const { return position ? position->date_ms : cash->date_ms; }
  };
  struct Outcome {
    std::optional<FuturesClose> close;
    std::string problem;  ///< a reduction that cannot be reported, and why
  };

  Outcome add(LogRow row, std::int64_t now_ms);
  [[nodiscard]] const std::map<std::string, Half>& halves() const { return halves_; }
  /// The execution is dealt with: later rows of it change nothing.
  void finish(const std::string& execution);
  [[nodiscard]] bool knows(const std::string& execution) const {
    return halves_.contains(execution) || finished_.contains(execution);
  }
  /// The smallest row id that still waits for its other half.
  [[nodiscard]] std::optional<std::int64_t> oldest_waiting() const;
  void clear();

 private:
  std::map<std::string, Half> halves_;
  std::unordered_set<std::string> finished_;
  std::deque<std::string> finished_order_;
};

}  // namespace anduin::kraken

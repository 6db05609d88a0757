// The three books of a round of the kill loop, compared close by close and unit by unit. One thread; the stage outlives
// the calls.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace anduin::e2e {

class Stage;

struct KillBooks {
  std::uint64_t injected = 0, settled = 0, no_action = 0, events = 0, lost = 0, duplicate = 0, audit_rows = 0, kills = 0,
                reorgs = 0, blocks = 0;
  std::string units = "0";  ///< token units that the vault moved, credits minus seizures
  double seconds = 0;
  std::vector<std::string> problems;  ///< each a sentence; empty when the books agree
  [[nodiscard]] bool good() const { return problems.empty() && lost == 0 && duplicate == 0; }
  [[nodiscard]] std::string line() const;
  void add(const KillBooks& other);
};

/// Every close has a row, and nothing waits any more.
bool is_drained(Stage& stage, std::uint64_t closes);

/// The simulator's log, the ledger file and the vault's events. What a close must move is computed here, from the
/// simulator's own figures: trunc(|pnl - fee| * 10^6), refId = keccak256("Bybit:" + id).
KillBooks read_kill_books(Stage& stage);

}  // namespace anduin::e2e

// A trading venue by script: closes happen over time on several accounts, are told live to who listens, and stand in a
// history that is read page by page from a watermark. Every close knows what the vault must show of it in the end.
// One thread; plain values.
#pragma once
#include <string>
#include <vector>

#include "base/random.hpp"
#include "chain/vault.hpp"
#include "settle/ledger.hpp"

namespace anduin::simulation {

struct Account {
  const char* name;
  bool capped;  ///< seizures take what is there
  bool poor;    ///< the vault refuses its seizures while the storm lasts
};
inline constexpr Account kAccounts[] = {{"alice", false, false}, {"bob", true, false}, {"carol", false, true}};

/// A close as the venue has it, and what must come of it.
struct Expected {
  ClosedPosition close;
  std::size_t account = 0;  ///< index into kAccounts
  chain::VaultItem item;    ///< amount 0: no action
  bool held = false, approve = false;
  std::vector<chain::U256> wrong;  ///< amounts that a rival has settled it with, in vain or not
};

class ScriptedVenue {
 public:
  static constexpr std::size_t kPage = 3;

  /// `user` of each account, by index.
  ScriptedVenue(std::uint64_t seed, SeededRandom& dice, std::int64_t now_ms, const std::vector<chain::Address>& users);

  [[nodiscard]] std::vector<Expected>& closes() { return closes_; }
  /// One more close happens: its index, or nothing when all have.
  std::optional<std::size_t> happen();
  [[nodiscard]] bool all_happened() const { return happened_ == closes_.size(); }
  /// What has happened on an account from its `from`-th close on, oldest first; at most a page.
  [[nodiscard]] std::vector<ClosedPosition> history(std::size_t account, std::size_t from) const;
  /// The watermark behind the account's `count`-th close, and back.
  static settle::Watermark watermark(std::size_t count) { return {{static_cast<std::uint8_t>(count)}, 1}; }
  static std::size_t position(const std::optional<settle::Watermark>& mark) {
    return mark && !mark->cursor.empty() ? mark->cursor.front() : 0;
  }
  /// One that has happened, by chance; nothing when none has.
  Expected* any(SeededRandom& dice);

 private:
  std::vector<Expected> closes_;  ///< in the order in which they happen
  std::size_t happened_ = 0;
};

}  // namespace anduin::simulation

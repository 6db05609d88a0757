#include "settle/batch_logic.hpp"

#include <algorithm>

namespace anduin::settle {
namespace {

constexpr std::uint64_t kGasNumerator = 12, kGasDenominator = 10;

}  // namespace

std::uint64_t gas_limit_for(std::uint64_t estimate) { return estimate * kGasNumerator / kGasDenominator; }

std::size_t fitting(std::size_t count, std::uint64_t limit, std::uint64_t limit_max) {
  if (limit <= limit_max || count == 0) return count;
  // Per item plus what a transaction costs at all, so this errs towards fewer; one less for the rounding.
  const std::uint64_t fit = count * limit_max / limit;
  return fit > 1 ? static_cast<std::size_t>(fit - 1) : 1;
}

Result<Culprit> find_culprit(std::size_t good, std::size_t size, chain::VaultRevert why, const Trial& trial) {
  std::size_t passes = good, fails = size;
  while (fails - passes > 1) {
    const std::size_t middle = passes + (fails - passes) / 2;
    auto tried = trial(middle);
    if (!tried) return tried.error();
    if (*tried) {
      fails = middle;
      why = std::move(**tried);
    } else {
      passes = middle;
    }
  }
  return Culprit{fails - 1, std::move(why)};
}

void drop_account(std::vector<QueuedItem>& items, std::size_t from, const AccountKey& account) {
  const auto begin = items.begin() + static_cast<std::ptrdiff_t>(std::min(from, items.size()));
  items.erase(std::remove_if(begin, items.end(), [&](const QueuedItem& i) { return account_of(i) == account; }),
              items.end());
}

}  // namespace anduin::settle

#include "settle/gas_runway.hpp"

namespace anduin::settle {
namespace {

constexpr std::uint64_t kMinuteNs = 60'000'000'000, kHourMinutes = 60;
constexpr std::uint64_t kWindowNs = 24 * kHourMinutes * kMinuteNs;

}  // namespace

void GasRunway::note(std::uint64_t now_ns, const chain::U256& balance) {
  if (minutes_.empty() || now_ns >= minutes_.back().start_ns + kMinuteNs) minutes_.push_back({now_ns, 0});
  if (balance_ && balance < *balance_) minutes_.back().spent += *balance_ - balance;
  while (minutes_.front().start_ns + kWindowNs < now_ns) minutes_.pop_front();
  balance_ = balance;
  last_ns_ = now_ns;
}

std::optional<std::uint64_t> GasRunway::hours() const {
  if (minutes_.empty()) return std::nullopt;
  const std::uint64_t minutes = (last_ns_ - minutes_.front().start_ns) / kMinuteNs;
  if (minutes < kRunwayMeasuredMinutesMin) return std::nullopt;
  chain::U256 spent = 0;
  for (const Minute& m : minutes_) spent += m.spent;
  if (spent == 0) return std::nullopt;
  const chain::U256 hours = *balance_ * minutes / spent / kHourMinutes;
  return hours > UINT32_MAX ? std::uint64_t{UINT32_MAX} : static_cast<std::uint64_t>(hours);
}

}  // namespace anduin::settle

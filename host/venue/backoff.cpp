#include "venue/backoff.hpp"

#include <algorithm>

namespace anduin::venue {
namespace {
constexpr std::uint32_t kDoublingsMax =
    20;  // 1 ms doubled so often is over a quarter of an hour: past every cap
}

std::int64_t Backoff::next_ms() {
  if (open_) closed();
  const std::int64_t top =
      std::min(options_.first_ms << std::min(attempt_, kDoublingsMax), options_.max_ms);
  ++attempt_;
  if (attempt_ == 0) --attempt_;  // attempts are endless, their number is not
  const auto span = static_cast<std::uint64_t>(std::max<std::int64_t>(top - options_.floor_ms, 0)) + 1;
  return options_.floor_ms + static_cast<std::int64_t>(random_->below(span));
}

void Backoff::opened() {
  open_ = true;
  opened_mono_ns_ = clock_->mono_ns();
}

void Backoff::closed() {
  if (!open_) return;
  open_ = false;
  const std::uint64_t lived_ns = clock_->mono_ns() - opened_mono_ns_;
  if (lived_ns >= static_cast<std::uint64_t>(options_.alive_ms) * 1'000'000U) attempt_ = 0;
}

}  // namespace anduin::venue

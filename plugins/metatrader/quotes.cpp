#include "quotes.hpp"

#include "body.hpp"

namespace anduin::metatrader {
namespace {

constexpr std::size_t kEntriesMax = 64;
/// A tick older than the aggregator would use, and one further ahead than a clock strays.
constexpr std::int64_t kOldMsMax = 30'000, kAheadMsMax = 5'000;

}  // namespace

std::vector<std::string> Quotes::read(const json::View& body, const Symbols& symbols, std::int64_t now_ms,
                                      const Take& take) {
  const json::View list = body["prices"];
  if (!list.is_array()) throw Refused{400, "bad_field", "prices must be a list", "prices"};
  if (list.size() > kEntriesMax)
    throw Refused{400, "bad_field", "prices has more than " + std::to_string(kEntriesMax) + " entries", "prices"};
  std::vector<std::string> ignored;
  for (const json::View entry : list) {
    if (!entry.is_object()) throw Refused{400, "bad_field", "prices holds something else than objects", "prices"};
    const std::string native = maybe_text(entry, "symbol");
    const Decimal bid = need_decimal(entry, "bid"), ask = need_decimal(entry, "ask");
    const std::int64_t at = need_integer(entry, "timestamp");
    const auto canonical = symbols.find(native);
    const bool good = canonical && bid.sign() > 0 && ask >= bid && at >= now_ms - kOldMsMax && at <= now_ms + kAheadMsMax;
    if (!good) {
      ignored.push_back(native);
      continue;
    }
    std::int64_t& last = last_ms_[*canonical];
    if (at <= last) {
      ignored.push_back(native);
      continue;
    }
    last = at;
    take(*canonical, bid, ask, at);
  }
  return ignored;
}

}  // namespace anduin::metatrader

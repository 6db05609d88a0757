#include "sim/market.hpp"

#include <algorithm>
#include <utility>

namespace anduin::sim {
namespace {

constexpr std::int64_t kPpb = 1'000'000'000;
using Wide = Decimal::Mantissa;  // 128 bits: price x parts per billion does not fit in 64

/// Amplitude of the walk by time scale: a few ppm within a second, some permille within an hour.
struct Octave {
  std::int64_t period_ms, amplitude_ppb;
};
constexpr Octave kOctaves[] = {
    {250, 6'000}, {2'000, 20'000}, {20'000, 100'000}, {200'000, 400'000}, {3'600'000, 4'000'000}};
/// Venues disagree by up to this much.
constexpr std::int64_t kVenueNoisePpb = 15'000;
/// Dollar-pegged coins move a hundredth of the others.
constexpr std::int64_t kStableDamping = 100;

std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

std::uint64_t hash_text(std::string_view text) {
  std::uint64_t h = 1469598103934665603ULL;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return mix(h);
}

/// Value noise in [-1e6, 1e6], linear between lattice points of `period_ms`.
std::int64_t noise(std::uint64_t stream, std::int64_t t, std::int64_t period_ms) {
  const std::int64_t cell = t / period_ms, within = t % period_ms;
  const auto at = [&](std::int64_t i) {
    return static_cast<std::int64_t>(mix(stream ^ mix(static_cast<std::uint64_t>(i))) % 2'000'001) -
           1'000'000;
  };
  return at(cell) + (at(cell + 1) - at(cell)) * within / period_ms;
}

bool is_stable(std::string_view base) { return base == "USDT" || base == "USDC" || base == "USD"; }

std::int64_t default_anchor(std::string_view base) {
  static constexpr std::pair<std::string_view, std::int64_t> kKnown[] = {
      {"BTC", 9'700'000'000'000}, {"ETH", 350'000'000'000}, {"SOL", 19'000'000'000}, {"XRP", 220'000'000},
      {"LTC", 10'500'000'000},    {"DOGE", 32'000'000},     {"ADA", 78'000'000},     {"BCH", 44'000'000'000},
      {"1000PEPE", 1'190'000},    {"USDT", 100'000'000},    {"USDC", 100'000'000},   {"USD", 100'000'000},
      {"XAU", 265'000'000'000}};
  for (const auto& [name, price] : kKnown) {
    if (name == base) return price;
  }
  return 100'000'000 + static_cast<std::int64_t>(hash_text(base) % 10'000'000'000ULL);
}

std::int64_t scale_up(const Decimal& value, int decimals) {
  return std::stoll((value * Decimal(1, decimals)).truncated(0).to_string());
}

}  // namespace

std::vector<Level> level_changes(const std::vector<Level>& before, const std::vector<Level>& after) {
  std::vector<Level> out;
  for (const Level& level : before) {
    const bool stays =
        std::any_of(after.begin(), after.end(), [&](const Level& l) { return l.price == level.price; });
    if (!stays) out.push_back({level.price, 0});
  }
  for (const Level& level : after) {
    if (std::find(before.begin(), before.end(), level) == before.end()) out.push_back(level);
  }
  return out;
}

Market::Market(std::uint64_t seed, std::string venue) : seed_(mix(seed)), venue_hash_(hash_text(venue)) {}

std::int64_t Market::walk_ppb(std::string_view base, std::int64_t wall_ms) const {
  const std::uint64_t stream = seed_ ^ hash_text(base);
  Wide sum = 0;
  for (const auto& [period_ms, amplitude_ppb] : kOctaves) {
    sum += static_cast<Wide>(noise(stream + static_cast<std::uint64_t>(period_ms), wall_ms, period_ms)) *
           amplitude_ppb / 1'000'000;
  }
  sum += static_cast<Wide>(noise(stream ^ venue_hash_, wall_ms, 500)) * kVenueNoisePpb / 1'000'000;
  return static_cast<std::int64_t>(is_stable(base) ? sum / kStableDamping : sum);
}

std::int64_t Market::mid_e8(std::string_view base, std::int64_t wall_ms) const {
  const auto it = anchors_.find(base);
  const std::int64_t anchor = it != anchors_.end() ? it->second : default_anchor(base);
  return static_cast<std::int64_t>(static_cast<Wide>(anchor) * (kPpb + walk_ppb(base, wall_ms)) / kPpb);
}

void Market::set_mid(std::string_view base, std::int64_t mid_e8, std::int64_t wall_ms) {
  anchors_[std::string(base)] =
      static_cast<std::int64_t>(static_cast<Wide>(mid_e8) * kPpb / (kPpb + walk_ppb(base, wall_ms)));
}

Ladder Market::ladder(const SymbolSpec& spec, std::int64_t wall_ms, std::size_t depth,
                      std::int64_t pulse) const {
  // 10^-8 -> price units; price_decimals is at most 8 for everything listed.
  std::int64_t shift = 1;
  for (int i = spec.price_decimals; i < 8; ++i) shift *= 10;
  const std::int64_t mid = mid_e8(spec.base, wall_ms) / shift / spec.tick_units;
  std::int64_t best_bid = std::max<std::int64_t>(mid, 2) * spec.tick_units;
  std::int64_t best_ask = best_bid + spec.tick_units;
  bool has_bid = true, has_ask = true;
  if (const auto it = pins_.find(spec.native); it != pins_.end()) {
    has_bid = it->second.bid && it->second.bid->sign() > 0;
    has_ask = it->second.ask && it->second.ask->sign() > 0;
    if (has_bid) best_bid = scale_up(*it->second.bid, spec.price_decimals);
    if (has_ask) best_ask = scale_up(*it->second.ask, spec.price_decimals);
  }
  const bool still = pins_.count(spec.native) != 0;  // a pinned book does not breathe
  const auto qty = [&](std::int64_t price, bool best) {
    const std::uint64_t h = mix(seed_ ^ venue_hash_ ^ static_cast<std::uint64_t>(price));
    std::int64_t bucket = still ? 0 : (wall_ms + static_cast<std::int64_t>(h % 3000)) / 3000;
    if (best && !still) bucket += pulse << 20;
    return (1 + static_cast<std::int64_t>(mix(h ^ static_cast<std::uint64_t>(bucket)) % 5000)) *
           spec.qty_units;
  };
  Ladder ladder;
  for (std::size_t i = 0; i < depth; ++i) {
    const std::int64_t away = static_cast<std::int64_t>(i) * spec.tick_units;
    if (has_bid && best_bid - away > 0)
      ladder.bids.push_back({best_bid - away, qty(best_bid - away, i == 0)});
    if (has_ask) ladder.asks.push_back({best_ask + away, qty(best_ask + away, i == 0)});
  }
  return ladder;
}

Decimal Market::price(const SymbolSpec& spec, std::int64_t wall_ms) const {
  const Ladder top = ladder(spec, wall_ms, 1);
  const std::int64_t units = !top.bids.empty()   ? top.bids[0].price
                             : !top.asks.empty() ? top.asks[0].price
                                                 : 1;
  return Decimal(units, -spec.price_decimals);
}

}  // namespace anduin::sim

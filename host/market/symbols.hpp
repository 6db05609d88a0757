// Names of what is traded: canonical currency codes, canonical symbols ("BTCUSDT") and the registry of
// every venue's instruments with all their spellings. Thread: every function from any thread (one lock
// inside, never held over a call out). Lifetime: instruments are shared values and stay valid for whoever
// holds them.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/events.hpp"

namespace anduin::market {

/// BTC for XBT, DOGE for XDG, and for Kraken also its old prefixed codes (XXBT, ZUSD). By a table of whole
/// codes: XTZ, ZEC and XRP are real names. An unknown code comes back as it is.
std::string_view canonical_currency(std::string_view code, std::string_view venue = {});

/// base + quote for spot and perpetual instruments with plain upper-case codes. Nothing for dated ones, for
/// unknown kinds, for lots of a coin under an own name (1000PEPE), and for codes with other characters
/// (AAPLx).
std::optional<std::string> canonical_symbol(std::string_view base, std::string_view quote,
                                            InstrumentKind kind);

/// What a refresh of a venue's instrument list did with one row.
enum class Registered : std::uint8_t {
  kNew,
  kUnchanged,
  kCompleted,  ///< a field that was not said before, or a new tick: identity is as it was
  kFrozen,     ///< the row now names something else: not usable until a person looks (Instruments::frozen)
};

class Instruments {
 public:
  using Ptr = std::shared_ptr<const Instrument>;

  /// Registers or refreshes one row of a venue's instrument list. Currency codes are made canonical and an
  /// empty `canonical` is filled. `aliases` are further spellings of the same market ("XXBTZUSD",
  /// "XBTUSD"). `venue_id`: the venue's (or the plugin's) number for it, where there is one. A native name
  /// or an id that comes back with another base, quote, settle currency, kind or contract size freezes the
  /// instrument. Errors: kBadRequest for a row without venue or native name.
  Result<Registered> add(Instrument row, const std::vector<std::string>& aliases = {},
                         std::optional<std::uint64_t> venue_id = std::nullopt);

  /// The pipeline's `symbols:` entry: on this venue `canonical` means the instrument spelled `venue_name`,
  /// in any spelling and any market. Kept until the venue's list names it.
  void set_override(std::string_view canonical, std::string_view venue, std::string_view venue_name);

  /// By the venue's own name or an alias of it; letter case is ignored where that leaves one candidate.
  /// Null when unknown.
  [[nodiscard]] Ptr find(std::string_view venue, std::string_view market, std::string_view name) const;

  /// What `wanted` (canonical, native or an alias) means on this venue within these markets (empty = all of
  /// them). Where an override led to it, its `canonical` is what was wanted. Errors, kBadRequest: unknown
  /// name (with the nearest known one), two markets that both have it, a frozen one.
  [[nodiscard]] Result<Ptr> resolve(std::string_view venue, const std::vector<std::string>& markets,
                                    std::string_view wanted) const;

  /// Why an instrument is frozen, "" when it is not or is unknown. Its prices stay out, its closes are
  /// held.
  [[nodiscard]] std::string frozen(std::string_view venue, std::string_view market,
                                   std::string_view native) const;

  /// Every instrument of a venue (all venues for ""), ordered by venue, market, native name.
  [[nodiscard]] std::vector<Ptr> list(std::string_view venue = {}) const;

 private:
  struct Row {
    Ptr instrument;
    std::string frozen_because;
  };
  struct Market {
    std::map<std::string, Row, std::less<>> by_native;
    std::map<std::string, std::string, std::less<>> alias_to_native;
    /// natives and aliases in lower case
    std::multimap<std::string, std::string, std::less<>> lower_to_native;
    std::multimap<std::string, std::string, std::less<>> canonical_to_native;
    std::map<std::uint64_t, std::string> id_to_native;
    bool has_linear_perpetuals = false;
  };
  using Markets = std::map<std::string, Market, std::less<>>;

  static const Row* find_row(const Market& market, std::string_view name);
  static const Row* find_canonical(const Market& market, std::string_view canonical);
  static void index(Market& market, const Instrument& row, const std::vector<std::string>& aliases);
  static Registered refresh(Market& market, Row& known, Instrument row,
                            const std::vector<std::string>& aliases);
  [[nodiscard]] std::string unknown_text(std::string_view wanted, const Markets& markets,
                                         const std::vector<std::string>& allowed) const;

  mutable std::shared_mutex mutex_;
  std::map<std::string, Markets, std::less<>> venues_;
  /// (venue, canonical) -> venue's name
  std::map<std::pair<std::string, std::string>, std::string> overrides_;
};

}  // namespace anduin::market

// From a venue's figures to token units: currency rules, fees, exact arithmetic, truncation toward zero.
// Pure functions, any thread; a RateSource is called on the caller's thread and must be safe there.
// No binary floating point anywhere: units come out of Decimal only, and the double overloads are deleted.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/events.hpp"
#include "chain/vault.hpp"

namespace anduin::settle {

using chain::U256;

/// What a signed amount asks of the vault. No action: units are zero, nothing is sent.
struct Amount {
  std::optional<chain::Action> action;  ///< kCredit or kSeize; capping is the bridge's choice
  U256 units = 0;                       ///< token's smallest units, always a magnitude
  bool operator==(const Amount&) const = default;
};

/// units = trunc(|value| * 10^decimals); the action from the sign. kBadRequest when it does not fit
/// kUnitsMaxBits.
Result<Amount> amount_of(const Decimal& value, unsigned decimals);
Result<Amount> amount_of(double, unsigned) = delete;
Result<Amount> amount_of(float, unsigned) = delete;
/// The same from the venue's text. kBadRequest for anything that is not one decimal number.
Result<Amount> amount_from_text(std::string_view text, unsigned decimals);
/// Units back as a decimal with the token's scale, for people.
std::string units_text(const U256& units, unsigned decimals);

/// No real settlement comes near it (3.4e38 units); what does is a defect upstream and is held.
inline constexpr unsigned kUnitsMaxBits = 128;
/// A rate must stand at most this long before the close (design section 4).
inline constexpr std::int64_t kRateAgeMaxMs = 30'000;
/// A dollar stablecoin further from one dollar than this holds settlements: 1 %.
inline const Decimal kDepegBand{1, -2};
/// The close's own exit price against the aggregate of its base coin, when there is one. A tenth: fills of
/// illiquid contracts stray by some percent, a wrong unit or field is off by far more.
inline const Decimal kExitPriceBand{1, -1};

/// A price of a currency in US dollars.
struct Rate {
  Decimal usd;
  std::int64_t at_ms = 0;  ///< when it was true, ms since the epoch UTC
  std::string source;      ///< for the auditor: "aggregate BTCUSDT bid", "exit price"
};

/// Where dollar prices come from: the aggregator's journal. Implementations are safe from any thread.
class RateSource {
 public:
  virtual ~RateSource() = default;
  /// The last aggregated best bid of `currency` (canonical code) in USD at or before `at_ms`; nothing
  /// without one.
  [[nodiscard]] virtual std::optional<Rate> usd_price(std::string_view currency,
                                                      std::int64_t at_ms) const = 0;
  /// The same of one canonical symbol, in its quote currency.
  [[nodiscard]] virtual std::optional<Rate> symbol_price(std::string_view symbol, std::int64_t at_ms) const {
    (void)symbol, (void)at_ms;
    return std::nullopt;
  }
};

enum class PnlMode : std::uint8_t {
  kNet,    ///< pnl - fee (the default)
  kVenue,  ///< the venue's figure as it is
};

/// What a close is worth. `hold` not empty: no amount, a person must look, and this is why.
struct Valuation {
  Decimal usd;  ///< exact, before truncation
  Amount amount;
  std::optional<Rate> pnl_rate, fee_rate;  ///< nothing where the currency is a dollar at par
  std::string hold;                        ///< "no_rate: ...", "depeg: ...", "out_of_range: ..."
};

/// Canonical currency code: XBT is BTC, XDG is DOGE; upper case.
std::string canonical_currency(std::string_view code);
/// USD, USDC, USDT.
bool is_dollar(std::string_view canonical);

/// Applies design section 4. `rates` may be null: then only par and the close's own exit price can convert.
/// `now_ms` is when the host looks at it; the depeg guard asks for both moments.
Valuation value_close(const ClosedPosition& close, PnlMode mode, const RateSource* rates, unsigned decimals,
                      std::int64_t now_ms);

}  // namespace anduin::settle

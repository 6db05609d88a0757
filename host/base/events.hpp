// The vocabulary between the stages: what a venue instance reports once the host has stamped, named and scaled it.
// Plain values; market and settle consume them without knowing where they come from.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "anduin/decimal.hpp"

namespace anduin {

enum class Side : std::uint8_t { kLong, kShort };
enum class Origin : std::uint8_t { kStream, kHistory, kInbound };
enum class InstrumentKind : std::uint8_t {
  kUnknown, kSpot, kLinearPerpetual, kInversePerpetual, kLinearDated, kInverseDated,
};

[[nodiscard]] constexpr const char* to_string(Side s) { return s == Side::kLong ? "long" : "short"; }
[[nodiscard]] constexpr const char* to_string(Origin o) {
  return o == Origin::kStream ? "stream" : o == Origin::kHistory ? "history" : "inbound";
}
[[nodiscard]] constexpr const char* to_string(InstrumentKind k) {
  switch (k) {
    case InstrumentKind::kSpot: return "spot";
    case InstrumentKind::kLinearPerpetual: return "linear perpetual";
    case InstrumentKind::kInversePerpetual: return "inverse perpetual";
    case InstrumentKind::kLinearDated: return "linear dated";
    case InstrumentKind::kInverseDated: return "inverse dated";
    case InstrumentKind::kUnknown: break;
  }
  return "unknown";
}

/// One tradeable thing of one venue, as its instrument list describes it.
struct Instrument {
  std::string venue;      ///< display name, "Bybit"
  std::string market;     ///< the venue's product: "linear", "spot", "futures"
  std::string native;     ///< the venue's own spelling
  std::string canonical;  ///< "BTCUSDT"; empty where the instrument has no canonical name
  std::string base, quote, settle;  ///< canonical currency codes (BTC, not XBT); empty = not said
  InstrumentKind kind = InstrumentKind::kUnknown;
  Decimal contract_size = 1;  ///< base units a contract (linear), USD a contract (inverse)
  Decimal tick;               ///< zero = not said
  bool no_canonical = false;  ///< never gets one, whatever its codes say: scaled lots, tokenised shares
  bool pnl_split_over_time = false;  ///< realized figures are paid out in parts (Bybit USDC): closes are held
};

/// A venue's best bid and ask. Both are present: one-sided and crossed tops are not prices.
struct PriceUpdate {
  std::string_view venue;    ///< display name; storage outlives the call only
  std::string_view symbol;   ///< canonical where known, else native
  std::string_view market;
  InstrumentKind kind = InstrumentKind::kUnknown;
  Decimal bid, ask;
  Decimal bid_size, ask_size;      ///< zero = not said
  std::int64_t venue_ms = 0;       ///< the venue's time, ms since the epoch UTC; 0 = unusable or not said
  std::uint64_t received_mono_ns = 0;
  std::int64_t received_ms = 0;
};

/// A position close as it enters settlement: identity complete, size in base units (USD on inverse contracts).
struct ClosedPosition {
  std::string venue;    ///< display name: the first half of the refId preimage
  std::string account;  ///< the pipeline's account name, stamped by the host
  std::string id;       ///< unique over all accounts of the venue for ever (uid-prefixed where needed)
  std::string symbol;   ///< canonical, or native where there is none
  std::string native_symbol, market;
  InstrumentKind kind = InstrumentKind::kUnknown;
  std::string base_currency;  ///< the instrument's base, for pnl paid in the coin itself; may be empty
  std::string quote_currency;  ///< the instrument's quote, what its prices are in; may be empty
  Side side = Side::kLong;
  std::optional<Decimal> entry_price, exit_price;
  std::optional<Decimal> size;
  Decimal pnl;                 ///< the venue's figure, in `currency`
  Decimal fee;                 ///< cost of this close that pnl leaves out, >= 0 a cost; in `fee_currency`
  Decimal inside;              ///< what pnl holds besides the price result, in `currency`: fees, funding, penalties (a cost < 0)
  std::string pnl_text, fee_text;  ///< the venue's own characters, kept for the auditor; may be empty
  std::string currency, fee_currency;
  std::int64_t closed_ms = 0;
  Origin origin = Origin::kStream;
  bool entry_derived = false;  ///< entry was computed from pnl: checking pnl against it would be circular
  bool size_derived = false;
  std::string hold_reason;     ///< not empty: the venue side already knows that a person must look
  std::string evidence;        ///< sha256 of the frame or body it came from, lower-case hex
  std::string body;            ///< of an inbound request: the whole of it, kept for the auditor
};

struct Balance {
  std::string venue, account, currency;
  Decimal total, available;
};

}  // namespace anduin

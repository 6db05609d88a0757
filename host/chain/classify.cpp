#include "chain/classify.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace anduin::chain {

namespace {

/// JSON-RPC error code of a reverted execution (geth, anvil, reth).
constexpr std::int64_t kCodeReverted = 3;

struct Pattern {
  std::string_view text;  ///< lower case
  SendClass what;
  /// The message is this and no more: "known transaction" is inside "unknown transaction".
  bool whole = false;
};

/// First match wins. Reverts and permanent refusals stand first, because a revert reason may quote any
/// wording. Wordings: vectors/evm.json rpcErrors, which names the client of each.
constexpr std::array kPatterns = std::to_array<Pattern>({
    {"execution reverted", SendClass::kRevert},
    {"vm execution error", SendClass::kRevert},

    {"invalid chain id", SendClass::kPermanent},
    {"intrinsic gas too", SendClass::kPermanent},
    {"exceeds block gas limit", SendClass::kPermanent},
    {"exceeds max transaction gas limit", SendClass::kPermanent},
    {"exceeds maximum per-transaction gas limit", SendClass::kPermanent},
    {"oversized data", SendClass::kPermanent},

    {"already known", SendClass::kAlreadyKnown},
    {"alreadyknown", SendClass::kAlreadyKnown},
    {"transaction already imported", SendClass::kAlreadyKnown},
    {"same hash was already imported", SendClass::kAlreadyKnown},
    {"was added to the mempool but was not confirmed", SendClass::kAlreadyKnown},
    {"known transaction", SendClass::kAlreadyKnown, true},

    {"replacement transaction underpriced", SendClass::kReplaceUnderpriced},
    {"future transaction tries to replace pending", SendClass::kNonceGap},

    {"nonce too low", SendClass::kNonceConsumed},
    {"oldnonce", SendClass::kNonceConsumed},
    {"nonce too high", SendClass::kNonceGap},
    {"nonce is too far in the future", SendClass::kNonceGap},
    {"nonce exceeds next nonce", SendClass::kNonceGap},

    {"transaction underpriced", SendClass::kUnderpriced},
    {"max fee per gas less than block base fee", SendClass::kUnderpriced},
    {"feetoolow", SendClass::kUnderpriced},

    {"insufficient funds", SendClass::kInsufficientFunds},

    {"txpool is full", SendClass::kPoolFull},
    {"account limit exceeded", SendClass::kPoolFull},
    {"address already reserved", SendClass::kPoolFull},
});

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

}  // namespace

SendClass classify_send_error(std::optional<std::int64_t> code, std::string_view message) {
  if (code == kCodeReverted) return SendClass::kRevert;
  const std::string text = lower(message);
  for (const Pattern& p : kPatterns) {
    if (p.whole ? text == p.text : text.find(p.text) != std::string::npos) return p.what;
  }
  return SendClass::kUnknown;
}

const char* to_string(SendClass c) {
  switch (c) {
    case SendClass::kAccepted: return "ACCEPTED";
    case SendClass::kAlreadyKnown: return "ALREADY_KNOWN";
    case SendClass::kNonceConsumed: return "NONCE_CONSUMED";
    case SendClass::kNonceGap: return "NONCE_GAP";
    case SendClass::kReplaceUnderpriced: return "REPLACE_UNDERPRICED";
    case SendClass::kUnderpriced: return "UNDERPRICED";
    case SendClass::kInsufficientFunds: return "INSUFFICIENT_FUNDS";
    case SendClass::kPermanent: return "PERMANENT";
    case SendClass::kRevert: return "REVERT";
    case SendClass::kPoolFull: return "POOL_FULL";
    case SendClass::kUnknown: break;
  }
  return "UNKNOWN";
}

}  // namespace anduin::chain

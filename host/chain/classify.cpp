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
/// wording. Wordings: vectors/evm.json rpcErrors, which names the client of each, and the clients' own lists
/// of errors (geth core/txpool and core/error.go, reth rpc-eth-types, Nethermind TxPoolErrorMessages, Besu
/// RpcErrorType, Erigon txpoolcfg). What no list holds is kUnknown: maybe sent.
constexpr std::array kPatterns = std::to_array<Pattern>({
    {"execution reverted", SendClass::kRevert},
    {"vm execution error", SendClass::kRevert},

    {"invalid chain id", SendClass::kPermanent},
    {"wrong chainid", SendClass::kPermanent},                   // besu
    {"chainid not supported", SendClass::kPermanent},           // besu
    {"intrinsic gas too", SendClass::kPermanent},
    {"intrinsic gas exceeds gas limit", SendClass::kPermanent}, // besu
    {"intrinsicgas", SendClass::kPermanent, true},              // erigon
    {"exceeds block gas limit", SendClass::kPermanent},
    {"exceeds max transaction gas limit", SendClass::kPermanent},
    {"exceeds maximum per-transaction gas limit", SendClass::kPermanent},
    {"gas limit too high", SendClass::kPermanent},              // geth and reth from EIP-7825 on
    {"gas limit is too high", SendClass::kPermanent},           // erigon
    {"gas limit reached", SendClass::kPermanent},               // nethermind: the block's
    {"gaslimitexceeded", SendClass::kPermanent},                // nethermind, older
    {"oversized data", SendClass::kPermanent},
    {"transaction too large", SendClass::kPermanent},           // nethermind
    {"invalid sender", SendClass::kPermanent},
    {"max priority fee per gas higher than max fee per gas", SendClass::kPermanent},
    {"max priority fee per gas exceeds max fee per gas", SendClass::kPermanent},  // besu

    {"already known", SendClass::kAlreadyKnown},
    {"alreadyknown", SendClass::kAlreadyKnown},
    {"transaction already imported", SendClass::kAlreadyKnown},
    {"same hash was already imported", SendClass::kAlreadyKnown},
    {"existing tx with same hash", SendClass::kAlreadyKnown},   // erigon
    {"existing txn with same hash", SendClass::kAlreadyKnown},  // erigon
    {"was added to the mempool but was", SendClass::kAlreadyKnown},
    {"known transaction", SendClass::kAlreadyKnown, true},

    {"replacement transaction underpriced", SendClass::kReplaceUnderpriced},
    {"could not replace existing tx", SendClass::kReplaceUnderpriced},   // erigon
    {"insufficient gas price to replace", SendClass::kReplaceUnderpriced},  // reth's pool
    {"replacementnotallowed", SendClass::kReplaceUnderpriced},           // nethermind, older
    {"future transaction tries to replace pending", SendClass::kNonceGap},

    {"nonce too low", SendClass::kNonceConsumed},
    {"oldnonce", SendClass::kNonceConsumed},
    {"nonce too high", SendClass::kNonceGap},
    {"nonce is too far in the future", SendClass::kNonceGap},
    {"nonce too far in future", SendClass::kNonceGap},           // nethermind
    {"noncetoofarinfuture", SendClass::kNonceGap},               // nethermind, older
    {"noncegap", SendClass::kNonceGap},                          // nethermind, older
    {"nonce is too distant", SendClass::kNonceGap},              // besu
    {"invalid transaction with a lower nonce", SendClass::kNonceGap},  // besu
    {"gapped-nonce", SendClass::kNonceGap},                      // geth, delegated accounts
    {"nonce exceeds next nonce", SendClass::kNonceGap},

    {"transaction underpriced", SendClass::kUnderpriced},
    {"underpriced", SendClass::kUnderpriced, true},              // erigon
    {"max fee per gas less than block base fee", SendClass::kUnderpriced},
    {"gas price below", SendClass::kUnderpriced},                // besu: minimum, base fee
    {"priority fee below minimum", SendClass::kUnderpriced},     // reth
    {"feetoolow", SendClass::kUnderpriced},
    {"fee too low", SendClass::kUnderpriced},                    // erigon

    {"insufficient funds", SendClass::kInsufficientFunds},
    {"insufficientfunds", SendClass::kInsufficientFunds},        // nethermind, older
    {"upfront cost exceeds", SendClass::kInsufficientFunds},     // besu
    {"up-front cost", SendClass::kInsufficientFunds},            // besu
    {"lack of funds", SendClass::kInsufficientFunds},            // reth: of the executor, for the L1 fee

    {"txpool is full", SendClass::kPoolFull},
    {"sub-pool is full", SendClass::kPoolFull},                  // erigon
    {"spammer", SendClass::kPoolFull, true},                     // erigon: too many of one sender
    {"in-flight transaction limit", SendClass::kPoolFull},       // geth, delegated accounts
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
  std::string text = lower(message);
  // Erigon names the layer first.
  constexpr std::string_view kLayer = "internal_error: ";
  if (text.starts_with(kLayer)) text.erase(0, kLayer.size());
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

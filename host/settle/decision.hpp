// A decision about one held settlement that an approver signs with a key of his own (EIP-191 personal message over a
// fixed text), so that no one with access to the host's machine can decide in his name.
// Pure functions, any thread.
#pragma once
#include <string>

#include "base/error.hpp"
#include "chain/signer.hpp"

namespace anduin::settle {

using chain::Address;
using chain::Hash;

enum class Verdict : std::uint8_t { kApprove, kReject };
const char* to_string(Verdict v);  ///< "approve", "reject": persisted and signed, frozen
std::optional<Verdict> parse_verdict(std::string_view text);

/// What is signed. It names the settlement and what it would do: a signature under one amount is none under another.
struct Decision {
  Hash ref_id;
  std::uint64_t chain_id = 0;
  Address vault, user;
  std::string action;  ///< "credit", "seize", "seize_capped" as the ledger has it; "none" where there is no amount
  std::string units;   ///< token units, decimal; "none" where there is no amount
  Verdict verdict = Verdict::kReject;
  std::string reason, who;      ///< one line each, 1 to kDecisionTextMax bytes
  std::int64_t signed_ms = 0;   ///< whole seconds
  std::int64_t expires_ms = 0;  ///< whole seconds; from then on it counts no more
};

struct SignedDecision : Decision {
  chain::Signature signature;
};

inline constexpr std::size_t kDecisionTextMax = 1'000;
/// A file with all its fields; more is no decision.
inline constexpr std::size_t kDecisionFileMax = 16U << 10U;
/// An approver's clock may be ahead by so much.
inline constexpr std::int64_t kDecisionSkewMs = 300'000;
/// Longer validity is a standing order, and a lost file would be one.
inline constexpr std::int64_t kDecisionValidMsMax = 30LL * 86'400'000;

/// The text under the signature; no line break at its end, which shells drop. Frozen: old signatures must verify.
std::string decision_text(const Decision& d);
/// Of its text; the same decision has the same whoever signs it.
Hash decision_digest(const Decision& d);
/// The decision as a file without "signature", with the text to be signed under "text".
std::string decision_json(const Decision& d);
/// kBadRequest, with the member that is wrong: not this form, a text that is not that of the members.
Result<SignedDecision> parse_decision(std::string_view json);
/// Who signed. kBadRequest when the signature is none.
Result<Address> decision_signer(const SignedDecision& d);

/// One line of printable text? Empty = yes, else why not.
std::string check_line(std::string_view text, std::size_t bytes_max);

}  // namespace anduin::settle

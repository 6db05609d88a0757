// The settlement's business key on chain: hash(utf8("<VenueName>:" + id)), built by the host and by nobody
// else. Pure functions, any thread.
#pragma once
#include <string_view>

#include "base/error.hpp"
#include "chain/types.hpp"

namespace anduin::settle {

enum class RefIdHash : std::uint8_t {
  kKeccak256,  ///< what every new vault uses
  kSha256,     ///< only for a vault that was already fed by the seed's sample code
};

/// Longest id in bytes: venue ids are far shorter, and a row must stay small.
inline constexpr std::size_t kIdBytesMax = 200;

/// kBadRequest when the id is empty, longer than kIdBytesMax, has a control character or outer blanks, or
/// when the venue name is empty or contains a colon (the preimage would be ambiguous).
Result<chain::Hash> ref_id(std::string_view venue, std::string_view id,
                           RefIdHash hash = RefIdHash::kKeccak256);

/// SHA-256, for ref ids of old vaults and for the audit chain.
chain::Hash sha256(std::string_view data);

}  // namespace anduin::settle

// The files by which a person signs as an owner of a Safe: a request that the host writes, a signature that
// `anduin safe sign` writes beside it. Nothing in them is secret or trusted: a signature counts only when it
// recovers to the owner. Pure but for the files; any thread.
#pragma once
#include <filesystem>

#include "chain/safe.hpp"

namespace anduin::settle {

struct SafeRequest {
  std::uint64_t chain_id = 0;
  chain::Address safe;
  chain::SafeTx tx;
  [[nodiscard]] chain::Hash hash() const { return chain::safe_tx_hash(chain_id, safe, tx); }
};

/// Larger is no request: a batch of the largest size has about 60 kB of calldata.
inline constexpr std::size_t kSafeFileBytesMax = 1U << 20U;

std::filesystem::path safe_request_file(const std::filesystem::path& folder, const chain::Hash& hash);
std::filesystem::path safe_signature_file(const std::filesystem::path& folder, const chain::Hash& hash,
                                          const chain::Address& owner);

/// Creates the folder (mode 0700) and the file, whole or not at all. kRetryable when the disk refuses.
Result<void> write_safe_request(const std::filesystem::path& folder, const SafeRequest& request);
/// kBadRequest when it is no request, or its hash is not that of its fields.
Result<SafeRequest> read_safe_request(const std::filesystem::path& file);
/// Beside the request. kRetryable when the disk refuses.
Result<void> write_safe_signature(const std::filesystem::path& file, const chain::Hash& hash,
                                  const chain::Address& owner, const chain::SafeSignature& signature);
/// Nothing when there is no such file; kBadRequest when it holds no signature. Not yet checked against the hash.
Result<std::optional<chain::SafeSignature>> read_safe_signature(const std::filesystem::path& file);

}  // namespace anduin::settle

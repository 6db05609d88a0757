// RLP accepts canonical encodings only: what decodes encodes to the same bytes. The same for signed transactions.
#include <cstdlib>

#include "chain/rlp.hpp"
#include "chain/transaction.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> input(data, size);
  if (const auto item = anduin::chain::rlp::decode(input)) {
    const auto again = anduin::chain::rlp::encode(*item);
    if (again != anduin::Bytes(input.begin(), input.end())) std::abort();
  }
  if (const auto tx = anduin::chain::decode_transaction(input)) {
    if (tx->transaction.raw(tx->signature) != anduin::Bytes(input.begin(), input.end())) std::abort();
  }
  return 0;
}

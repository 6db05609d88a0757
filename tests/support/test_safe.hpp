// A real Safe 1.4.1 on a local node, from the artifacts that npm installs in tests/node; no Catch2 in here.
// Throws std::runtime_error with a text that says what failed. The node outlives it.
#pragma once
#include "chain/safe.hpp"
#include "support/anvil.hpp"

namespace anduin::test {

class TestSafe {
 public:
  /// False when `npm ci` has not brought the contracts.
  static bool installed();
  TestSafe(Anvil& anvil, const std::vector<chain::Address>& owners, std::uint64_t threshold);

  [[nodiscard]] const chain::Address& address() const { return address_; }
  [[nodiscard]] chain::Safe safe() const { return {address_, 31337}; }
  std::uint64_t nonce();
  /// What the contract itself says of a SafeTx.
  chain::Hash transaction_hash(const chain::SafeTx& tx);
  /// The Safe's own text ("GS013") for an execution, or empty when it would pass.
  std::string why_refused(const Bytes& execution);

  /// Creation code of MultiSendCallOnly.
  static Bytes multi_send_code();
  /// Deploys MultiSendCallOnly.
  chain::Address deploy_multi_send();

 private:
  chain::Address deploy(const std::string& artifact);
  Anvil& anvil_;
  chain::Address address_;
};

}  // namespace anduin::test

// A key behind a web3signer (eth1 mode): the service signs, this process sends. Only eth_signTransaction and
// eth_sign are asked, never eth_sendTransaction: that one sends, and sends again when it should not.
// Thread: one caller at a time; blocks up to the timeout. The transport outlives it.
#pragma once
#include "chain/json_rpc_node.hpp"
#include "chain/signer.hpp"

namespace anduin::chain {

class Web3Signer final : public TransactionSigner {
 public:
  struct Options {
    int timeout_ms = 5'000;  ///< per question; the submitter waits for it, so not longer than it must be
  };
  Web3Signer(RpcTransport& transport, const Address& address, Options options);
  Web3Signer(RpcTransport& transport, const Address& address) : Web3Signer(transport, address, Options()) {}

  [[nodiscard]] const Address& address() const override { return address_; }
  Result<Bytes> sign_raw(const Transaction& transaction) override;
  /// By eth_sign: over the hash as a personal message, which a Safe knows by its v of 31 or 32.
  Result<SafeSignature> sign_safe(const Hash& safe_tx_hash) override;
  /// eth_accounts must name the address.
  Result<void> verify() override;

 private:
  Result<std::string> ask(const std::string& method, const std::string& params_json);
  Result<Bytes> ask_bytes(const std::string& method, const std::string& params_json);
  RpcTransport& transport_;
  Address address_;
  Options options_;
  std::uint64_t id_ = 0;
};

}  // namespace anduin::chain

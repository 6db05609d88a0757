// chain::Node over JSON-RPC. Quantities and shapes are read strictly: what we do not understand is a
// kProtocol error that names the method, never a guess. Thread: one caller at a time. The transport
// outlives the node.
#pragma once
#include <memory>

#include "chain/node.hpp"

namespace anduin::chain {

/// Carries one JSON-RPC body to one endpoint and brings the answer's body back.
class RpcTransport {
 public:
  virtual ~RpcTransport() = default;
  /// An Error is a lost or refused exchange: kRetryable (connection, timeout, 5xx), kRetryableAfter (429),
  /// kAuth. After an Error the request may or may not have been executed.
  virtual Result<std::string> post(const std::string& body, int timeout_ms) = 0;
  /// For messages; holds no credentials.
  [[nodiscard]] virtual const std::string& name() const = 0;
};

struct JsonRpcOptions {
  int timeout_ms = 10'000;         ///< per call; an eth_getLogs window of 2,000 blocks may take seconds
  U256 tip_min = U256{1'000'000};  ///< wei; floor of suggested tips, as builders on Base are used to
};

class JsonRpcNode final : public Node {
 public:
  explicit JsonRpcNode(RpcTransport& transport, JsonRpcOptions options = {});
  ~JsonRpcNode() override;

  Result<std::uint64_t> chain_id() override;
  Result<std::optional<Block>> block(const BlockId& id) override;
  Result<std::uint64_t> transaction_count(const Address& who, const BlockId& at) override;
  Result<U256> balance(const Address& who, const BlockId& at) override;
  Result<Bytes> code(const Address& who, const BlockId& at) override;
  Result<CallResult> call(const Address& from, const Address& to, const Bytes& data,
                          const BlockId& at) override;
  Result<std::variant<std::uint64_t, CallResult>> estimate_gas(const Address& from, const Address& to,
                                                               const Bytes& data) override;
  Result<FeeSuggestion> suggest_fees() override;
  Result<SendResult> send_raw(const Bytes& raw) override;
  Result<std::optional<Receipt>> receipt(const Hash& transaction) override;
  /// JSON-RPC batches; one by one where the endpoint refuses them.
  Result<std::vector<std::optional<Receipt>>> receipts(std::span<const Hash> transactions) override;
  Result<std::vector<CallResult>> calls(const Address& from, const Address& to, std::span<const Bytes> data,
                                        const BlockId& at) override;
  Result<std::vector<Log>> logs(const LogFilter& filter) override;

  /// Any method with parameters as JSON text (an array); the result as JSON text. For tests and tools.
  Result<std::string> raw_call(const std::string& method, const std::string& params_json);

 private:
  Result<void> receipts_of(std::span<const Hash> part, std::vector<std::optional<Receipt>>& out);
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Strict: 0x, then 1 to 64 hex digits without a leading zero (except 0x0). Nothing otherwise.
std::optional<U256> parse_quantity(std::string_view text);
std::optional<std::uint64_t> parse_quantity_u64(std::string_view text);
std::string to_quantity(const U256& value);

}  // namespace anduin::chain

// A chain::Node over one or several endpoints. Bytes go to all of them at once; what shows a thing (a receipt
// in a block) may come from one if its block is the same at a second; what denies a thing (no receipt, a nonce
// gone, a refId unused) needs two that agree and have reached that block, else it is kRetryable, never a guess.
// With one endpoint that is its word, and the submitter's second look. Thread: calls one at a time, status()
// from any. Lifetime: the clock outlives it; the destructor waits for the questions under way.
#pragma once
#include <map>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "chain/json_rpc_node.hpp"
#include "chain/rpc_health.hpp"

namespace anduin::chain {

class RpcEndpoint;

class RpcPool final : public Node {
 public:
  struct Member {
    std::string name;                         ///< for status and logs, no credentials
    std::unique_ptr<RpcTransport> transport;  ///< of the node, where it needs one
    std::unique_ptr<Node> node;
  };
  /// At least one member; order = preference for what one endpoint may answer. `chain_id` is what each must
  /// report; one that reports another is banned.
  RpcPool(std::uint64_t chain_id, std::vector<Member> members, Clock& clock);
  ~RpcPool() override;

  /// kBadRequest when every endpoint answers for another chain, or an URL is none.
  static Result<std::unique_ptr<RpcPool>> over_http(std::uint64_t chain_id, const std::vector<std::string>& urls,
                                                    Clock& clock);

  Result<std::uint64_t> chain_id() override;
  Result<std::optional<Block>> block(const BlockId& id) override;
  Result<std::uint64_t> transaction_count(const Address& who, const BlockId& at) override;
  Result<U256> balance(const Address& who, const BlockId& at) override;
  Result<Bytes> code(const Address& who, const BlockId& at) override;
  Result<CallResult> call(const Address& from, const Address& to, const Bytes& data, const BlockId& at) override;
  Result<std::vector<CallResult>> calls(const Address& from, const Address& to, std::span<const Bytes> data,
                                        const BlockId& at) override;
  Result<std::variant<std::uint64_t, CallResult>> estimate_gas(const Address& from, const Address& to,
                                                               const Bytes& data) override;
  Result<FeeSuggestion> suggest_fees() override;
  /// Returns at the first answer that says that a pool has it; else the most informative of all.
  Result<SendResult> send_raw(const Bytes& raw) override;
  Result<std::optional<Receipt>> receipt(const Hash& transaction) override;
  Result<std::vector<std::optional<Receipt>>> receipts(std::span<const Hash> transactions) override;
  Result<std::vector<Log>> logs(const LogFilter& filter) override;

  [[nodiscard]] std::vector<EndpointStatus> status() const;

 private:
  using Endpoints = std::vector<RpcEndpoint*>;
  [[nodiscard]] Endpoints usable();
  void compare_endpoints();
  void look_at_others(const Endpoints& deciding, Tag tag);
  static Result<std::optional<Block>> ask_tag(RpcEndpoint& endpoint, Tag tag);
  Result<std::optional<Block>> latest();
  Result<std::optional<Block>> tagged(Tag tag);
  Result<std::optional<Block>> numbered(std::uint64_t number);
  void remember(const Block& block);
  Result<BlockId> one_block(const BlockId& at);
  [[nodiscard]] std::optional<std::uint64_t> height_of(const BlockId& id) const;
  Result<std::optional<Receipt>> merge(const Hash& transaction, const Endpoints& whom,
                                       const std::vector<std::optional<Receipt>>& shown);

  // rpc_pool_ask.hpp
  template <class T>
  class Round;
  template <class T, class Question>
  Result<T> any(Question question);
  template <class T, class Question, class Same>
  Result<T> agreed(const char* what, std::optional<std::uint64_t> height, Question question, Same same);
  template <class T, class Question>
  Result<T> decided_at(const char* what, const BlockId& at, Question question);

  Clock& clock_;
  std::vector<std::unique_ptr<RpcEndpoint>> endpoints_;
  std::uint64_t chain_id_;
  std::uint64_t head_floor_ = 0;  ///< the last head given out: who says "no receipt" must have reached it
  std::uint64_t probed_ns_ = 0;
  /// Blocks given out, so that a hash can be asked by number where EIP-1898 is missing. Newest kept.
  std::map<std::uint64_t, Block> seen_;
  std::map<std::uint64_t, Block> canonical_;      ///< agreed since the last look at the head
  std::map<Tag, Hash> confirmed_;                 ///< of safe and finalized: the last one that two agreed on
  std::optional<std::pair<Block, std::uint64_t>> pace_from_;  ///< a block and when it was seen
  std::int64_t block_ms_ = 0;
};

}  // namespace anduin::chain

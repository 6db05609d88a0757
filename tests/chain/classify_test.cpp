#include "chain/classify.hpp"

#include <catch2/catch.hpp>

#include "support/result.hpp"
#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::chain;

TEST_CASE("send errors of all clients fall into the vectors' classes") {
  ANDUIN_NEED_SHARED();
  const auto vectors = test::shared_json("vectors/evm.json").at("rpcErrors").at("cases");
  REQUIRE(vectors.size() == 42);
  for (const auto& v : vectors) {
    const auto message = v.at("message").get<std::string>();
    INFO(v.at("client") << ": " << message);
    const auto code =
        v.at("code").is_null() ? std::optional<std::int64_t>() : v.at("code").get<std::int64_t>();
    CHECK(to_string(classify_send_error(code, message)) == v.at("class").get<std::string>());
  }
}

// What the clients' own lists of errors say beyond the vectors; the name of the client stands with each.
TEST_CASE("send errors by client") {
  struct Row {
    const char* client;
    std::int64_t code;
    const char* message;
    SendClass what;
  };
  using enum SendClass;
  const std::vector<Row> rows = {
      {"geth", -32000, "nonce too high: address 0x70997970C51812dc3A010C7d01b50e0d17dc79C8, tx: 9 state: 3", kNonceGap},
      {"geth", -32000, "transaction underpriced: gas tip cap 0, minimum needed 1", kUnderpriced},
      {"geth", -32000, "transaction gas limit too high (cap: 16777216, tx: 20000000)", kPermanent},
      {"geth", -32000, "intrinsic gas too low: gas 21000, minimum needed 23184", kPermanent},
      {"geth", -32000, "invalid chain id for signer: have 1 want 8453", kPermanent},
      {"geth", -32000, "max priority fee per gas higher than max fee per gas: address 0x70, tip 2, fee 1", kPermanent},
      {"geth", -32000, "max fee per gas less than block base fee: address 0x70, maxFeePerGas: 1, baseFee: 7", kUnderpriced},
      {"geth", -32000, "in-flight transaction limit reached for delegated accounts", kPoolFull},
      {"geth", -32000, "gapped-nonce tx from delegated accounts", kNonceGap},
      {"geth", -32000, "tx fee (1.20 ether) exceeds the configured cap (1.00 ether)", kUnknown},
      {"reth", -32000, "nonce too low: next nonce 12, tx nonce 11", kNonceConsumed},
      {"reth", -32000, "max fee per gas less than block base fee", kUnderpriced},
      {"reth", -32000, "intrinsic gas too high", kPermanent},
      {"reth", -32003, "gas limit too high", kPermanent},
      {"reth", -32003, "exceeds block gas limit", kPermanent},
      {"reth", -32003, "transaction priority fee below minimum required priority fee 1000000", kUnderpriced},
      {"reth", -32003, "insufficient funds for gas * price + value: have 1 want 2", kInsufficientFunds},
      {"reth", 3, "execution reverted: nonce too low", kRevert},
      {"op-reth", -32003, "lack of funds (100) for max fee (200)", kInsufficientFunds},
      {"nethermind", -32010, "already known", kAlreadyKnown},
      {"nethermind", -32010, "nonce too low", kNonceConsumed},
      {"nethermind", -32010, "nonce too high", kNonceGap},
      {"nethermind", -32010, "nonce too far in future", kNonceGap},
      {"nethermind", -32010, "transaction underpriced", kUnderpriced},
      {"nethermind", -32010, "replacement transaction underpriced", kReplaceUnderpriced},
      {"nethermind", -32010, "gas limit reached", kPermanent},
      {"nethermind", -32010, "insufficient funds for gas * price + value", kInsufficientFunds},
      {"nethermind", -32010, "InsufficientFunds, Balance is 0 less than sending value", kInsufficientFunds},
      {"nethermind", -32010, "ReplacementNotAllowed", kReplaceUnderpriced},
      {"nethermind", -32010, "NonceGap, Future nonce. Expected nonce: 3", kNonceGap},
      {"nethermind", -32010, "FeeTooLowToCompete", kUnderpriced},
      {"nethermind", -32010, "node is syncing", kUnknown},
      {"besu", -32001, "Nonce too low", kNonceConsumed},
      {"besu", -32006, "Nonce too high", kNonceGap},
      {"besu", -32000, "Transaction nonce is too distant from current sender nonce", kNonceGap},
      {"besu", -32000, "An invalid transaction with a lower nonce exists", kNonceGap},
      {"besu", -32000, "Replacement transaction underpriced", kReplaceUnderpriced},
      {"besu", -32009, "Gas price below configured minimum gas price", kUnderpriced},
      {"besu", -32009, "Gas price below current base fee", kUnderpriced},
      {"besu", -32004, "Upfront cost exceeds account balance", kInsufficientFunds},
      {"besu", -32003, "Intrinsic gas exceeds gas limit", kPermanent},
      {"besu", -32005, "Transaction gas limit exceeds block gas limit", kPermanent},
      {"besu", -32000, "Wrong chainId", kPermanent},
      {"besu", -32002, "Transaction pool not enabled. (Either txpool explicitly disabled, or node not yet in sync).", kUnknown},
      {"erigon", -32000, "INTERNAL_ERROR: existing tx with same hash", kAlreadyKnown},
      {"erigon", -32000, "existing txn with same hash", kAlreadyKnown},
      {"erigon", -32000, "could not replace existing tx", kReplaceUnderpriced},
      {"erigon", -32000, "INTERNAL_ERROR: replacement transaction underpriced", kReplaceUnderpriced},
      {"erigon", -32000, "INTERNAL_ERROR: underpriced", kUnderpriced},
      {"erigon", -32000, "fee too low", kUnderpriced},
      {"erigon", -32000, "INTERNAL_ERROR: nonce too low", kNonceConsumed},
      {"erigon", -32000, "INTERNAL_ERROR: insufficient funds", kInsufficientFunds},
      {"erigon", -32000, "pending sub-pool is full", kPoolFull},
      {"erigon", -32000, "spammer", kPoolFull},
      {"erigon", -32000, "IntrinsicGas", kPermanent},
      {"erigon", -32000, "gas limit is too high", kPermanent},
      {"anvil", -32003, "transaction already imported", kAlreadyKnown},
  };
  for (const Row& row : rows) {
    INFO(row.client << ": " << row.message);
    CHECK(std::string(to_string(classify_send_error(row.code, row.message))) == to_string(row.what));
  }
}

TEST_CASE("a revert's reason cannot pass for a pool's answer") {
  for (const char* quoted :
       {"already known", "nonce too low", "insufficient funds for transfer", "txpool is full"}) {
    CHECK(classify_send_error(std::nullopt, std::string("execution reverted: ") + quoted) ==
          SendClass::kRevert);
    CHECK(classify_send_error(3, quoted) == SendClass::kRevert);
  }
}

TEST_CASE("unknown wording means maybe sent") {
  CHECK(classify_send_error(-32000, "Unknown transaction") == SendClass::kUnknown);
  CHECK(classify_send_error(-32000, "the dog ate it") == SendClass::kUnknown);
  CHECK(classify_send_error(std::nullopt, "") == SendClass::kUnknown);
}

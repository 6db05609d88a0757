#include "support/test_safe.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "chain/transaction.hpp"

namespace anduin::test {
namespace {

using chain::U256;
using chain::abi::Value;

const std::string kArtifacts = std::string(ANDUIN_SOURCE_DIR) +
                               "/tests/node/node_modules/@safe-global/safe-contracts/build/artifacts/contracts/";

template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error("test safe: " + result.error().to_string());
  return std::move(*result);
}

Bytes encode(const char* signature, const std::vector<Value>& arguments) {
  return need(need(chain::abi::Signature::parse(signature)).encode_call(arguments));
}

Bytes creation_code(const std::string& artifact) {
  std::ifstream in(kArtifacts + artifact);
  auto code = from_hex(nlohmann::json::parse(in).at("bytecode").get<std::string>());
  if (!code || code->empty()) throw std::runtime_error("test safe: no bytecode in " + artifact);
  return std::move(*code);
}

constexpr const char* kMultiSend = "libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json";

const chain::Address& deployer() { return dev_accounts()[0].address; }

}  // namespace

bool TestSafe::installed() { return std::ifstream(kArtifacts + "Safe.sol/Safe.json").good(); }

chain::Address TestSafe::deploy(const std::string& artifact) {
  const Bytes code = creation_code(artifact);
  const std::uint64_t nonce = need(anvil_.node().transaction_count(deployer(), chain::Tag::kLatest));
  anvil_.send(deployer(), std::nullopt, code);
  return chain::create_address(deployer(), nonce);
}

TestSafe::TestSafe(Anvil& anvil, const std::vector<chain::Address>& owners, std::uint64_t threshold)
    : anvil_(anvil) {
  const chain::Address singleton = deploy("Safe.sol/Safe.json");
  const chain::Address factory = deploy("proxies/SafeProxyFactory.sol/SafeProxyFactory.json");
  Value::List list;
  for (const auto& owner : owners) list.emplace_back(owner);
  const Bytes setup = encode("setup(address[],uint256,address,bytes,address,address,uint256,address)",
                             {Value(list), Value(U256(threshold)), Value(chain::Address{}), Value(Bytes{}),
                              Value(chain::Address{}), Value(chain::Address{}), Value(U256(0)), Value(chain::Address{})});
  const auto receipt = anvil_.send(deployer(), factory, encode("createProxyWithNonce(address,bytes,uint256)",
                                                               {Value(singleton), Value(setup), Value(U256(1))}));
  const auto created = need(chain::abi::Signature::parse("ProxyCreation(address,address)")).topic();
  for (const auto& log : receipt.logs) {
    if (log.address != factory || log.topics.at(0) != created) continue;
    std::copy_n(log.topics.at(1).bytes.begin() + 12, 20, address_.bytes.begin());
  }
  if (address_.is_zero()) throw std::runtime_error("test safe: no proxy was made");
}

std::uint64_t TestSafe::nonce() { return need(safe().nonce(anvil_.node(), chain::Tag::kLatest)); }

chain::Hash TestSafe::transaction_hash(const chain::SafeTx& tx) {
  const Bytes call = encode(
      "getTransactionHash(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,uint256)",
      {Value(tx.to), Value(tx.value), Value(tx.data), Value(U256(static_cast<unsigned>(tx.operation))),
       Value(U256(tx.safe_tx_gas)), Value(U256(0)), Value(U256(0)), Value(chain::Address{}), Value(chain::Address{}),
       Value(U256(tx.nonce))});
  const auto answer = need(anvil_.node().call(deployer(), address_, call, chain::Tag::kLatest));
  chain::Hash out;
  if (answer.reverted || answer.data.size() != 32) throw std::runtime_error("test safe: no hash");
  std::copy(answer.data.begin(), answer.data.end(), out.bytes.begin());
  return out;
}

std::string TestSafe::why_refused(const Bytes& execution) {
  const auto answer = need(anvil_.node().call(dev_accounts()[0].address, address_, execution, chain::Tag::kLatest));
  return answer.reverted ? chain::abi::decode_revert(answer.data, {}).to_string() : std::string();
}

Bytes TestSafe::multi_send_code() { return creation_code(kMultiSend); }
chain::Address TestSafe::deploy_multi_send() { return deploy(kMultiSend); }

}  // namespace anduin::test

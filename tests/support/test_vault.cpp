#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "chain/transaction.hpp"
#include "support/anvil.hpp"

namespace anduin::test {

using chain::U256;
using chain::abi::Value;

namespace {

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error("test vault: " + what); }

template <class T>
T need(Result<T> result) {
  if (!result) fail(result.error().to_string());
  return std::move(*result);
}

Bytes encode(const char* signature, const std::vector<Value>& arguments) {
  return need(need(chain::abi::Signature::parse(signature)).encode_call(arguments));
}

/// Creation code with a static constructor argument list behind it.
Bytes creation(const std::string& name, const std::vector<chain::Address>& arguments) {
  Bytes out = contract_bytecode(name);
  for (const chain::Address& each : arguments) {
    out.resize(out.size() + 12);
    out.insert(out.end(), each.bytes.begin(), each.bytes.end());
  }
  return out;
}

chain::Address create(Anvil& anvil, const chain::Address& from, const Bytes& code) {
  const std::uint64_t nonce = need(anvil.node().transaction_count(from, chain::Tag::kLatest));
  anvil.send(from, std::nullopt, code);
  const chain::Address address = chain::create_address(from, nonce);
  if (need(anvil.node().code(address, chain::Tag::kLatest)).empty()) fail("no code after its deployment");
  return address;
}

}  // namespace

Bytes contract_bytecode(const std::string& name) {
  const std::string file = std::string(ANDUIN_SOURCE_DIR) + "/tests/chain/vault/" + name + ".json";
  std::ifstream in(file);
  if (!in) fail("cannot read " + file);
  auto bytes = from_hex(nlohmann::json::parse(in).at("bytecode").get<std::string>());
  if (!bytes || bytes->empty()) fail("no bytecode in " + file);
  return std::move(*bytes);
}

chain::Vault TestVault::deploy(Anvil& anvil, const VaultOptions& options, chain::Address& token) {
  token = create(anvil, options.admin, creation("MockUSDC", {}));
  const char* name =
      options.duplicate_check ? "UnifiedAccountVault" : "UnifiedAccountVaultNoDuplicateCheck";
  const auto code = creation(name, {token, options.admin, options.settler});
  return need(chain::Vault::create(create(anvil, options.admin, code)));
}

TestVault::TestVault(Anvil& anvil, const VaultOptions& options)
    : anvil_(anvil), admin_(options.admin), vault_(deploy(anvil, options, token_)) {
  admin_call(token_, "approve(address,uint256)",
             {Value(address()), Value(std::numeric_limits<U256>::max())});
  if (options.pool != 0) fund_pool(options.pool);
}

void TestVault::admin_call(const chain::Address& to, const char* signature,
                           const std::vector<Value>& arguments) {
  anvil_.send(admin_, to, encode(signature, arguments));
}

void TestVault::deposit_for(const chain::Address& user, const U256& units) {
  admin_call(token_, "mint(address,uint256)", {Value(admin_), Value(units)});
  admin_call(address(), "depositFor(address,uint256)", {Value(user), Value(units)});
}

void TestVault::fund_pool(const U256& units) {
  admin_call(token_, "mint(address,uint256)", {Value(admin_), Value(units)});
  admin_call(address(), "fundPool(uint256)", {Value(units)});
}

void TestVault::set_paused(bool paused) { admin_call(address(), "setPaused(bool)", {Value(paused)}); }

void TestVault::set_settler(const chain::Address& who, bool enabled) {
  admin_call(address(), "setRole(bytes32,address,bool)",
             {Value(chain::keccak256("SETTLER_ROLE")), Value(who), Value(enabled)});
}

U256 TestVault::read(const char* signature, const std::vector<Value>& arguments) {
  const auto answer =
      need(anvil_.node().call(admin_, address(), encode(signature, arguments), chain::Tag::kLatest));
  if (answer.reverted || answer.data.size() != 32) fail(std::string(signature) + " answers no number");
  return chain::from_big_endian(answer.data);
}

U256 TestVault::collateral(const chain::Address& user) {
  return read("collateral(address)", {Value(user)});
}
U256 TestVault::pool() { return read("pool()", {}); }
bool TestVault::used(const chain::Hash& ref_id) {
  return need(vault_.used(anvil_.node(), ref_id, chain::Tag::kLatest));
}

std::vector<chain::VaultEvent> TestVault::events() {
  return need(vault_.events(anvil_.node(), 0, anvil_.height()));
}

TestVault::Sum TestVault::sum() {
  Sum out;
  for (const chain::VaultEvent& each : events()) {
    ++out.count;
    (each.credit ? out.credited : out.seized) += each.moved;
  }
  return out;
}

}  // namespace anduin::test

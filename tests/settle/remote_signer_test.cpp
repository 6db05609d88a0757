// A signer that is a service, under the real submitter: while it is away, or gives back something else, the slot
// stays RESERVED, is seen, and nothing is lost or sent.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "chain/transaction.hpp"
#include "chain/web3signer.hpp"
#include "settle/chain_support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;
using nlohmann::json;

namespace {

/// A web3signer without the network between.
class Service final : public chain::RpcTransport {
 public:
  explicit Service(chain::LocalSigner& key) : key_(key) {}
  bool away = false;
  std::function<void(chain::Transaction&)> bend;
  int asked = 0;
  Result<std::string> post(const std::string& body, int) override {
    ++asked;
    if (away) return Error{ErrorKind::kRetryable, name_, "no answer within 5 s"};
    const json q = json::parse(body);
    REQUIRE(q.at("method") == "eth_signTransaction");
    const json& p = q.at("params").at(0);
    const auto number = [&](const char* name) { return *chain::parse_quantity(p.at(name).get<std::string>()); };
    chain::Transaction t;
    t.chain_id = simulation::FakeChain::kChainId;
    t.nonce = static_cast<std::uint64_t>(number("nonce"));
    t.gas_limit = static_cast<std::uint64_t>(number("gas"));
    t.max_fee = number("maxFeePerGas");
    t.tip = number("maxPriorityFeePerGas");
    t.to = Address::parse(p.at("to").get<std::string>());
    t.data = *from_hex(p.at("data").get<std::string>());
    if (bend) bend(t);
    return json{{"jsonrpc", "2.0"}, {"id", q.at("id")}, {"result", to_hex(t.raw(*key_.sign(t.signing_hash())))}}.dump();
  }
  [[nodiscard]] const std::string& name() const override { return name_; }

 private:
  chain::LocalSigner& key_;
  std::string name_ = "rpc http://signer";
};

std::string slot_state(Bench& b, const std::string& id) {
  return reader(b.dir)->show(id)->at("slots").at(0).at("state").get<std::string>();
}

}  // namespace

TEST_CASE("a remote signer: away, the slot stays reserved and seen, and back it settles once") {
  Bench b;
  Service service(*b.key);
  chain::Web3Signer signer(service, b.key->address());
  Submitter submitter(b.options, *b.ledger, b.vault, b.node, signer, b.clock);
  service.away = true;
  REQUIRE(commit(*b.ledger, close_of("x", "5")) == Outcome::kAccepted);
  for (int i = 0; i < 5; ++i) {
    REQUIRE(submitter.tick());
    b.chain.mine();
    b.clock.advance_ms(2'000);
  }
  CHECK(b.state("x") == "ASSIGNED");
  CHECK(slot_state(b, "x") == "RESERVED");
  CHECK(submitter.status().last_error.find("no answer within 5 s") != std::string::npos);
  CHECK(b.node.sent.empty());
  service.away = false;
  for (int i = 0; i < 100 && b.state("x") != "SETTLED"; ++i) {
    REQUIRE(submitter.tick());
    b.chain.mine();
    b.clock.advance_ms(2'000);
  }
  CHECK(b.state("x") == "SETTLED");
  CHECK(b.events().size() == 1);
}

TEST_CASE("a remote signer: bytes that are not what was asked are neither kept nor sent") {
  Bench b;
  Service service(*b.key);
  chain::Web3Signer signer(service, b.key->address());
  Submitter submitter(b.options, *b.ledger, b.vault, b.node, signer, b.clock);
  REQUIRE(commit(*b.ledger, close_of("x", "5")) == Outcome::kAccepted);
  for (const auto& bend : std::vector<std::function<void(chain::Transaction&)>>{
           [](chain::Transaction& t) { t.nonce += 1; }, [](chain::Transaction& t) { t.data.back() ^= 1U; },
           [](chain::Transaction& t) { t.to->bytes[0] ^= 1U; }, [](chain::Transaction& t) { t.value = 1; }}) {
    service.bend = bend;
    const auto done = submitter.tick();
    REQUIRE_FALSE(done);
    CHECK(done.error().kind == ErrorKind::kFatal);
    CHECK(slot_state(b, "x") == "RESERVED");
  }
  CHECK(b.node.sent.empty());
  service.bend = nullptr;
  for (int i = 0; i < 100 && b.state("x") != "SETTLED"; ++i) {
    REQUIRE(submitter.tick());
    b.chain.mine();
    b.clock.advance_ms(2'000);
  }
  CHECK(b.state("x") == "SETTLED");
  CHECK(b.events().size() == 1);
}

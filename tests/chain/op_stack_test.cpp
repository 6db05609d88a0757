#include "chain/op_stack.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "chain/json_rpc_node.hpp"
#include "support/result.hpp"

using namespace anduin;
using namespace anduin::chain;
using nlohmann::json;

namespace {

/// An endpoint whose oracle answers what the test says; nothing = it reverts.
class Oracle final : public RpcTransport {
 public:
  Result<std::string> post(const std::string& body, int) override {
    const json q = json::parse(body);
    json out = {{"jsonrpc", "2.0"}, {"id", q.at("id")}};
    if (q.at("method") == "eth_getCode") {
      out["result"] = code;
    } else {
      const auto input = q.at("params").at(0).at("input").get<std::string>();
      asked.push_back(input);
      const auto& answer = input.starts_with(to_hex(l1_fee_upper_bound_call(0)).substr(0, 10)) ? l1 : operator_fee;
      if (answer)
        out["result"] = *answer;
      else
        out["error"] = {{"code", 3}, {"message", "execution reverted"}};
    }
    return out.dump();
  }
  [[nodiscard]] const std::string& name() const override { return name_; }
  std::string code = "0x6001";
  std::optional<std::string> l1 = to_hex(to_word(1'000)), operator_fee = to_hex(to_word(70));
  std::vector<std::string> asked;

 private:
  std::string name_ = "oracle";
};

}  // namespace

TEST_CASE("op stack: the fee beyond gas is the L1 bound and the operator fee") {
  Oracle oracle;
  JsonRpcNode node(oracle);
  CHECK(*is_op_stack(node));
  CHECK(*op_stack_fee(node, 214, 80'000) == 1'070);
  REQUIRE(oracle.asked.size() == 2);
  // The argument is the unsigned size, and the gas limit.
  CHECK(oracle.asked[0].ends_with("d6"));
  CHECK(oracle.asked[1].ends_with("13880"));

  oracle.operator_fee.reset();  // before Isthmus
  CHECK(*op_stack_fee(node, 214, 80'000) == 1'000);
  oracle.operator_fee = "0x";
  CHECK(op_stack_fee(node, 214, 80'000).error().kind == ErrorKind::kProtocol);
  oracle.l1.reset();  // no fee that can be read is not no fee
  CHECK(op_stack_fee(node, 214, 80'000).error().kind == ErrorKind::kProtocol);
  oracle.code = "0x";
  CHECK_FALSE(*is_op_stack(node));
}

TEST_CASE("op stack: selectors as deployed") {
  CHECK(to_hex(l1_fee_upper_bound_call(1)).substr(0, 10) == "0xf1c7a58b");
  CHECK(to_hex(operator_fee_call(1)).substr(0, 10) == "0x275aedd2");
}

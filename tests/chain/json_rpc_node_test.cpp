// The node against a scripted endpoint: every answer here is bytes that some endpoint could send.
#include "chain/json_rpc_node.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/random.hpp"
#include "support/result.hpp"
#include "support/seed.hpp"

using namespace anduin;
using namespace anduin::chain;
using nlohmann::json;

namespace {

class Script final : public RpcTransport {
 public:
  Result<std::string> post(const std::string& body, int) override {
    request = json::parse(body);
    return answer(request);
  }
  [[nodiscard]] const std::string& name() const override { return name_; }

  void result(const json& r) {
    answer = [r](const json& q) {
      return json{{"jsonrpc", "2.0"}, {"id", q.at("id")}, {"result", r}}.dump();
    };
  }
  void error(const json& e) {
    answer = [e](const json& q) {
      return json{{"jsonrpc", "2.0"}, {"id", q.at("id")}, {"error", e}}.dump();
    };
  }

  json request;
  std::function<Result<std::string>(const json&)> answer;

 private:
  std::string name_ = "rpc http://script";
};

const std::string kHashA = "0x" + std::string(64, 'a');
const std::string kHashB = "0x" + std::string(64, 'b');
const std::string kUser = "0x90f79bf6eb2c4f870365e785982e1f101e93b906";

json block_json() {
  return {{"number", "0x10"}, {"hash", kHashA}, {"timestamp", "0x65000000"}, {"baseFeePerGas", "0x7"}};
}

json log_json() {
  return {{"address", kUser},    {"topics", {kHashB}},        {"data", "0x01"},   {"blockNumber", "0x10"},
          {"blockHash", kHashA}, {"transactionHash", kHashB}, {"logIndex", "0x0"}};
}

json receipt_json() {
  return {{"transactionHash", kHashB}, {"blockHash", kHashA}, {"blockNumber", "0x10"},
          {"status", "0x1"},           {"gasUsed", "0x5208"}, {"logs", json::array({log_json()})}};
}

struct Fixture {
  Script script;
  JsonRpcNode node{script};
  Address user = *Address::parse(kUser);
  Hash a = *Hash::parse(kHashA), b = *Hash::parse(kHashB);
};

}  // namespace

TEST_CASE_METHOD(Fixture, "requests have the form that nodes read") {
  script.result("0x2105");
  CHECK(*node.chain_id() == 8453);
  CHECK(script.request.at("jsonrpc") == "2.0");
  CHECK(script.request.at("method") == "eth_chainId");
  CHECK(script.request.at("params") == json::array());
  const auto first = script.request.at("id").get<int>();

  CHECK(*node.transaction_count(user, Tag::kFinalized) == 8453);
  CHECK(script.request.at("params") == json::array({kUser, "finalized"}));
  CHECK(script.request.at("id") == first + 1);
  CHECK(*node.balance(user, std::uint64_t{255}) == 8453);
  CHECK(script.request.at("params") == json::array({kUser, "0xff"}));
  script.result("0x");
  CHECK(node.code(user, a)->empty());
  CHECK(script.request.at("params") ==
        json::array({kUser, {{"blockHash", kHashA}, {"requireCanonical", true}}}));
  CHECK(node.call(user, user, {1, 2}, Tag::kSafe)->data.empty());
  CHECK(script.request.at("params") ==
        json::array({{{"from", kUser}, {"to", kUser}, {"input", "0x0102"}}, "safe"}));
  script.result(json::array());
  CHECK(node.logs({user, 1, 2'000, {a, std::nullopt, b}})->empty());
  CHECK(script.request.at("params") == json::array({{{"address", kUser},
                                                     {"fromBlock", "0x1"},
                                                     {"toBlock", "0x7d0"},
                                                     {"topics", {kHashA, nullptr, kHashB}}}}));
}

TEST_CASE_METHOD(Fixture, "blocks") {
  script.result(block_json());
  const auto block = node.block(Tag::kLatest);
  REQUIRE(block);
  CHECK((*block)->number == 16);
  CHECK((*block)->hash == a);
  CHECK((*block)->base_fee == 7);
  CHECK((*block)->timestamp_s == 0x65000000);
  CHECK(node.block(std::uint64_t{16})->has_value());
  CHECK(node.block(a)->has_value());
  CHECK(script.request.at("method") == "eth_getBlockByHash");
  CHECK(script.request.at("params") == json::array({kHashA, false}));

  // An endpoint that answers with another block lies or is broken.
  CHECK(node.block(b).error().kind == ErrorKind::kProtocol);
  CHECK(node.block(std::uint64_t{17}).error().kind == ErrorKind::kProtocol);

  script.result(nullptr);
  CHECK_FALSE(node.block(a)->has_value());
  script.error({{"code", -39001}, {"message", "Unknown block"}});
  CHECK_FALSE(node.block(Tag::kFinalized)->has_value());
  script.error({{"code", -32000}, {"message", "finalized block not found"}});
  CHECK_FALSE(node.block(Tag::kFinalized)->has_value());
  script.error({{"code", -32000}, {"message", "internal"}});
  CHECK(node.block(Tag::kFinalized).error().kind == ErrorKind::kRetryable);
}

TEST_CASE_METHOD(Fixture, "receipts") {
  script.result(receipt_json());
  const auto receipt = node.receipt(b);
  REQUIRE(receipt);
  REQUIRE(*receipt);
  CHECK((*receipt)->success);
  CHECK((*receipt)->gas_used == 21'000);
  CHECK((*receipt)->block_hash == a);
  REQUIRE((*receipt)->logs.size() == 1);
  CHECK((*receipt)->logs[0].data == Bytes{1});

  script.result(nullptr);
  CHECK_FALSE(node.receipt(b)->has_value());
  auto preconfirmed = receipt_json();
  preconfirmed["blockHash"] = nullptr;
  script.result(preconfirmed);
  CHECK_FALSE(node.receipt(b)->has_value());

  const auto broken = [&](const char* key, const json& value) {
    auto r = receipt_json();
    r[key] = value;
    script.result(r);
    const auto answer = node.receipt(b);
    return !answer && answer.error().kind == ErrorKind::kProtocol &&
           answer.error().where.find("eth_getTransactionReceipt") != std::string::npos;
  };
  CHECK(broken("status", "0x2"));
  CHECK(broken("status", 1));
  CHECK(broken("status", nullptr));
  auto other = receipt_json();  // consistent in itself, but of a transaction that nobody asked for
  other["transactionHash"] = kHashA;
  other["logs"] = json::array();
  script.result(other);
  CHECK(node.receipt(b).error().kind == ErrorKind::kProtocol);
  CHECK(broken("logs", nullptr));
  auto foreign = log_json();
  foreign["blockHash"] = kHashB;
  CHECK(broken("logs", json::array({foreign})));
}

namespace {

Hash numbered(std::uint8_t i) {
  Hash h;
  h.bytes[31] = i;
  return h;
}

json receipt_of(const json& question) {
  const auto hash = question.at("params").at(0).get<std::string>();
  auto r = receipt_json();
  r["transactionHash"] = hash;
  r["logs"] = json::array();
  // Odd ones are not mined.
  const bool mined = (hash.back() - '0') % 2 == 0;
  return {{"jsonrpc", "2.0"}, {"id", question.at("id")}, {"result", mined ? r : json()}};
}

}  // namespace

TEST_CASE_METHOD(Fixture, "many receipts are one question, answered in any order") {
  const std::vector<Hash> asked = {numbered(4), numbered(1), numbered(2), numbered(3)};
  int posts = 0;
  script.answer = [&](const json& q) {
    ++posts;
    REQUIRE(q.is_array());
    json out = json::array();
    for (auto it = q.rbegin(); it != q.rend(); ++it) out.push_back(receipt_of(*it));
    return out.dump();
  };
  const auto got = node.receipts(asked);
  REQUIRE(got);
  CHECK(posts == 1);
  REQUIRE(got->size() == 4);
  CHECK((*got)[0]->transaction_hash == asked[0]);
  CHECK_FALSE((*got)[1]);
  CHECK((*got)[2]->transaction_hash == asked[2]);
  CHECK_FALSE((*got)[3]);

  SECTION("more than an endpoint takes at once") {
    std::vector<Hash> many;
    for (std::uint8_t i = 0; i < 230; ++i) many.push_back(numbered(i));
    std::size_t largest = 0;
    script.answer = [&](const json& q) {
      largest = std::max(largest, q.size());
      json out = json::array();
      for (const auto& each : q) out.push_back(receipt_of(each));
      return out.dump();
    };
    CHECK(node.receipts(many)->size() == 230);
    CHECK(largest == 100);
  }
  SECTION("one question inside fails: it is asked alone") {
    script.answer = [&](const json& q) {
      if (q.is_object()) return receipt_of(q).dump();
      json out = json::array();
      for (const auto& each : q) out.push_back(receipt_of(each));
      out[2].erase("result");
      out[2]["error"] = {{"code", -32005}, {"message", "limit exceeded"}};
      return out.dump();
    };
    CHECK((*node.receipts(asked))[2]);
  }
  SECTION("an answer missing, doubled, or of another question is no answer") {
    for (const int how : {0, 1, 2}) {
      Script other;
      JsonRpcNode fresh(other);
      other.answer = [&](const json& q) -> Result<std::string> {
        if (q.is_object()) return Error{ErrorKind::kRetryable, "rpc", "refused"};
        json out = json::array();
        for (const auto& each : q) out.push_back(receipt_of(each));
        if (how == 0) out.erase(3);
        if (how == 1) out[3] = out[0];
        if (how == 2) out[3]["id"] = 77'000;
        return out.dump();
      };
      CHECK(fresh.receipts(asked).error().kind == ErrorKind::kProtocol);
    }
  }
}

TEST_CASE_METHOD(Fixture, "an endpoint without batches is asked one by one, and a batch is tried again later") {
  const std::vector<Hash> asked = {numbered(2), numbered(1)};
  int batches = 0, singles = 0;
  bool refuses = true;
  script.answer = [&](const json& q) -> Result<std::string> {
    if (q.is_object()) {
      ++singles;
      return receipt_of(q).dump();
    }
    ++batches;
    if (refuses) return std::string(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no batch"}})");
    json out = json::array();
    for (const auto& each : q) out.push_back(receipt_of(each));
    return out.dump();
  };
  REQUIRE(node.receipts(asked)->size() == 2);
  CHECK(batches == 1);
  CHECK(singles == 3);  // one that tells that the endpoint lives
  REQUIRE(node.receipts(asked)->size() == 2);
  CHECK(batches == 1);
  refuses = false;
  for (int i = 0; i < 200; ++i) REQUIRE(node.receipts(asked)->size() == 2);
  CHECK(batches > 1);

  script.answer = [](const json&) { return Error{ErrorKind::kRetryable, "rpc", "timeout"}; };
  CHECK(node.receipts(asked).error().kind == ErrorKind::kRetryable);
}

TEST_CASE_METHOD(Fixture, "logs that a reorg has taken back do not count") {
  auto removed = log_json();
  removed["removed"] = true;
  auto pending = log_json();
  pending["blockHash"] = nullptr;
  script.result(json::array({log_json(), removed, pending}));
  CHECK(node.logs({user, 0, 1, {}})->size() == 1);
}

TEST_CASE_METHOD(Fixture, "calls tell a revert from a node that cannot answer") {
  script.error(
      {{"code", 3}, {"message", "execution reverted: custom error 0xc5192771"}, {"data", "0xc5192771"}});
  auto r = node.call(user, user, {}, Tag::kLatest);
  REQUIRE(r);
  CHECK(r->reverted);
  CHECK(to_hex(r->data) == "0xc5192771");
  CHECK(std::get<CallResult>(*node.estimate_gas(user, user, {})).reverted);

  // Other clients' forms of the same.
  script.error({{"code", -32000}, {"message", "execution reverted"}});
  CHECK(node.call(user, user, {}, Tag::kLatest)->reverted);
  script.error({{"code", -32015}, {"message", "VM execution error."}, {"data", "Reverted 0xc5192771"}});
  r = node.call(user, user, {}, Tag::kLatest);
  REQUIRE(r);
  CHECK(to_hex(r->data) == "0xc5192771");

  script.error({{"code", -32000}, {"message", "header not found"}});
  CHECK(node.call(user, user, {}, Tag::kLatest).error().kind == ErrorKind::kRetryable);
  script.error({{"code", -32601}, {"message", "Method not found"}});
  CHECK(node.call(user, user, {}, Tag::kLatest).error().kind == ErrorKind::kBadRequest);
  script.error({{"code", -32005}, {"message", "limit exceeded"}});
  CHECK(node.call(user, user, {}, Tag::kLatest).error().kind == ErrorKind::kRetryableAfter);
  script.result("0x5208");
  CHECK(std::get<std::uint64_t>(*node.estimate_gas(user, user, {})) == 21'000);
}

TEST_CASE_METHOD(Fixture, "sending: accepted, refused, lost, and an endpoint that names another hash") {
  const Bytes raw = {2, 1};
  script.result(keccak256(raw).to_string());
  CHECK(node.send_raw(raw)->what == SendClass::kAccepted);
  CHECK(script.request.at("params") == json::array({"0x0201"}));
  script.result(kHashA);
  CHECK(node.send_raw(raw)->what == SendClass::kUnknown);
  script.error({{"code", -32003}, {"message", "nonce too low"}});
  CHECK(node.send_raw(raw)->what == SendClass::kNonceConsumed);
  CHECK(node.send_raw(raw)->message == "nonce too low");
  script.answer = [](const json&) { return Error{ErrorKind::kRetryable, "rpc", "timeout"}; };
  CHECK(node.send_raw(raw).error().kind == ErrorKind::kRetryable);
}

TEST_CASE_METHOD(Fixture, "fees: the next base fee, the median tip, the floor") {
  json history = {{"baseFeePerGas", {"0x1", "0x2", "0x3"}},
                  {"reward", {{"0x1e8480"}, {"0x2dc6c0"}, {"0x0"}, {"0x5b8d80"}, {"0x1"}}}};
  script.result(history);
  auto fees = node.suggest_fees();
  REQUIRE(fees);
  CHECK(fees->base_fee_next == 3);
  CHECK(fees->tip == 2'000'000);
  CHECK(script.request.at("params") == json::array({"0x5", "latest", json::array({50})}));
  history["reward"] = json::array({json::array({"0x0"})});
  script.result(history);
  CHECK(node.suggest_fees()->tip == 1'000'000);
  history.erase("reward");
  script.result(history);
  CHECK(node.suggest_fees()->tip == 1'000'000);
  script.result({{"baseFeePerGas", json::array()}});
  CHECK(node.suggest_fees().error().kind == ErrorKind::kProtocol);
}

TEST_CASE_METHOD(Fixture, "answers of the wrong shape are protocol errors that name the method") {
  for (const char* text :
       {"", "null", "[]", "{}", "<html>", "{\"id\":1}", "{\"id\":99,\"result\":\"0x1\"}",
        "{\"id\":1,\"error\":7}", "{\"id\":\"1\",\"result\":\"0x1\"}", "{\"id\":1,\"result\":1}",
        "{\"id\":1,\"result\":\"1\"}", "{\"id\":1,\"result\":\"0x01\"}", "{\"id\":1,\"result\":\"0x\"}",
        "{\"id\":1,\"result\":\"0x10000000000000000\"}"}) {
    INFO(text);
    Script fresh;
    JsonRpcNode other(fresh);
    fresh.answer = [text](const json&) { return std::string(text); };
    const auto answer = other.chain_id();
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == ErrorKind::kProtocol);
    CHECK_THAT(answer.error().where, Catch::Contains("eth_chainId"));
  }
}

TEST_CASE("quantities are strict") {
  const auto text = [](const char* t) { return parse_quantity(t); };
  CHECK(text("0x0") == U256{0});
  CHECK(text("0x400") == U256{1024});
  CHECK(text("0xfF") == U256{255});
  CHECK(parse_quantity("0x" + std::string(64, 'f')) == std::numeric_limits<U256>::max());
  CHECK(parse_quantity_u64("0xffffffffffffffff") == UINT64_MAX);
  for (const char* bad : {"", "0x", "0x00", "0x0400", "400", "0X1", "0xx", "0xx1", "0x0x1", "0x-1", "0x 1",
                          "0x1 ", "-0x1", "0xg"}) {
    INFO(bad);
    CHECK_FALSE(text(bad));
  }
  CHECK_FALSE(parse_quantity("0x1" + std::string(64, '0')));
  CHECK_FALSE(parse_quantity_u64("0x10000000000000000"));
}

TEST_CASE("random quantities survive, random text is refused or is the one writing of its value") {
  const std::uint64_t seed = test::fresh_seed();
  INFO("seed " << seed << ": set ANDUIN_SEED to repeat");
  SeededRandom random(seed);
  for (int i = 0; i < 3'000; ++i) {
    U256 value = 0;
    for (auto n = random.below(5); n > 0; --n)
      value = (value & U256{UINT64_MAX}) * U256{UINT64_MAX} + U256{random.next()};
    REQUIRE(parse_quantity(to_quantity(value)) == value);
    std::string noise = random.below(2) ? "0x" : "";
    constexpr std::string_view kSigns = "0123456789abcdefx -";
    for (auto n = random.below(10); n > 0; --n) noise += kSigns[random.below(kSigns.size())];
    if (const auto parsed = parse_quantity(noise)) REQUIRE(to_quantity(*parsed) == noise);
  }
}

TEST_CASE_METHOD(Fixture, "damaged answers never crash and never pass for another receipt") {
  const std::uint64_t seed = test::fresh_seed();
  INFO("seed " << seed << ": set ANDUIN_SEED to repeat");
  SeededRandom random(seed);
  for (int i = 0; i < 3'000; ++i) {
    script.answer = [&](const json& q) -> Result<std::string> {
      std::string text = json{{"jsonrpc", "2.0"}, {"id", q.at("id")}, {"result", receipt_json()}}.dump();
      for (auto n = 1 + random.below(3); n > 0; --n) {
        const auto at = random.below(text.size());
        switch (random.below(3)) {
          case 0: text[at] = static_cast<char>(random.next()); break;
          case 1: text.erase(at, 1 + random.below(20)); break;
          default: text.insert(at, 1, static_cast<char>(' ' + random.below(95)));
        }
        if (text.empty()) break;
      }
      return text;
    };
    const auto answer = node.receipt(b);
    if (answer && *answer) REQUIRE((*answer)->transaction_hash == b);
  }
}

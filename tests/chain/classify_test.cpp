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

#include "chain/abi.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/random.hpp"
#include "support/result.hpp"
#include "support/seed.hpp"
#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::chain;
using abi::Value;

namespace {

abi::Signature signature(const std::string& text) {
  auto out = abi::Signature::parse(text);
  if (!out) throw std::runtime_error(out.error().to_string());
  return std::move(*out);
}

Value value_of(const abi::Type& type, const nlohmann::json& v) {
  switch (type.kind) {
    case abi::Kind::kAddress: return Value(*Address::parse(v.get<std::string>()));
    case abi::Kind::kUint:
      return Value(v.is_string() ? U256{v.get<std::string>()} : U256{v.get<std::uint64_t>()});
    case abi::Kind::kFixedBytes: return Value(*Hash::parse(v.get<std::string>()));
    case abi::Kind::kString: return Value(v.get<std::string>());
    case abi::Kind::kArray: {
      Value::List list;
      for (const auto& each : v) list.push_back(value_of(type.members[0], each));
      return Value(std::move(list));
    }
    case abi::Kind::kTuple: {
      const std::vector<std::string> names = {"action", "user", "amount", "refId"};
      Value::List list;
      for (std::size_t i = 0; i < names.size(); ++i)
        list.push_back(value_of(type.members[i], v.at(names[i])));
      return Value(std::move(list));
    }
    default: throw std::runtime_error("no such type in the vectors");
  }
}

std::vector<Value> values_of(const abi::Signature& s, const nlohmann::json& arguments) {
  std::vector<Value> out;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    out.push_back(value_of(s.parameters()[i].type, arguments[i]));
  return out;
}

const std::vector<std::string> kFunctions = {"creditPnl(address,uint256,bytes32)",
                                             "seizeCollateral(address,uint256,bytes32)",
                                             "seizeCollateralCapped(address,uint256,bytes32)",
                                             "usedRefIds(bytes32)",
                                             "batchSettle((uint8,address,uint256,bytes32)[])",
                                             "tryBatchSettle((uint8,address,uint256,bytes32)[])"};

}  // namespace

TEST_CASE("selectors and topics") {
  ANDUIN_NEED_SHARED();
  const auto vectors = test::shared_json("vectors/evm.json").at("selectors");
  for (const char* group : {"functions", "errors"}) {
    for (const auto& [text, selector] : vectors.at(group).items())
      CHECK(to_hex(signature(text).selector()) == selector);
  }
  for (const auto& [text, topic] : vectors.at("events").items())
    CHECK(signature(text).topic().to_string() == topic);
  for (const auto& [text, hash] : vectors.at("roles").items()) CHECK(keccak256(text).to_string() == hash);
}

TEST_CASE("calldata of the vectors, there and back") {
  ANDUIN_NEED_SHARED();
  const auto vectors = test::shared_json("vectors/evm.json").at("abi");
  REQUIRE(vectors.size() == 10);
  for (const auto& v : vectors) {
    const auto name = v.at("function").get<std::string>();
    INFO(name);
    const auto text = std::find_if(kFunctions.begin(), kFunctions.end(),
                                   [&](const std::string& f) { return f.starts_with(name + "("); });
    REQUIRE(text != kFunctions.end());
    const abi::Signature s = signature(*text);
    const auto arguments = values_of(s, v.at("args"));
    const auto calldata = s.encode_call(arguments);
    REQUIRE(calldata);
    CHECK(to_hex(*calldata) == v.at("calldata"));
    const auto back = s.decode_call(*calldata);
    REQUIRE(back);
    CHECK(*back == arguments);
  }
}

TEST_CASE("revert data of the vectors") {
  ANDUIN_NEED_SHARED();
  const auto vectors = test::shared_json("vectors/evm.json");
  std::vector<abi::Signature> errors;
  for (const auto& [text, selector] : vectors.at("selectors").at("errors").items()) {
    if (!text.starts_with("Error(") && !text.starts_with("Panic(")) errors.push_back(signature(text));
  }
  REQUIRE(vectors.at("revertData").size() == 10);
  for (const auto& v : vectors.at("revertData")) {
    const auto name = v.at("name").get<std::string>();
    INFO(name);
    const auto data = *from_hex(v.at("data").get<std::string>());
    const abi::Revert revert = abi::decode_revert(data, errors);
    CHECK(revert.data == data);
    if (data.empty()) {
      CHECK(revert.name.empty());
      CHECK(revert.to_string() == "no data");
      continue;
    }
    CHECK(revert.name == name.substr(0, name.find('(')));
    const auto expected = v.value("args", nlohmann::json::array());
    REQUIRE(revert.arguments.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto want = expected[i].get<std::string>();
      const std::string got = revert.arguments[i].to_string();
      CHECK(got == (name == "Error(string)" ? "\"" + want + "\"" : want));
    }
  }
}

TEST_CASE("a revert that no signature explains keeps its bytes") {
  const Bytes unknown = {0xde, 0xad, 0xbe, 0xef};
  const auto revert = abi::decode_revert(unknown, {});
  CHECK(revert.name.empty());
  CHECK(revert.data == unknown);
  CHECK(revert.to_string() == "unknown error 0xdeadbeef");
  // Right selector, wrong arguments: not explained either.
  Bytes torn = {0x08, 0xc3, 0x79, 0xa0, 0x00};
  CHECK(abi::decode_revert(torn, {}).name.empty());
}

TEST_CASE("dynamic values nest") {
  // Worked out by hand: two words of head, then each tail at its offset.
  const auto s = signature("f(string,(uint8,bytes)[])");
  const std::vector<Value> arguments = {
      Value(std::string("hi")), Value(Value::List{Value(Value::List{Value(U256{7}), Value(Bytes{0xab})})})};
  const auto word = [](std::uint64_t x) { return to_hex(to_word(x)).substr(2); };
  const auto left = [](std::string digits) { return digits + std::string(64 - digits.size(), '0'); };
  const std::string expected = word(0x40) + word(0x80) + word(2) + left("6869") + word(1) + word(0x20) +
                               word(7) + word(0x40) + word(1) + left("ab");
  const auto data = s.encode_call(arguments);
  REQUIRE(data);
  CHECK(to_hex(std::span(*data).subspan(4)) == "0x" + expected);
  CHECK(*s.decode_call(*data) == arguments);
}

TEST_CASE("signatures that are none are refused with the place") {
  for (const char* bad : {"",
                          "()",
                          "f",
                          "f(",
                          "f)",
                          "f(uint257)",
                          "f(uint7)",
                          "f(uint0)",
                          "f(uint08)",
                          "f(int256)",
                          "f(bytes33)",
                          "f(bytes0)",
                          "f(uint256[3])",
                          "f(uint256,)",
                          "f(,uint256)",
                          "f(uint256) returns",
                          "f((uint256)",
                          "1f()",
                          "f(())",
                          "f(address payable x y)",
                          "f(uint256 indexed a b)"}) {
    INFO(bad);
    const auto parsed = abi::Signature::parse(bad);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().kind == ErrorKind::kBadRequest);
    CHECK_THAT(parsed.error().text, Catch::Contains("at character"));
  }
  CHECK_FALSE(abi::Signature::parse("f(" + std::string(50, '(') + "uint8" + std::string(50, ')') + ")"));
  CHECK(signature("f( uint a , ( bool b,string )[] c )").canonical() == "f(uint256,(bool,string)[])");
  CHECK(abi::parse_type("(uint8,bytes)[][]")->canonical() == "(uint8,bytes)[][]");
}

TEST_CASE("values that do not fit are refused") {
  const auto fails = [](const char* text, Value v) {
    return !signature(text).encode_call(std::vector<Value>{std::move(v)});
  };
  CHECK(fails("f(uint8)", Value(U256{256})));
  CHECK_FALSE(fails("f(uint8)", Value(U256{255})));
  CHECK(fails("f(uint8)", Value(true)));
  CHECK(fails("f(address)", Value(Hash{})));
  CHECK(fails("f(bytes32)", Value(Bytes(32))));
  CHECK(fails("f(bytes4)", Value(Bytes(3))));
  CHECK(fails("f((uint8,uint8))", Value(Value::List{Value(U256{1})})));
  CHECK(fails("f(uint8[])", Value(Value::List{Value(U256{1}), Value(true)})));
  CHECK_FALSE(signature("f(uint8)").encode_call(std::vector<Value>{}));
}

TEST_CASE("decoding refuses what points outside or does not fit") {
  const auto decode = [](const char* type, const std::string& words) {
    const auto t = *abi::parse_type(type);
    return abi::decode({&t, 1}, *from_hex(words)).has_value();
  };
  const auto word = [](const std::string& tail) { return std::string(64 - tail.size(), '0') + tail; };
  CHECK(decode("bool", word("1")));
  CHECK_FALSE(decode("bool", word("2")));
  CHECK_FALSE(decode("bool", word("1").substr(2)));
  CHECK_FALSE(decode("uint8", word("100")));
  CHECK_FALSE(decode("address", "01" + std::string(62, '0')));
  CHECK_FALSE(decode("bytes4", word("1")));
  CHECK_FALSE(decode("bytes", word("40") + word("0")));
  CHECK(decode("bytes", word("20") + word("0")));
  CHECK_FALSE(decode("bytes", word("20") + word("1")));
  CHECK_FALSE(decode("string", std::string(64, 'f')));
  CHECK_FALSE(decode("uint256[]", word("20") + word("ffffffff") + word("1")));
  // Three arrays of 256 whose elements all point to one place: 24 kB that would unfold into 16 million
  // values.
  std::string bomb = word("20");
  for (int level = 0; level < 3; ++level) {
    bomb += word("100");
    for (int i = 0; i < 256; ++i) bomb += level < 2 ? word("2000") : word("1");
  }
  CHECK_FALSE(decode("uint8[][][]", bomb));
  CHECK(decode("uint8[]", word("20") + bomb.substr(bomb.size() - 257 * 64)));
}

TEST_CASE("random values survive, random bytes never crash") {
  const std::uint64_t seed = test::fresh_seed();
  INFO("seed " << seed << ": set ANDUIN_SEED to repeat");
  SeededRandom random(seed);
  const auto s = signature("f(uint256,(uint8,address,bytes)[],string,bytes32,bool,uint64[])");
  const auto bytes = [&](std::size_t n) {
    Bytes out(n);
    for (auto& b : out) b = static_cast<std::uint8_t>(random.next());
    return out;
  };
  for (int i = 0; i < 500; ++i) {
    Value::List tuples, numbers;
    for (auto n = random.below(5); n > 0; --n) {
      Address who;
      for (auto& b : who.bytes) b = static_cast<std::uint8_t>(random.next());
      tuples.emplace_back(
          Value::List{Value(U256{random.below(256)}), Value(who), Value(bytes(random.below(70)))});
    }
    for (auto n = random.below(5); n > 0; --n) numbers.emplace_back(U256{random.next()});
    const Bytes text = bytes(random.below(40));
    const std::vector<Value> arguments = {Value(from_big_endian(bytes(32))),
                                          Value(std::move(tuples)),
                                          Value(std::string(text.begin(), text.end())),
                                          Value(keccak256(text)),
                                          Value(random.below(2) == 1),
                                          Value(std::move(numbers))};
    auto data = s.encode_call(arguments);
    REQUIRE(data);
    REQUIRE(*s.decode_call(*data) == arguments);
    for (int damage = 0; damage < 20; ++damage) {
      Bytes other = *data;
      other[4 + random.below(other.size() - 4)] ^= static_cast<std::uint8_t>(1U << random.below(8));
      if (random.below(4) == 0) other.resize(random.below(other.size()));
      (void)s.decode_call(other);
      (void)abi::decode_revert(other, {});
    }
  }
}

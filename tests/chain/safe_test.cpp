// The SafeTx hash, the calls and the events of a Safe against vectors that equal the deployed contract's answers.
#include "chain/safe.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/random.hpp"
#include "support/result.hpp"
#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::chain;
using nlohmann::json;

namespace {

SafeTx tx_of(const json& in) {
  SafeTx tx;
  tx.to = *Address::parse(in.at("to").get<std::string>());
  tx.value = U256(in.at("value").get<std::string>());
  tx.data = *from_hex(in.at("data").get<std::string>());
  tx.operation = in.at("operation") == 1 ? SafeOperation::kDelegateCall : SafeOperation::kCall;
  tx.safe_tx_gas = std::stoull(in.at("safeTxGas").get<std::string>());
  tx.nonce = in.at("nonce").get<std::uint64_t>();
  return tx;
}

SafeSignature signature_of(const json& hex) {
  const Bytes bytes = *from_hex(hex.get<std::string>());
  SafeSignature out{};
  REQUIRE(bytes.size() == out.size());
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

}  // namespace

TEST_CASE("safe: hashes, owners' signatures and calldata of the vectors") {
  ANDUIN_NEED_SHARED();
  const auto vectors = test::shared_json("vectors/evm.json").at("safe");
  REQUIRE(vectors.at("cases").size() == 3);
  SeededRandom random(3);
  for (const auto& v : vectors.at("cases")) {
    INFO(v.at("label"));
    const json& in = v.at("input");
    const auto chain_id = in.at("chainId").get<std::uint64_t>();
    const Address safe = *Address::parse(in.at("safe").get<std::string>());
    const SafeTx tx = tx_of(in);
    CHECK(safe_domain_separator(chain_id, safe).to_string() == v.at("domainSeparator"));
    const Hash hash = safe_tx_hash(chain_id, safe, tx);
    CHECK(hash.to_string() == v.at("safeTxHash"));

    std::vector<SafeSignature> made, by_message;
    for (std::size_t i = 0; i < v.at("signatures").size(); ++i) {
      const json& s = v.at("signatures").at(i);
      const auto key = LocalSigner::from_hex_key(vectors.at("ownerKeys").at(i).get<std::string>(), random);
      made.push_back(*(*key)->sign_safe(hash));
      CHECK(made.back() == signature_of(s.at("eip712")));
      CHECK(recover_safe_owner(hash, made.back())->to_string() == s.at("owner"));
      by_message.push_back(signature_of(s.at("ethSign")));
      CHECK(recover_safe_owner(hash, by_message.back())->to_string() == s.at("owner"));
    }
    const auto packed = pack_safe_signatures(hash, made);
    REQUIRE(packed);
    CHECK(to_hex(*packed) == v.at("packedSignatures"));
    std::swap(made[0], made[1]);  // whoever signs first, the contract wants them by address
    CHECK(*pack_safe_signatures(hash, made) == *packed);
    made[0] = by_message[1];  // the second owner, now by a message
    CHECK(pack_safe_signatures(hash, made)->size() == 130);
    made[1] = by_message[1];
    CHECK(pack_safe_signatures(hash, made).error().kind == ErrorKind::kBadRequest);
    made[1][64] = 26;
    CHECK(pack_safe_signatures(hash, made).error().kind == ErrorKind::kProtocol);

    const Bytes call = safe_execution_call(tx, *packed);
    CHECK(to_hex(call) == v.at("execTransaction"));
    const auto back = parse_safe_execution(call);
    REQUIRE(back);
    SafeTx without_nonce = tx;
    without_nonce.nonce = 0;
    CHECK(back->tx == without_nonce);
    CHECK(back->signatures == *packed);
  }
}

TEST_CASE("safe: every field of a SafeTx is in its hash") {
  const Address safe = *Address::parse("0x12BF26E5576F3d320DF0922eb5fa01d90F57891E");
  SafeTx tx;
  tx.to = safe;
  tx.data = {1, 2, 3};
  const Hash hash = safe_tx_hash(1, safe, tx);
  const auto differs = [&](auto change) {
    SafeTx other = tx;
    change(other);
    return safe_tx_hash(1, safe, other) != hash;
  };
  CHECK(differs([](SafeTx& t) { t.to.bytes[0] ^= 1U; }));
  CHECK(differs([](SafeTx& t) { t.value = 1; }));
  CHECK(differs([](SafeTx& t) { t.data.push_back(0); }));
  CHECK(differs([](SafeTx& t) { t.operation = SafeOperation::kDelegateCall; }));
  CHECK(differs([](SafeTx& t) { t.safe_tx_gas = 1; }));
  CHECK(differs([](SafeTx& t) { t.nonce = 1; }));
  CHECK(safe_tx_hash(2, safe, tx) != hash);
  Address other = safe;
  other.bytes[19] ^= 1U;
  CHECK(safe_tx_hash(1, other, tx) != hash);
}

TEST_CASE("safe: several calls in one, as MultiSendCallOnly reads them") {
  ANDUIN_NEED_SHARED();
  const auto v = test::shared_json("vectors/evm.json").at("multiSend");
  std::vector<SafeCall> calls;
  for (const auto& item : v.at("items"))
    calls.push_back({*Address::parse(item.at("to").get<std::string>()), *from_hex(item.at("data").get<std::string>())});
  CHECK(to_hex(multi_send_call(calls)) == v.at("calldata"));
  const auto read = parse_multi_send(multi_send_call(calls));
  REQUIRE(read);
  REQUIRE(read->size() == calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CHECK((*read)[i].to == calls[i].to);
    CHECK((*read)[i].data == calls[i].data);
  }
  CHECK(default_multi_send().to_string() == "0x9641d764fc13c8B624c04430C7356C1C7C8102e2");
}

TEST_CASE("safe: packed calls are read with nothing hidden in them") {
  const SafeCall one{*Address::parse("0x12BF26E5576F3d320DF0922eb5fa01d90F57891E"), {1, 2, 3}};
  const Bytes good = multi_send_call(std::array{one, one});
  constexpr std::size_t kFirst = 4 + 64;  // selector, offset, length: then the first call
  REQUIRE(parse_multi_send(good)->size() == 2);
  const auto why = [&](std::size_t at, std::uint8_t value) {
    Bytes changed = good;
    changed.at(at) = value;
    const auto read = parse_multi_send(changed);
    return read ? std::string() : read.error().to_string();
  };
  CHECK(why(kFirst, 1).find("a delegatecall among calls") != std::string::npos);
  CHECK(why(kFirst + 1 + 20 + 31, 1).find("a call that pays somebody") != std::string::npos);
  CHECK(why(kFirst + 1 + 20 + 32, 0xff).find("end in the middle") != std::string::npos);
  CHECK(why(kFirst + 1 + 20 + 32 + 31, 100).find("end in the middle") != std::string::npos);
  CHECK_FALSE(why(0, 0).empty());
  CHECK_FALSE(parse_multi_send(Bytes(good.begin(), good.begin() + 40)));
}

TEST_CASE("safe: executions are read with the hash indexed and not, and only of this Safe") {
  const Address safe = *Address::parse("0x12BF26E5576F3d320DF0922eb5fa01d90F57891E");
  const Hash hash = keccak256("x");
  Log log;
  log.address = safe;
  log.topics = {*Hash::parse("0x442e715f626346e8c54381002da614f62bee8d27386535b2521ec8540898556e"), hash};
  log.data = Bytes(32, 0);
  auto seen = parse_safe_event(safe, log);
  REQUIRE(seen);
  CHECK(seen->success);
  CHECK(seen->safe_tx_hash == hash);
  log.topics = {*Hash::parse("0x23428b18acfb3ea64b08dc0c1d296ea9c09702c09083ca5272e64d115b687d23")};
  log.data.assign(hash.bytes.begin(), hash.bytes.end());
  log.data.resize(64);
  seen = parse_safe_event(safe, log);
  REQUIRE(seen);
  CHECK_FALSE(seen->success);
  CHECK(seen->safe_tx_hash == hash);
  log.data.resize(63);
  CHECK_FALSE(parse_safe_event(safe, log));
  log.data.resize(64);
  log.address.bytes[0] ^= 1U;
  CHECK_FALSE(parse_safe_event(safe, log));
}

TEST_CASE("safe: an execution that pays somebody, or is none, is not read") {
  SafeTx tx;
  tx.data = {1, 2, 3};
  const Bytes good = safe_execution_call(tx, Bytes(130, 7));
  REQUIRE(parse_safe_execution(good));
  const auto with_word = [&](std::size_t index, std::uint8_t value) {
    Bytes bad = good;
    bad[4 + 32 * index + 31] = value;
    return parse_safe_execution(bad);
  };
  CHECK_FALSE(with_word(3, 2));  // operation
  for (const std::size_t index : {5U, 6U, 7U, 8U}) CHECK_FALSE(with_word(index, 1));
  CHECK_FALSE(parse_safe_execution(safe_execution_call(tx, Bytes(64, 7))));
  CHECK_FALSE(parse_safe_execution(Bytes{1, 2, 3, 4}));
}

TEST_CASE("safe: its error texts have words") {
  CHECK(safe_error_words("execution reverted: revert: GS013") == "GS013: the call inside the Safe failed");
  CHECK(safe_error_words("GS020").find("threshold") != std::string::npos);
  CHECK(safe_error_words("GS026").find("another Safe nonce") != std::string::npos);
  CHECK(safe_error_words("DuplicateRefId()").empty());
}

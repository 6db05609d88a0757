#include "chain/transaction.hpp"

#include <catch2/catch.hpp>

#include "base/random.hpp"
#include "chain/rlp.hpp"
#include "support/result.hpp"
#include "support/seed.hpp"
#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::chain;

namespace {

// The first key of the well-known development mnemonic.
constexpr const char* kKey = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

std::unique_ptr<LocalSigner> signer_of(const std::string& key) {
  SeededRandom random(1);
  auto out = LocalSigner::from_hex_key(key, random);
  if (!out) throw std::runtime_error(out.error().to_string());
  return std::move(*out);
}

Transaction transaction_of(const nlohmann::json& v) {
  Transaction t;
  t.chain_id = v.at("chainId");
  t.nonce = v.at("nonce");
  t.tip = U256{v.at("maxPriorityFeePerGas").get<std::string>()};
  t.max_fee = U256{v.at("maxFeePerGas").get<std::string>()};
  t.gas_limit = std::stoull(v.at("gas").get<std::string>());
  t.to = Address::parse(v.at("to").get<std::string>());
  t.value = U256{v.at("value").get<std::string>()};
  t.data = *from_hex(v.at("data").get<std::string>());
  return t;
}

Transaction sample() {
  Transaction t;
  t.chain_id = 8453;
  t.nonce = 7;
  t.tip = 1'000'000;
  t.max_fee = 12'000'000;
  t.gas_limit = 95'000;
  t.to = Address::parse("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512");
  t.data = {1, 2, 3};
  return t;
}

/// A backend that signs with another key than its address says.
class LyingSigner final : public Signer {
 public:
  LyingSigner() : real_(signer_of(kKey)) {}
  [[nodiscard]] const Address& address() const override { return claimed_; }
  Result<Signature> sign(const Hash& digest) override {
    auto out = real_->sign(digest);
    if (high_s) {
      const U256 order{"0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"};
      out->s = to_word(order - from_big_endian(out->s));
      out->y_parity ^= 1U;
    }
    return out;
  }
  [[nodiscard]] bool deterministic() const override { return false; }
  bool high_s = false;
  void claim(const Address& a) { claimed_ = a; }
  [[nodiscard]] const Address& real() const { return real_->address(); }

 private:
  std::unique_ptr<LocalSigner> real_;
  Address claimed_;
};

}  // namespace

TEST_CASE("type 2 transactions of the vectors, byte for byte") {
  ANDUIN_NEED_SHARED();
  const auto vectors = test::shared_json("vectors/evm.json").at("tx1559");
  REQUIRE(vectors.size() == 23);
  for (const auto& v : vectors) {
    INFO(v.at("label"));
    const Transaction t = transaction_of(v.at("input"));
    const auto signer = signer_of(v.at("privateKey"));
    CHECK(signer->address().to_string() == v.at("from"));
    CHECK(to_hex(t.unsigned_bytes()) == v.at("unsigned"));
    CHECK(t.signing_hash().to_string() == v.at("sigHash"));
    const auto signature = signer->sign(t.signing_hash());
    REQUIRE(signature);
    CHECK(signature->y_parity == v.at("yParity").get<int>());
    CHECK(to_hex(signature->r) == v.at("r"));
    CHECK(to_hex(signature->s) == v.at("s"));
    const auto made = sign(t, *signer);
    REQUIRE(made);
    CHECK(to_hex(made->raw) == v.at("raw"));
    CHECK(made->hash.to_string() == v.at("hash"));

    const auto back = decode_transaction(made->raw);
    REQUIRE(back);
    CHECK(back->transaction == t);
    CHECK(back->sender == signer->address());
    CHECK(back->signature == *signature);
    CHECK(back->hash == made->hash);
  }
}

TEST_CASE("personal messages of the vectors") {
  ANDUIN_NEED_SHARED();
  const auto vectors = test::shared_json("vectors/evm.json").at("personalSign");
  for (const auto& v : vectors) {
    const Hash digest = personal_message_hash(v.at("messageUtf8").get<std::string>());
    CHECK(digest.to_string() == v.at("hash"));
    const auto signature = signer_of(v.at("privateKey"))->sign(digest);
    REQUIRE(signature);
    Bytes bytes(signature->r.begin(), signature->r.end());
    bytes.insert(bytes.end(), signature->s.begin(), signature->s.end());
    bytes.push_back(static_cast<std::uint8_t>(27 + signature->y_parity));
    CHECK(to_hex(bytes) == v.at("signature"));
    CHECK(recover(digest, *signature)->to_string() == v.at("signer"));
  }
}

TEST_CASE("keys that are none are refused and never quoted") {
  SeededRandom random(1);
  const std::string zero(64, '0'), ones(64, 'f');
  for (const std::string& bad :
       {std::string(), std::string("0x"), zero, ones, std::string(63, '1'), std::string(65, '1'),
        std::string(62, '1') + "zz", "0x0x" + std::string(62, '1')}) {
    const auto signer = LocalSigner::from_hex_key(bad, random);
    REQUIRE_FALSE(signer);
    CHECK(signer.error().kind == ErrorKind::kBadRequest);
    if (bad.size() > 10) CHECK_THAT(signer.error().to_string(), !Catch::Contains(bad.substr(0, 10)));
  }
  CHECK(LocalSigner::from_hex_key(std::string(kKey).substr(2), random).value()->deterministic());
}

TEST_CASE("the blinding of the context does not change signatures") {
  const Hash digest = keccak256("digest");
  SeededRandom one(1), two(2);
  const auto a = LocalSigner::from_hex_key(kKey, one).value()->sign(digest);
  const auto b = LocalSigner::from_hex_key(kKey, two).value()->sign(digest);
  REQUIRE(a);
  CHECK(*a == *b);
}

TEST_CASE("a signer whose signatures are not its address's is refused before anything is sent") {
  LyingSigner signer;
  signer.claim(*Address::parse("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"));
  const auto made = sign(sample(), signer);
  REQUIRE_FALSE(made);
  CHECK(made.error().kind == ErrorKind::kFatal);
  signer.claim(signer.real());
  CHECK(sign(sample(), signer));
  signer.high_s = true;  // KMS backends give these; a pool refuses them
  CHECK_FALSE(sign(sample(), signer));
}

TEST_CASE("only canonical signed type 2 transactions decode") {
  const auto signer = signer_of(kKey);
  const Transaction t = sample();
  const Bytes raw = sign(t, *signer)->raw;
  CHECK_FALSE(decode_transaction({}));
  CHECK_FALSE(decode_transaction(t.unsigned_bytes()));
  Bytes legacy = raw;
  legacy[0] = 0x01;
  CHECK_FALSE(decode_transaction(legacy));
  Bytes longer = raw;
  longer.push_back(0);
  CHECK_FALSE(decode_transaction(longer));

  auto list = *rlp::decode(std::span(raw).subspan(1));
  const auto typed = [](const rlp::Item& item) {
    Bytes out = rlp::encode(item);
    out.insert(out.begin(), 0x02);
    return out;
  };
  CHECK(decode_transaction(typed(list)));
  auto with_access_list = list;
  with_access_list.items[8].items.push_back(rlp::Item::list({}));
  CHECK_FALSE(decode_transaction(typed(with_access_list)));
  auto short_receiver = list;
  short_receiver.items[5].bytes.pop_back();
  CHECK_FALSE(decode_transaction(typed(short_receiver)));
  auto parity = list;
  parity.items[9] = rlp::Item::integer(27);
  CHECK_FALSE(decode_transaction(typed(parity)));
}

TEST_CASE("random transactions survive, damaged ones never keep their sender") {
  const std::uint64_t seed = test::fresh_seed();
  INFO("seed " << seed << ": set ANDUIN_SEED to repeat");
  SeededRandom random(seed);
  const auto signer = signer_of(kKey);
  for (int i = 0; i < 60; ++i) {
    Transaction t = sample();
    t.nonce = random.next() >> random.below(64);
    t.tip = U256{random.next() >> random.below(64)};
    t.max_fee = U256{random.next()} * random.below(1'000'000);
    t.gas_limit = random.next() >> random.below(64);
    t.value = U256{random.next() >> random.below(64)};
    t.data.resize(random.below(300));
    for (auto& b : t.data) b = static_cast<std::uint8_t>(random.next());
    if (random.below(5) == 0) t.to.reset();
    const auto made = sign(t, *signer);
    REQUIRE(made);
    REQUIRE(decode_transaction(made->raw)->transaction == t);
    for (int damage = 0; damage < 10; ++damage) {
      Bytes other = made->raw;
      other[random.below(other.size())] ^= static_cast<std::uint8_t>(1U << random.below(8));
      const auto parsed = decode_transaction(other);
      REQUIRE((!parsed || parsed->sender != signer->address()));
    }
  }
}

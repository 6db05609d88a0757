// web3signer over real HTTP: one that signs properly, and each way in which one could give back something else.
#include "chain/web3signer.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/random.hpp"
#include "chain/http_double.hpp"
#include "chain/http_transport.hpp"
#include "chain/transaction.hpp"
#include "support/result.hpp"

using namespace anduin;
using namespace anduin::chain;
using anduin::chain::test::HttpDouble;
using nlohmann::json;

namespace {

// Publicly known development keys, of no value anywhere.
const char* const kKey = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
const char* const kOtherKey = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a";

std::unique_ptr<LocalSigner> key_of(const char* hex) {
  SeededRandom random(7);
  return std::move(*LocalSigner::from_hex_key(hex, random));
}

Transaction sample() {
  Transaction t;
  t.chain_id = 31337;
  t.nonce = 300;
  t.tip = 1'000'000;
  t.max_fee = U256("5000000000");
  t.gas_limit = 120'000;
  t.to = *Address::parse("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512");
  t.data = *from_hex("0x247c55b2000102");
  return t;
}

/// What a web3signer does with its JSON, and what a bent one does afterwards.
class FakeWeb3Signer {
 public:
  std::function<void(Transaction&)> bend;
  std::function<std::string(const Transaction&)> raw;  ///< instead of signing
  std::unique_ptr<LocalSigner> key = key_of(kKey);
  json accounts = {"0x70997970c51812dc3a010c7d01b50e0d17dc79c8"};
  std::vector<std::string> methods;

  std::optional<net::HttpResponse> operator()(const net::ServerRequest& request) {
    const json q = json::parse(request.body);
    methods.push_back(q.at("method"));
    json answer{{"jsonrpc", "2.0"}, {"id", q.at("id")}};
    if (q.at("method") == "eth_accounts") {
      answer["result"] = accounts;
    } else if (q.at("method") == "eth_sign") {
      const Bytes message = *from_hex(q.at("params").at(1).get<std::string>());
      const auto signature =
          *key->sign(personal_message_hash({reinterpret_cast<const char*>(message.data()), message.size()}));
      Bytes bytes(signature.r.begin(), signature.r.end());
      bytes.insert(bytes.end(), signature.s.begin(), signature.s.end());
      bytes.push_back(static_cast<std::uint8_t>(27 + signature.y_parity));
      answer["result"] = to_hex(bytes);
    } else if (q.at("method") == "eth_signTransaction") {
      const json& p = q.at("params").at(0);
      Transaction t;
      const auto number = [&](const char* name) { return *parse_quantity(p.at(name).get<std::string>()); };
      t.chain_id = 31337;  // a web3signer's own setting
      t.nonce = static_cast<std::uint64_t>(number("nonce"));
      t.gas_limit = static_cast<std::uint64_t>(number("gas"));
      t.max_fee = number("maxFeePerGas");
      t.tip = number("maxPriorityFeePerGas");
      t.value = number("value");
      t.data = *from_hex(p.at("data").get<std::string>());
      t.to = Address::parse(p.at("to").get<std::string>());
      if (bend) bend(t);
      answer["result"] = raw ? raw(t) : to_hex(t.raw(*key->sign(t.signing_hash())));
    } else {
      answer["error"] = {{"code", -32601}, {"message", "Method not found"}};
    }
    return net::HttpResponse{200, {{"Content-Type", "application/json"}}, answer.dump()};
  }
};

struct Fixture {
  FakeWeb3Signer fake;
  HttpDouble server{[this](const net::ServerRequest& r) { return fake(r); }};
  std::unique_ptr<HttpTransport> transport = std::move(*HttpTransport::create(server.url));
  Web3Signer signer{*transport, key_of(kKey)->address(), {.timeout_ms = 5'000}};

  Error refused() {
    const auto made = sign(sample(), signer);
    REQUIRE_FALSE(made);
    return made.error();
  }
  void check_refused(const char* words) {
    const Error error = refused();
    INFO(error.to_string());
    CHECK(error.kind == ErrorKind::kFatal);
    CHECK(error.text.find(words) != std::string::npos);
  }
};

}  // namespace

TEST_CASE("web3signer: its bytes are those of the key itself, and only eth_signTransaction is asked") {
  Fixture f;
  REQUIRE(f.signer.verify());
  const auto made = sign(sample(), f.signer);
  REQUIRE(made);
  CHECK(made->raw == sign(sample(), *key_of(kKey))->raw);
  CHECK(f.fake.methods == std::vector<std::string>{"eth_accounts", "eth_signTransaction"});
}

TEST_CASE("web3signer: a transaction with any other field is refused") {
  Fixture f;
  const struct {
    std::function<void(Transaction&)> bend;
    const char* words;
  } cases[] = {
      {[](Transaction& t) { t.nonce = 301; }, "its nonce is 301 where 300 was asked"},
      {[](Transaction& t) { t.chain_id = 1; }, "its chain id is 1"},
      {[](Transaction& t) { t.to->bytes[19] ^= 1U; }, "its receiver is another one"},
      {[](Transaction& t) { t.to.reset(); }, "its receiver is another one"},
      {[](Transaction& t) { t.value = 1; }, "its value is 1 where 0 was asked"},
      {[](Transaction& t) { t.data.back() ^= 1U; }, "its data is not what was asked"},
      {[](Transaction& t) { t.gas_limit += 1; }, "its gas limit is 120001"},
      {[](Transaction& t) { t.max_fee += 1; }, "its fee is 5000000001"},
      {[](Transaction& t) { t.tip = 0; }, "its tip is 0"},
  };
  for (const auto& c : cases) {
    f.fake.bend = c.bend;
    f.check_refused(c.words);
  }
}

TEST_CASE("web3signer: another key, a high s, garbage") {
  Fixture f;
  f.fake.key = key_of(kOtherKey);
  f.check_refused("they are of 0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC");
  f.fake.key = key_of(kKey);
  f.fake.raw = [&](const Transaction& t) {
    auto s = *f.fake.key->sign(t.signing_hash());
    const U256 order{"0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"};
    s.s = to_word(order - from_big_endian(s.s));
    s.y_parity ^= 1U;
    return to_hex(t.raw(s));
  };
  f.check_refused("s is in the upper half");
  f.fake.raw = [&](const Transaction& t) {  // two transactions in one answer
    const auto one = t.raw(*f.fake.key->sign(t.signing_hash()));
    return to_hex(one) + to_hex(one).substr(2);
  };
  f.check_refused("");
  for (const char* garbage : {"0x", "0x02", "0x02c0", "0xdeadbeef"}) {
    f.fake.raw = [garbage](const Transaction&) { return std::string(garbage); };
    f.check_refused("");
  }
  for (const char* garbage : {"", "02", "0xzz", "0x123"}) {
    f.fake.raw = [garbage](const Transaction&) { return std::string(garbage); };
    CHECK(f.refused().kind == ErrorKind::kProtocol);
  }
}

TEST_CASE("web3signer: away, busy, refusing and dumb are told apart, and nothing is signed") {
  Fixture f;
  f.server.answers([](const net::ServerRequest&) { return net::HttpResponse{503, {}, "later"}; });
  CHECK(f.refused().kind == ErrorKind::kRetryable);
  f.server.answers([](const net::ServerRequest&) { return net::HttpResponse{429, {{"Retry-After", "2"}}, ""}; });
  CHECK(f.refused().kind == ErrorKind::kRetryableAfter);
  CHECK(f.refused().retry_after_ms == 2'000);
  f.server.answers([](const net::ServerRequest&) { return net::HttpResponse{401, {}, ""}; });
  CHECK(f.refused().kind == ErrorKind::kAuth);
  const auto says = [&](const std::string& body) {
    f.server.answers([body](const net::ServerRequest&) { return net::HttpResponse{200, {}, body}; });
    return f.refused();
  };
  const Error no_key = says(R"({"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no such account"}})");
  CHECK(no_key.kind == ErrorKind::kAuth);
  CHECK(no_key.text == "refused: no such account");
  for (const char* body : {"", "[]", "{}", "nonsense", R"({"jsonrpc":"2.0","id":999,"result":"0x02"})",
                           R"({"jsonrpc":"2.0","id":1,"result":{"raw":"0x02"}})"})
    CHECK(says(body).kind == ErrorKind::kProtocol);
}

TEST_CASE("web3signer: one that hangs costs no more than the time-out") {
  Fixture f;
  Web3Signer hasty{*f.transport, f.signer.address(), {.timeout_ms = 200}};
  f.server.answers([](const net::ServerRequest&) { return std::optional<net::HttpResponse>(); });
  const auto start = std::chrono::steady_clock::now();
  const auto made = sign(sample(), hasty);
  REQUIRE_FALSE(made);
  CHECK(made.error().kind == ErrorKind::kRetryable);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("web3signer: a service without our account is refused before anything depends on it") {
  Fixture f;
  f.fake.accounts = {"0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"};
  const auto verified = f.signer.verify();
  REQUIRE_FALSE(verified);
  CHECK(verified.error().kind == ErrorKind::kBadRequest);
  CHECK(verified.error().text.find("does not hold the key of 0x70997970C51812dc3A010C7d01b50e0d17dc79C8") !=
        std::string::npos);
  f.fake.accounts = json::array();
  CHECK(f.signer.verify().error().kind == ErrorKind::kBadRequest);
  f.fake.accounts = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";
  CHECK(f.signer.verify().error().kind == ErrorKind::kProtocol);
}

TEST_CASE("web3signer: an owner of a Safe approves by eth_sign, which recovers to it") {
  Fixture f;
  const Hash hash = keccak256("a SafeTx");
  const auto signature = f.signer.sign_safe(hash);
  REQUIRE(signature);
  CHECK(((*signature)[64] == 31 || (*signature)[64] == 32));
  CHECK(*recover_safe_owner(hash, *signature) == f.signer.address());
  CHECK(*recover_safe_owner(keccak256("another"), *signature) != f.signer.address());
}

// Keystore files of the vectors, the wrong password, and files that want to cost us too much.
#include "chain/keystore.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/random.hpp"
#include "support/result.hpp"
#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::chain;
using nlohmann::json;

namespace {

/// The cheapest of the vectors to open.
json small_file() {
  static const json vectors = test::shared_json("vectors/evm.json").at("keystoreV3");
  return vectors.at(1).at("keystore");
}

Error refused(const json& file, std::string_view password = "testpassword") {
  SeededRandom random(1);
  const auto opened = open_keystore(file.dump(), password, random);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().to_string().find("testpassword") == std::string::npos);
  return opened.error();
}

}  // namespace

TEST_CASE("keystore: every file of the vectors opens with its password") {
  ANDUIN_NEED_SHARED();
  const auto vectors = test::shared_json("vectors/evm.json").at("keystoreV3");
  REQUIRE(vectors.size() == 5);
  std::size_t opened_count = 0;
  for (const auto& v : vectors) {
    SeededRandom random(1);
    const auto opened = open_keystore(v.at("keystore").dump(), v.at("password").get<std::string>(), random);
    if (v.contains("error")) {
      REQUIRE_FALSE(opened);
      CHECK(opened.error().kind == ErrorKind::kAuth);
      continue;
    }
    REQUIRE(opened);
    ++opened_count;
    CHECK((*opened)->address().to_string() == v.at("address"));
    const Hash digest = keccak256("signed by a key from a file");
    const auto direct = LocalSigner::from_hex_key(v.at("privateKey").get<std::string>(), random);
    CHECK(*(*opened)->sign(digest) == *(*direct)->sign(digest));
    CHECK((*opened)->locked() == (*direct)->locked());
  }
  CHECK(opened_count == 4);
}

TEST_CASE("keystore: a wrong password or a touched byte is said without the secret") {
  ANDUIN_NEED_SHARED();
  CHECK(refused(small_file(), "").kind == ErrorKind::kAuth);
  CHECK(refused(small_file(), "Testpassword").kind == ErrorKind::kAuth);
  auto touched = small_file();
  touched["crypto"]["ciphertext"] = std::string(64, '0');
  CHECK(refused(touched).kind == ErrorKind::kAuth);
  // The address of another key: the file was put together by hand.
  auto other = small_file();
  other["address"] = std::string(40, '1');
  const auto error = refused(other);
  CHECK(error.kind == ErrorKind::kBadRequest);
  CHECK(error.text.find("names another address") != std::string::npos);
}

TEST_CASE("keystore: a file without an address and one with Crypto are as good") {
  ANDUIN_NEED_SHARED();
  auto file = small_file();
  file.erase("address");
  file["Crypto"] = file["crypto"];
  file.erase("crypto");
  SeededRandom random(1);
  CHECK(open_keystore(file.dump(), "testpassword", random));
}

TEST_CASE("keystore: parameters that would eat memory or time are refused before they do") {
  ANDUIN_NEED_SHARED();
  const auto with = [](const char* key, const json& value) {
    auto file = small_file();
    file["crypto"]["kdfparams"][key] = value;
    return refused(file);
  };
  const std::string cost = "than a key is allowed to cost";
  CHECK(with("n", 1ULL << 24U).text.find(cost) != std::string::npos);
  CHECK(with("n", 1ULL << 63U).text.find(cost) != std::string::npos);
  CHECK(with("r", 1ULL << 40U).text.find(cost) != std::string::npos);
  CHECK(with("p", 1U << 20U).text.find(cost) != std::string::npos);
  CHECK(with("p", ~0ULL).text.find(cost) != std::string::npos);
  for (const json& n : {json(0), json(1), json(8191), json(-8192), json("8192"), json(8192.0)})
    CHECK(with("n", n).kind == ErrorKind::kBadRequest);
  CHECK(with("dklen", 16).kind == ErrorKind::kBadRequest);
  CHECK(with("dklen", 1U << 30U).kind == ErrorKind::kBadRequest);
  CHECK(with("salt", "zz").kind == ErrorKind::kBadRequest);
  CHECK(with("salt", std::string(2'000, 'a')).kind == ErrorKind::kBadRequest);

  auto rounds = small_file();
  rounds["crypto"]["kdf"] = "pbkdf2";
  rounds["crypto"]["kdfparams"]["prf"] = "hmac-sha256";
  for (const json& c : {json(0), json(10'000'001), json(1ULL << 33U), json(-1)}) {
    rounds["crypto"]["kdfparams"]["c"] = c;
    CHECK(refused(rounds).kind == ErrorKind::kBadRequest);
  }
  rounds["crypto"]["kdfparams"]["c"] = 1;
  rounds["crypto"]["kdfparams"]["prf"] = "hmac-sha512";
  CHECK(refused(rounds).kind == ErrorKind::kBadRequest);
}

TEST_CASE("keystore: what is no keystore is refused") {
  SeededRandom random(1);
  const std::string huge(kKeystoreBytesMax + 1, ' ');
  for (const std::string& file :
       {std::string(), std::string("[]"), std::string("{}"), std::string("{\"version\":1}"), std::string("{\"version\":3}"),
        std::string("{\"version\":3,\"crypto\":[]}"), std::string("\x80\xff"), huge}) {
    const auto opened = open_keystore(file, "x", random);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().kind == ErrorKind::kBadRequest);
  }
}

// From a `signer:` block to somebody who signs: each backend, its files, and what is refused.
#include "pipeline/signer_factory.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include <spdlog/sinks/ostream_sink.h>

#include "base/log.hpp"
#include "chain/keystore.hpp"
#include "chain/http_double.hpp"
#include "chain/transaction.hpp"
#include "support/result.hpp"
#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::pipeline;
using anduin::chain::test::HttpDouble;
using nlohmann::json;
using Kind = SignerSettings::Kind;

namespace {

const char* const kAddress = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "anduin-signer-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path file(const char* name, const std::string& text, mode_t mode = 0600) const {
    std::ofstream(path / name) << text;
    REQUIRE(::chmod((path / name).c_str(), mode) == 0);
    return path / name;
  }
};

Secret secret(std::string value) {
  Secret out;
  out.value = std::move(value);
  return out;
}

Result<std::unique_ptr<chain::TransactionSigner>> made(const SignerSettings& s) {
  static SystemClock clock;
  static SystemRandom random;
  return make_signer(s, "vault main", clock, random);
}

std::string refusal(const SignerSettings& s) {
  const auto signer = made(s);
  REQUIRE_FALSE(signer);
  return signer.error().to_string();
}

}  // namespace

TEST_CASE("signer factory: a key and keystores with a password from both places") {
  ANDUIN_NEED_SHARED();
  const Folder folder;
  const json keystore = test::shared_json("vectors/evm.json").at("keystoreV3").at(1).at("keystore");
  SignerSettings s;
  s.kind = Kind::kKey;
  s.key = secret("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");
  CHECK((*made(s))->address().to_string() == kAddress);
  CHECK((*made(s))->verify());
  s.key = secret(std::string(64, '0'));
  CHECK(refusal(s).find("vault main: its signer key cannot be used") == 0);

  s = {};
  s.kind = Kind::kKeystore;
  s.keystore = folder.file("key.json", keystore.dump());
  s.password = secret("testpassword");
  CHECK((*made(s))->address().to_string() == kAddress);
  s.password = {};
  for (const char* text : {"testpassword", "testpassword\n", "testpassword\r\n"}) {
    s.password_file = folder.file("password", text);
    CHECK((*made(s))->address().to_string() == kAddress);
  }
  CHECK(log::redact("testpassword") == "[redacted]");
  s.password_file = folder.file("password", "wrong-password\n");
  CHECK(refusal(s).find("key.json: the password is wrong") != std::string::npos);
  CHECK(refusal(s).find("wrong-password") == std::string::npos);
  s.password_file = folder.file("password", "testpassword\nand another line\n");
  CHECK(refusal(s).find("it has more than one line") != std::string::npos);
  s.password_file = folder.path / "absent";
  CHECK(refusal(s).find("absent: it cannot be read as a file") != std::string::npos);
  s.password_file = folder.path;
  CHECK(refusal(s).find("it cannot be read as a file") != std::string::npos);
  s.password_file = folder.file("password", "testpassword");
  s.keystore = folder.file("key.json", std::string(chain::kKeystoreBytesMax + 1, ' '));
  CHECK(refusal(s).find("larger than such a file can be") != std::string::npos);
}

TEST_CASE("signer factory: a private file that others may read is used, and said") {
  const Folder folder;
  std::ostringstream lines;
  const auto before = spdlog::default_logger();
  auto logger = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(lines));
  spdlog::set_default_logger(logger);
  CHECK(*read_private_file(folder.file("open", "text", 0644), 100) == "text");
  CHECK(*read_private_file(folder.file("closed", "text", 0600), 100) == "text");
  spdlog::set_default_logger(before);
  CHECK(lines.str().find("open can be read by others than its owner; chmod 600 it") != std::string::npos);
  CHECK(lines.str().find("closed") == std::string::npos);
}

TEST_CASE("signer factory: web3signer and kms are asked at the place and by the name of the file") {
  HttpDouble server([](const net::ServerRequest& r) {
    if (r.header("x-amz-target"))
      return net::HttpResponse{400, {}, R"({"__type":"NotFoundException","message":"no such key"})"};
    return net::HttpResponse{
        200, {}, json{{"jsonrpc", "2.0"}, {"id", json::parse(r.body).at("id")}, {"result", {kAddress}}}.dump()};
  });
  SignerSettings s;
  s.kind = Kind::kWeb3signer;
  s.web3signer = secret(server.url);
  s.address = secret(kAddress);
  const auto remote = made(s);
  REQUIRE(remote);
  CHECK((*remote)->verify());
  CHECK((*remote)->address().to_string() == kAddress);
  s.tls.ca = "/absent/ca.pem";
  CHECK(made(s).error().kind == ErrorKind::kBadRequest);

  s = {};
  s.kind = Kind::kKms;
  s.address = secret(kAddress);
  s.kms = {"alias/x", "eu-central-1", server.url, secret("AKIDEXAMPLE"), secret("secret-access-key"), {}};
  const auto kms = made(s);
  REQUIRE(kms);
  CHECK((*kms)->verify().error().to_string() ==
        "kms alias/x in eu-central-1: refused with status 400, NotFoundException: no such key");
  s.kms.endpoint = "wss://x";
  CHECK(refusal(s).find("its endpoint is no http or https URL") != std::string::npos);
}

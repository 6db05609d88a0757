// `anduin check` and `anduin schema` as programs: exit status, what stands on which stream, and --live
// against simulators over TLS.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "e2e/stage.hpp"
#include "support/test_safe.hpp"

using namespace anduin;
using anduin::e2e::Process;
using anduin::e2e::Sim;
using nlohmann::json;

namespace {

const std::filesystem::path kBin = std::filesystem::path(ANDUIN_BINARY_DIR) / "bin";

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("anduin-check-" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

struct Ran {
  int status = -1;
  std::string out, err;
};

Ran anduin_program(const Folder& folder, std::vector<std::string> arguments,
                   const std::vector<std::string>& environment = {}) {
  static int runs = 0;
  const std::string run = std::to_string(++runs);
  arguments.insert(arguments.begin(), (kBin / "anduin").string());
  Process process(arguments, folder.path / ("out" + run), folder.path / ("err" + run), environment);
  const auto status = process.wait(100'000);
  REQUIRE(status);
  return {*status, e2e::read_file(folder.path / ("out" + run)),
          e2e::read_file(folder.path / ("err" + run))};
}

std::string write(const Folder& folder, const std::string& name, const std::string& text) {
  std::ofstream(folder.path / name) << text;
  return (folder.path / name).string();
}

const std::string kUser = "user: \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\"";

/// One venue of simulators with its accounts; `secret` replaces the true one unless it is empty.
std::string pipeline(Sim& sim, const std::string& symbols, const std::string& secret = "") {
  std::string endpoints;
  for (const auto& [id, url] : sim.ready().at("endpoints").items()) {
    endpoints += (endpoints.empty() ? "\"" : ", \"") + id + "\": \"" + url.get<std::string>() + "\"";
  }
  std::string text = "version: 1\nvenues:\n  " + sim.venue() + ": { symbols: [" + symbols + "], market: [" +
                     (sim.venue() == "bybit" ? "linear" : "spot") + "], endpoints: {" + endpoints +
                     "}, tls: { ca: \"" + sim.ca() + "\" } }\nvaults: { main: {} }\naccounts:\n";
  for (const json& a : sim.ready().at("accounts")) {
    text += "  - { name: " + a.at("name").get<std::string>() + ", venue: " + sim.venue() +
            ", market: " + a.at("market").get<std::string>() + ", " + kUser + ", credentials: { key: \"" +
            a.at("key").get<std::string>() + "\", secret: \"" +
            (secret.empty() ? a.at("secret").get<std::string>() : secret) + "\" } }\n";
  }
  return text;
}

}  // namespace

TEST_CASE("schema is one JSON document on stdout") {
  const Folder folder;
  const Ran ran = anduin_program(folder, {"schema"});
  CHECK(ran.status == 0);
  CHECK(json::parse(ran.out).at("properties").contains("venues"));
}

TEST_CASE("a good file: status 0, and what a close of each venue contains") {
  const Folder folder;
  const std::string file = write(folder, "good.yaml",
                                 "version: 1\nvenues: { bybit: { symbols: [BTCUSDT] } }\nvaults: { m: {} "
                                 "}\naccounts:\n  - { name: a, venue: bybit, market: linear, " +
                                     kUser + " }\n");
  const Ran ran = anduin_program(folder, {"check", file});
  INFO(ran.out << ran.err);
  CHECK(ran.status == 0);
  CHECK(ran.out.find("What a close contains (settled: pnl - fee)\n  Bybit\n") != std::string::npos);
  const Ran as_json = anduin_program(folder, {"check", "--json", file});
  CHECK(as_json.status == 0);
  CHECK(json::parse(as_json.out).at("ok") == true);
  CHECK(json::parse(as_json.out).at("pnl").at(0).at("venue") == "Bybit");
}

TEST_CASE("a bad file: status 2, every problem on stdout with its place") {
  const Folder folder;
  const std::string file = write(
      folder, "bad.yaml", "version: 1\nvenus: {}\nvenues: { bybit: { symbols: BTCUSDT } }\nledger: x\n");
  const Ran ran = anduin_program(folder, {"check", file});
  CHECK(ran.status == 2);
  for (const auto* at : {":2:1: error: ", ":3:29: error: ", ":4:9: error: "})
    CHECK(ran.out.find(file + at) != std::string::npos);
  const json problems = json::parse(anduin_program(folder, {"check", "--json", file}).out).at("problems");
  CHECK(problems.size() == 3);
  CHECK(problems.at(0).at("line") == 2);
  CHECK(anduin_program(folder, {"check", (folder.path / "none.yaml").string()}).status == 2);
  CHECK(anduin_program(folder, {"check"}).status == 2);
}

TEST_CASE("a damaged plugin file is named, with what is wrong with it") {
  const Folder folder;
  std::filesystem::create_directories(folder.path / "plugins");
  const std::string whole =
      e2e::read_file(std::filesystem::path(ANDUIN_BINARY_DIR) / "plugins/anduin-bybit.so");
  std::ofstream(folder.path / "plugins/anduin-bybit.so", std::ios::binary)
      << whole.substr(0, whole.size() / 2);
  const std::string file =
      write(folder, "p.yaml",
            "version: 1\nplugins: { dirs: [plugins] }\nvenues: { bybit: { symbols: [BTCUSDT] } }\n");
  const Ran ran = anduin_program(folder, {"check", file});
  CAPTURE(ran.out);
  CHECK(ran.status == 2);
  CHECK(ran.out.find("plugin 'bybit' cannot be used: ") != std::string::npos);
}

TEST_CASE("check --live: venues answer, keys are verified, wrong ones are named, no secret is shown") {
  const Folder folder;
  for (const auto& [venue, symbols] :
       {std::pair{"bybit", "BTCUSDT, ETHUSDT"}, {"kraken", "BTCUSD, ETHUSD"}}) {
    CAPTURE(venue);
    Sim sim(kBin, venue, folder.path / venue, {"--accounts", "1", "--rate", "10"});
    const std::string secret = sim.ready().at("accounts").at(0).at("secret");
    const std::string account = sim.ready().at("accounts").at(0).at("name");
    {
      const Ran ran =
          anduin_program(folder, {"check", "--live", write(folder, "live.yaml", pipeline(sim, symbols))});
      CAPTURE(ran.out, ran.err);
      CHECK(ran.status == 0);
      CHECK(ran.out.find(std::string("venue ") + venue + ": good: 2 of 2 symbols have a price") !=
            std::string::npos);
      CHECK(ran.out.find("account " + account + ": good: its private feed is ready") != std::string::npos);
      CHECK((ran.out + ran.err).find(secret) == std::string::npos);
    }
    std::string wrong = secret;
    wrong[3] = wrong[3] == 'A' ? 'B' : 'A';
    const Ran ran = anduin_program(
        folder, {"check", "--live", write(folder, "wrong.yaml", pipeline(sim, symbols, wrong))});
    CAPTURE(ran.out, ran.err);
    CHECK(ran.status == 1);
    CHECK(ran.out.find("account " + account + ": failed: ") != std::string::npos);
    CHECK((ran.out + ran.err).find(wrong) == std::string::npos);
  }
}

TEST_CASE("check --live: a certificate of another authority and a symbol that nobody has") {
  const Folder folder;
  Sim sim(kBin, "bybit", folder.path / "one", {"--accounts", "1", "--rate", "10"});
  Sim other(kBin, "bybit", folder.path / "two", {"--accounts", "1"});
  std::string untrusted = pipeline(sim, "BTCUSDT");
  untrusted.replace(untrusted.find(sim.ca()), sim.ca().size(), other.ca());
  const Ran foreign = anduin_program(folder, {"check", "--live", write(folder, "foreign.yaml", untrusted)});
  CAPTURE(foreign.out);
  CHECK(foreign.status == 1);
  CHECK(foreign.out.find("venue bybit: failed: ") != std::string::npos);
  CHECK(foreign.out.find("certificate") != std::string::npos);

  const Ran unknown = anduin_program(
      folder, {"check", "--live", write(folder, "unknown.yaml", pipeline(sim, "BTCUSDT, BTCUSTD"))});
  CAPTURE(unknown.out);
  CHECK(unknown.status == 1);
  CHECK(unknown.out.find("no instrument is called 'BTCUSTD'; did you mean 'BTCUSDT'?") !=
        std::string::npos);
}

TEST_CASE("check --live: a vault's chain, code, token and signer") {
  const Folder folder;
  Sim sim(kBin, "bybit", folder.path / "sim", {"--accounts", "1", "--rate", "10"});
  test::Anvil anvil;
  const test::TestVault vault(anvil);
  const auto checked = [&](std::uint64_t chain_id, const std::string& key) {
    std::string text = pipeline(sim, "BTCUSDT");
    const std::string none = "vaults: { main: {} }";
    text.replace(text.find(none), none.size(),
                 "vaults: { main: { mode: live, chain_id: " + std::to_string(chain_id) + ", rpc: [\"" +
                     anvil.url() + "\"], address: \"" + vault.address().to_string() +
                     "\", signer: { key: \"${env:VAULT_KEY}\" } } }");
    return anduin_program(folder, {"check", "--live", write(folder, "vault.yaml", text)},
                          {"VAULT_KEY=" + key});
  };
  const std::string settler = test::dev_accounts()[1].key, stranger = test::dev_accounts()[5].key;
  const Ran good = checked(31337, settler);
  CAPTURE(good.out, good.err);
  CHECK(good.status == 0);
  CHECK(good.out.find("vault main: good: chain 31337, token 0x") != std::string::npos);
  CHECK(good.out.find("vault main: good: signs as " + test::dev_accounts()[1].address.to_string()) != std::string::npos);
  const Ran wrong_chain = checked(8453, settler);
  CAPTURE(wrong_chain.out);
  CHECK(wrong_chain.status == 1);
  CHECK(wrong_chain.out.find("vault main: failed: ") != std::string::npos);
  const Ran no_role = checked(31337, stranger);
  CAPTURE(no_role.out);
  CHECK(no_role.status == 1);
  CHECK(no_role.out.find("vault main: failed: the signer may not settle") != std::string::npos);
  for (const Ran* ran : {&good, &wrong_chain, &no_role}) {
    CHECK((ran->out + ran->err).find(settler.substr(2)) == std::string::npos);
    CHECK((ran->out + ran->err).find(stranger.substr(2)) == std::string::npos);
  }
}

TEST_CASE("check --live: a Safe, its owners, and who of them is named") {
  if (!test::TestSafe::installed()) {
    std::puts("SKIPPED: the Safe contracts are not installed (npm ci in tests/node)");
    return;
  }
  const Folder folder;
  Sim sim(kBin, "bybit", folder.path / "sim", {"--accounts", "1", "--rate", "10"});
  test::Anvil anvil;
  const auto& dev = test::dev_accounts();
  test::TestSafe safe(anvil, {dev[2].address, dev[4].address, dev[5].address}, 2);
  test::VaultOptions options;
  options.settler = safe.address();
  const test::TestVault vault(anvil, options);
  const auto checked = [&](const std::string& owners, const std::string& at) {
    std::string text = pipeline(sim, "BTCUSDT");
    const std::string none = "vaults: { main: {} }";
    text.replace(text.find(none), none.size(),
                 "vaults: { main: { mode: live, chain_id: 31337, rpc: [\"" + anvil.url() + "\"], address: \"" +
                     vault.address().to_string() + "\", signer: { key: \"${env:RELAYER}\" }, executor: { safe: \"" +
                     at + "\", owners: [" + owners + "] } } }");
    return anduin_program(folder, {"check", "--live", write(folder, "safe.yaml", text)},
                          {"RELAYER=" + dev[1].key, "OWNER=" + dev[5].key, "STRANGER=" + dev[0].key});
  };
  const std::string key = "{ key: \"${env:OWNER}\" }", by_file = "{ by_file: \"" + dev[4].address.to_string() + "\" }";
  const Ran good = checked(key + ", " + by_file, safe.address().to_string());
  CAPTURE(good.out, good.err);
  CHECK(good.status == 0);
  CHECK(good.out.find("executes by Safe " + safe.address().to_string() +
                      " 1.4.1: 2 of 3 owners approve, 2 are named here") != std::string::npos);
  CHECK(good.out.find("the Safe may settle") != std::string::npos);
  const auto refused = [&](const std::string& owners, const std::string& at, const std::string& words) {
    const Ran ran = checked(owners, at);
    CAPTURE(words, ran.out, ran.err);
    CHECK(ran.status != 0);
    CHECK((ran.out + ran.err).find(words) != std::string::npos);
  };
  refused(key, safe.address().to_string(), "needs 2 of its 3 owners, and the file names 1");
  refused(key + ", { key: \"${env:STRANGER}\" }", safe.address().to_string(), "is none of its owners");
  refused(key + ", " + key, safe.address().to_string(), "stands in its executor twice");
  refused(key + ", " + by_file, vault.address().to_string(), "VERSION(): reverts");
}

// The host as a process, killed again and again while terminals send: every close that a terminal was told is durable is
// in the ledger, every close is there once in the end. Method: two Expert Advisors post over TLS; SIGKILL comes at random
// moments, also between the commit and its answer.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/random.hpp"
#include "e2e/process.hpp"
#include "net/tls.hpp"
#include "plugins/metatrader/desk.hpp"
#include "settle/ledger_query.hpp"
#include "support/result.hpp"
#include "support/seed.hpp"

using namespace anduin;
using namespace anduin::test;
using nlohmann::json;

namespace {

constexpr int kKills = 8;
constexpr int kClosesPerRound = 12;

struct Folder {
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "anduin-kill-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("metatrader: the host is killed while terminals send, nothing is lost and nothing counts twice") {
  const std::uint64_t seed = fresh_seed();
  INFO("seed " << seed);
  SeededRandom random(seed);
  const Folder folder;
  const auto ca = net::make_throwaway_ca(folder.path / "tls");
  if (!ca) FAIL(ca.error().to_string());
  const std::uint16_t port = e2e::free_port();  // the terminals must find the host at one address all the time
  std::ofstream yaml(folder.path / "p.yaml");
  yaml << "version: 1\nplugins: { dirs: [\"" << ANDUIN_BINARY_DIR << "/plugins\"] }\nvenues: { metatrader: {} }\naccounts:\n";
  std::vector<std::unique_ptr<LiveDesk>> desks;
  std::vector<std::string> environment;
  for (int i = 1; i <= 2; ++i) {
    DeskOptions o;
    o.ref = "desk" + std::to_string(i);
    o.files = folder.path / o.ref;
    o.url = "https://127.0.0.1:" + std::to_string(port);
    o.key = "ea_" + o.ref;
    o.secret = std::string(63, 'a') + std::to_string(i);
    o.login = 100 + i;
    o.ca_file = ca->ca_file;
    yaml << "  - { name: " << o.ref << ", venue: metatrader, trust: operator, user: \"0x70997970C51812dc3A010C7d01b50e0d17dc79C8\", credentials: { key: "
         << o.key << ", secret: \"${env:SECRET_" << i << "}\" }, options: { ref: " << o.ref << ", login: " << o.login << ", server: Sim-Live } }\n";
    environment.push_back("SECRET_" + std::to_string(i) + "=" + o.secret);
    desks.push_back(std::make_unique<LiveDesk>(o));
  }
  yaml << "vaults: { main: { mode: dry-run } }\nledger: \"sqlite:" << (folder.path / "anduin.db").string() << "\"\nwebhook: { listen: \"127.0.0.1:" << port
       << "\", tls: { certificate: \"" << ca->certificate_file << "\", key: \"" << ca->key_file << "\" } }\n";
  yaml.close();

  std::unique_ptr<e2e::Process> host;
  const auto start_host = [&] {
    host = std::make_unique<e2e::Process>(std::vector<std::string>{std::string(ANDUIN_BINARY_DIR) + "/bin/anduin", "run", (folder.path / "p.yaml").string()},
                                          folder.path / "out", folder.path / "log", environment);
  };
  const auto work = [&](int ms) {
    for (int passed = 0; passed < ms; passed += 50) {
      for (auto& d : desks) d->tick();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  };
  start_host();
  for (auto& d : desks) REQUIRE(d->start());
  work(8'000);  // both terminals have set their marks and know their histories
  std::map<std::string, int> given;
  for (int kill = 0; kill <= kKills; ++kill) {
    for (int n = 0; n < kClosesPerRound; ++n) {
      const std::size_t who = random.next() % 2;
      for (const std::uint64_t ticket : desks[who]->trade({.profit = static_cast<double>(random.next() % 500) + 1}))
        ++given["MT5-desk" + std::to_string(who + 1) + "-" + std::to_string(ticket)];
    }
    work(static_cast<int>(random.next() % 400) + 50);
    if (kill == kKills) break;
    host->signal(SIGKILL);
    REQUIRE(host->wait(5'000));
    work(100);
    start_host();
  }
  const auto drained = [&] { return desks[0]->counts().out == 0 && desks[1]->counts().out == 0; };
  for (int passed = 0; passed < 90'000 && !drained(); passed += 500) work(500);
  work(3'000);  // a scan that has not been yet
  CHECK(drained());
  CHECK(desks[0]->counts().dead + desks[1]->counts().dead == 0);
  CHECK(desks[0]->counts().done + desks[1]->counts().done == given.size());
  host->signal(SIGTERM);
  CHECK(host->wait(20'000) == 0);
  auto reader = settle::LedgerReader::open(folder.path / "anduin.db");
  if (!reader) FAIL(reader.error().to_string());
  settle::ListFilter all;
  all.limit = 10'000;
  const auto rows = (*reader)->list(all);
  REQUIRE(rows);
  std::map<std::string, int> kept;
  for (const json& row : *rows) {
    CHECK_FALSE(row.contains("report"));  // no conflict: a retry is the same bytes
    ++kept[row.at("id")];
  }
  CHECK(kept == given);
  CHECK((*reader)->verify_audit()->ok);
}

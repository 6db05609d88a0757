// What a person does about a close that must not be paid unseen, with the real programs: the host holds it, the list
// shows it with the command to release it, the command releases it, and only then the vault is asked.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "base/random.hpp"
#include "e2e/command.hpp"
#include "e2e/stage.hpp"
#include "settle/decision.hpp"
#include "support/result.hpp"

namespace {

using namespace anduin;
using e2e::has;
using e2e::Ran;
using e2e::run_anduin;
using e2e::Stage;
using nlohmann::json;

e2e::StageOptions options(const e2e::TempDir& dir) {
  e2e::StageOptions o;
  o.bin = e2e::programs();
  o.dir = dir.path;
  o.cast = {e2e::two_venues().front()};  // Bybit
  return o;
}

json close(const char* account, const char* size, const char* pnl) {
  return {{"account", account}, {"symbol", "BTCUSDT"}, {"side", "long"}, {"size", size}, {"pnl", pnl}, {"fee", "0"}};
}


}  // namespace

TEST_CASE("a wrong PnL is held, seen with the command that releases it, approved with a reason, and settles") {
  const e2e::TempDir dir("policy");
  Stage stage(options(dir));
  stage.start_host();
  stage.wait_log("positions ready", 2, 60'000);
  const std::string socket = stage.control_socket().string(), ledger = "sqlite:" + stage.ledger_file().string();

  // Half a million on half a coin: no price moves like that.
  stage.bybit().control("close", close("bybit-1", "0.5", "500000"));
  stage.bybit().control("close", close("bybit-2", "0.5", "-400000"));
  stage.bybit().control("close", close("bybit-2", "0.5", "12.5"));
  stage.wait_log("-> held", 2, 20'000);
  stage.wait_log("-> accepted", 1, 20'000);
  REQUIRE(stage.drain(60'000));
  CHECK(stage.reconcile().onchain == 1);

  const Ran list = run_anduin(dir.path, {"ledger", "list", "--state", "QUARANTINED", "--ledger", ledger});
  INFO(list.out << list.err);
  REQUIRE(list.status == 0);
  CHECK(has(list.out, "(plausibility: pnl 500000 is over three times the notional"));
  CHECK(has(list.out, "QUARANTINED since 20"));
  const auto at = list.out.find("anduin ctl approve 0x");
  REQUIRE(at != std::string::npos);
  const std::string ref = list.out.substr(at + 19, 66);

  // Nobody decides without a reason, and nobody decides what is not there.
  CHECK(run_anduin(dir.path, {"ctl", "--socket", socket, "approve", ref}).status == 2);
  const Ran unknown = run_anduin(dir.path, {"ctl", "--socket", socket, "approve", "no-such-close", "--reason", "x"});
  CHECK(unknown.status == 2);
  CHECK(has(unknown.err, "no settlement has this"));
  CHECK(run_anduin(dir.path, {"ctl", "--socket", socket + "x", "status"}).status == 1);
  CHECK(stage.reconcile().onchain == 1);

  const Ran status = run_anduin(dir.path, {"ctl", "status", "--socket", socket, "--json"});
  INFO(status.out << status.err);
  REQUIRE(status.status == 0);
  CHECK(json::parse(status.out)["vaults"][0]["name"] == "main");

  const Ran approved = run_anduin(dir.path, {"ctl", "approve", ref, "--reason", "statement of the venue, ticket 42", "--socket", socket});
  INFO(approved.out << approved.err);
  REQUIRE(approved.status == 0);
  CHECK(has(approved.out, "QUARANTINED -> QUEUED"));
  CHECK(run_anduin(dir.path, {"ctl", "approve", ref, "--reason", "again", "--socket", socket}).status == 2);
  REQUIRE(stage.drain(60'000));
  auto r = stage.reconcile();
  INFO(r.line());
  CHECK(r.onchain == 2);
  CHECK(r.onchain_sum == r.ledger_sum);
  CHECK(r.held == 1);  // the other one still waits

  const json shown = json::parse(run_anduin(dir.path, {"ledger", "show", ref, "--ledger", ledger}).out);
  CHECK(shown["state"] == "SETTLED");
  bool found = false;
  for (const json& row : shown["audit"]) found = found || row["detail"] == "statement of the venue, ticket 42";
  CHECK(found);
  CHECK(stage.stop_host() == 0);
  CHECK_FALSE(std::filesystem::exists(stage.control_socket()));
}

TEST_CASE("a limit holds, a signed decision releases, a breaker stops one account until it is closed, others go on") {
  const e2e::TempDir dir("policy");
  SeededRandom random(1);
  const auto& approver = test::dev_accounts()[4];
  auto o = options(dir);
  o.more = "policy: { credits: { item: { soft_usd: 100, hard_usd: 1000 } }, approvers: [\"" + approver.address.to_string() +
           "\"], signed_above_usd: 120 }\n";
  Stage stage(o);
  stage.start_host();
  stage.wait_log("positions ready", 2, 60'000);
  const std::string socket = stage.control_socket().string();
  const auto ctl = [&](std::vector<std::string> args) {
    args.insert(args.begin(), {"ctl", "--socket", socket});
    return run_anduin(dir.path, args);
  };

  const std::string id = stage.bybit().control("close", close("bybit-1", "0.5", "150")).at("id");
  stage.wait_log("-> held", 1, 20'000);
  const Ran local = ctl({"approve", id, "--reason", "fine"});
  INFO(local.out << local.err);
  CHECK(local.status == 2);
  CHECK(has(local.err, "above policy.signed_above_usd"));

  const Ran draft = ctl({"draft", "approve", id, "--who", "Carol", "--reason", "seen with the venue"});
  INFO(draft.out << draft.err);
  REQUIRE(draft.status == 0);
  json file = json::parse(draft.out);
  auto key = chain::LocalSigner::from_hex_key(approver.key, random);
  REQUIRE(key);
  const auto signature = (*key)->sign(chain::personal_message_hash(file.at("text").get<std::string>()));
  REQUIRE(signature);
  file["signature"] = "0x" + to_hex(std::span(signature->r)).substr(2) + to_hex(std::span(signature->s)).substr(2) +
                      (signature->y_parity == 0 ? "1b" : "1c");
  const auto path = dir.path / "decision.json";
  json altered = file;
  altered["units"] = "1";
  std::ofstream(path) << altered.dump();
  CHECK(ctl({"decide", path.string()}).status == 2);
  std::ofstream(path, std::ios::trunc) << file.dump();
  const Ran decided = ctl({"decide", path.string()});
  INFO(decided.out << decided.err);
  REQUIRE(decided.status == 0);
  CHECK(has(decided.out, "QUARANTINED -> QUEUED, 1 of 1 signatures"));
  CHECK(has(ctl({"decide", path.string()}).err, "was used already"));

  stage.bybit().control("close", close("bybit-1", "0.5", "2000"));
  stage.wait_log("-> held", 2, 20'000);
  CHECK(has(ctl({"breakers"}).out, "account:bybit-1 (host): limit: policy.credits.item.hard_usd: 2000 USD of one close"));
  stage.bybit().control("close", close("bybit-1", "0.5", "-5"));
  stage.wait_log("breaker: account:bybit-1 is open", 1, 20'000);
  stage.bybit().control("close", close("bybit-2", "0.5", "-6"));
  stage.wait_log("-> accepted", 1, 20'000);
  // A kill loses neither breaker nor decision.
  stage.kill_host();
  stage.start_host();
  stage.wait_log("positions ready", 4, 60'000);
  CHECK(has(ctl({"status"}).out, "breaker   account:bybit-1"));
  const Ran closed = ctl({"close-breaker", "account:bybit-1", "--reason", "a test"});
  INFO(closed.out << closed.err);
  REQUIRE(closed.status == 0);
  CHECK(ctl({"close-breaker", "account:bybit-1", "--reason", "twice"}).status == 2);
  stage.bybit().control("close", close("bybit-1", "0.5", "7"));
  stage.wait_log("-> accepted", 2, 20'000);
  REQUIRE(stage.drain(60'000));
  const auto r = stage.reconcile();
  INFO(r.line());
  CHECK(r.onchain == 3);
  CHECK(r.onchain_sum == "151000000");  // 150 - 6 + 7
  CHECK(r.held == 2);
  CHECK(r.good());
  CHECK(stage.stop_host() == 0);
}

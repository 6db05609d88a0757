// A reorganization below the settled block, with the real program: the host sends nothing more and says so, a person
// reopens over the control socket, what vanished is settled again, once.
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "e2e/command.hpp"
#include "e2e/stage.hpp"

namespace {

using namespace anduin;
using e2e::Ran;
using e2e::Stage;

}  // namespace

TEST_CASE("a reorganization below the settled block: stopped, seen, reopened by a person, settled again") {
  const bool duplicate_check = GENERATE(true, false);
  INFO("the vault " << (duplicate_check ? "refuses" : "takes") << " a refId twice");
  const e2e::TempDir dir("reopen");
  e2e::StageOptions options;
  options.bin = e2e::programs();
  options.dir = dir.path;
  options.cast = {e2e::two_venues().front()};
  options.duplicate_check = duplicate_check;
  Stage stage(options);
  const auto ctl = [&](std::vector<std::string> args) {
    args.insert(args.begin(), {"ctl", "--socket", stage.control_socket().string()});
    return e2e::run_anduin(dir.path, std::move(args), stage.environment());
  };
  const auto close = [&](const char* pnl) {
    stage.bybit().control("close", {{"account", "bybit-1"}, {"symbol", "BTCUSDT"}, {"side", "long"}, {"size", "0.5"},
                                    {"pnl", pnl}, {"fee", "0"}});
  };
  stage.start_host();
  stage.wait_log("positions ready", 2, 60'000);
  const std::uint64_t before = stage.chain().height();
  close("3.5");
  close("-1.25");
  REQUIRE(stage.drain(60'000));
  REQUIRE(stage.reconcile().onchain == 2);
  const Ran early = ctl({"reopen", "main", "--reason", "nothing has happened"});
  CHECK(early.status != 0);  // an act of a person for one case only
  CHECK(ctl({"reopen", "other", "--reason", "x"}).status == 2);
  CHECK(ctl({"reopen", "main"}).status == 2);

  stage.chain().reorg(stage.chain().height() - before);
  CHECK(stage.vault().events().empty());
  close("7");
  stage.wait_log("STOPPED", 1, 30'000);
  const Ran seen = ctl({"status"});
  INFO(seen.out << seen.err);
  CHECK(e2e::has(seen.out, "anduin ctl reopen main"));
  CHECK(stage.vault().events().empty());  // nothing is guessed

  const Ran reopened = ctl({"reopen", "main", "--reason", "outage of the sequencer, ticket 7"});
  INFO(reopened.out << reopened.err);
  REQUIRE(reopened.status == 0);
  REQUIRE(stage.drain(60'000));
  const auto after = stage.reconcile();
  INFO(after.line());
  CHECK(after.good());
  CHECK(after.onchain == 3);
  CHECK(e2e::has(e2e::run_anduin(dir.path, {"ledger", "export", "--ledger", "sqlite:" + stage.ledger_file().string()}).out, "ticket 7"));
  CHECK(stage.stop_host() == 0);
  const Ran verified = e2e::run_anduin(dir.path, {"ledger", "verify", "--pipeline", stage.pipeline_file().string()}, stage.environment());
  INFO(verified.out << verified.err);
  CHECK(verified.status == 0);
}

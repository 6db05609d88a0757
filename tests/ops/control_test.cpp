// The control socket: a request reaches its command with the caller's name, what is wrong is said, and the ledger's
// commands leave who and why behind.
#include "ops/control.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <atomic>

#include "net/line_server.hpp"
#include "ops/ledger_commands.hpp"
#include "settle/support.hpp"

using namespace anduin;
using namespace anduin::settle::test;
using nlohmann::json;

namespace {

struct Served {
  Served() {
    auto opened = open_ledger(dir, clock);
    ledger = std::move(opened);
    auto t = terms("alice");
    t.settle_from_ms = kNow;
    REQUIRE(ledger->register_account(t));
    ops::add_ledger_commands(control, *ledger, [this] { ++woken; });
    control.add("who", [](const json& args, const ops::Caller& caller) {
      return Result<json>(boost::system::in_place_value, json{{"user", caller.user}, {"uid", caller.uid}, {"args", args}});
    });
    control.add("throws", [](const json&, const ops::Caller&) -> Result<json> { throw std::runtime_error("oh"); });
    const auto ok = control.open(socket);
    INFO((ok ? "" : ok.error().to_string()));
    REQUIRE(ok);
  }
  /// A close that is held: the venue's side says so.
  void hold(const std::string& id) {
    auto c = close_of(id, "10");
    c.hold_reason = "split: the venue pays this contract's profit in parts";
    REQUIRE(commit(*ledger, c) == settle::Outcome::kHeld);
  }
  Result<json> ask(const std::string& command, const json& args) { return ops::ask(socket, command, args); }

  TempDir dir;
  ManualClock clock{kNow + 2'000};
  std::filesystem::path socket = dir.path() / "anduin.sock";
  std::unique_ptr<settle::Ledger> ledger;
  std::atomic<int> woken = 0;
  ops::Control control;
};

}  // namespace

TEST_CASE("control: a request reaches its command with the caller's name", "[control]") {
  Served s;
  const auto who = s.ask("who", {{"a", "b"}});
  REQUIRE(who);
  CHECK((*who)["uid"] == ::geteuid());
  CHECK_FALSE((*who)["user"].get<std::string>().empty());
  CHECK((*who)["args"] == json{{"a", "b"}});
}

TEST_CASE("control: what is wrong is said, and the socket goes on", "[control]") {
  Served s;
  const auto unknown = s.ask("aprove", json::object());
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().kind == ErrorKind::kBadRequest);
  CHECK(unknown.error().text.find("no command 'aprove'; this host knows accept-gap, approve") == 0);
  for (const char* line : {"", "hello", "[]", "{}", R"({"command":1})", R"({"command":"who","args":[]})", "{\"command\":\"\xff\"}"}) {
    CAPTURE(line);
    const auto answer = net::ask_line(s.socket, line, 5'000);
    REQUIRE(answer);
    CHECK(json::parse(*answer)["ok"] == false);
  }
  const auto thrown = s.ask("throws", json::object());
  REQUIRE_FALSE(thrown);
  CHECK(thrown.error().kind == ErrorKind::kFatal);
  CHECK(s.ask("who", json::object()));
}

TEST_CASE("control: approve and reject move the row once, with who and why in the trail", "[control]") {
  Served s;
  s.hold("c-1");
  s.hold("c-2");
  const auto done = s.ask("approve", {{"ref", "c-1"}, {"reason", "checked with the venue, ticket 7"}});
  INFO((done ? "" : done.error().to_string()));
  REQUIRE(done);
  CHECK((*done)["from"] == "QUARANTINED");
  CHECK((*done)["to"] == "QUEUED");
  CHECK(s.woken == 1);
  REQUIRE(s.ask("reject", {{"ref", settle::ref_id("Bybit", "c-2")->to_string()}, {"reason", "paid by hand"}}));
  CHECK(s.woken == 1);

  const auto trail = *reader(s.dir)->show("c-1");
  CHECK(trail["state"] == "QUEUED");
  const json last = trail["audit"].back();
  CHECK(last["detail"] == "checked with the venue, ticket 7");
  CHECK(last["actor"].get<std::string>().find("operator ") == 0);
  CHECK((*reader(s.dir)->show("c-2"))["state"] == "REJECTED");
  CHECK(reader(s.dir)->verify_audit()->ok);

  for (const auto& [args, words] : std::vector<std::pair<json, std::string>>{
           {{{"ref", "c-1"}, {"reason", "again"}}, "is QUEUED; only QUARANTINED and BLOCKED can be approved"},
           {{{"ref", "c-2"}, {"reason", "again"}}, "is REJECTED"},
           {{{"ref", "c-3"}, {"reason", "?"}}, "no settlement has this"},
           {{{"ref", "c-1"}, {"reason", " "}}, "needs a reason"},
           {{{"ref", "c-1"}, {"reason", std::string(1'001, 'x')}}, "over 1000 bytes"},
           {{{"ref", "c-1"}}, "reason: is missing"},
           {{{"reason", "why"}}, "ref: is missing"}}) {
    const auto refused = s.ask("approve", args);
    CAPTURE(args.dump(), words);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::kBadRequest);
    CHECK(refused.error().text.find(words) != std::string::npos);
  }
  CHECK(s.woken == 1);
}

TEST_CASE("control: an unproven range is accepted by a person with a reason", "[control]") {
  Served s;
  REQUIRE(s.ledger->commit_batch({"alice", {}, {}, {{kNow, kNow + 1'000, false}}}));
  const auto open = *s.ledger->unproven();
  REQUIRE(open.size() == 1);
  const std::string id = std::to_string(open.front().id);
  CHECK_FALSE(s.ask("accept-gap", {{"id", "x1"}, {"reason", "looked at the statement"}}));
  REQUIRE(s.ask("accept-gap", {{"id", id}, {"reason", "looked at the statement"}}));
  CHECK(s.ledger->unproven()->empty());
  CHECK(s.ledger->unproven("", false)->front().reason == "looked at the statement");
  CHECK_FALSE(s.ask("accept-gap", {{"id", id}, {"reason", "again"}}));
}

TEST_CASE("control: a reason is no place to inject a row into the trail", "[control]") {
  Served s;
  s.hold("c-1");
  CHECK_FALSE(s.ask("approve", {{"ref", "c-1"}, {"reason", "fine\n[2026-11-22] [info] settled"}}));
  const std::string reason = "it's \"fine\" {\"state\":\"SETTLED\"}'); DROP TABLE audit";
  REQUIRE(s.ask("approve", {{"ref", "c-1"}, {"reason", reason}}));
  const auto trail = *reader(s.dir)->show("c-1");
  CHECK(trail["audit"].back()["detail"] == reason);
  CHECK(trail["state"] == "QUEUED");
}

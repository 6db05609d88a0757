// Signed decisions: the text that is signed, who may sign, what is refused and why, k of n, and the trail that is left.
#include "settle/decision.hpp"

#include <nlohmann/json.hpp>

#include "base/random.hpp"
#include "settle/support.hpp"
#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;
using nlohmann::json;

namespace {

constexpr std::int64_t kHour = 3'600'000;

/// Three people with keys.
struct People {
  People() {
    for (const char digit : {'1', '2', '3'}) {
      auto made = chain::LocalSigner::from_hex_key(std::string(64, digit), random);
      REQUIRE(made);
      keys.push_back(std::move(*made));
    }
  }
  SeededRandom random{1};
  std::vector<std::unique_ptr<chain::LocalSigner>> keys;
};

struct Desk {
  explicit Desk(std::uint32_t needed = 1, std::size_t approvers = 2) {
    options.policy.approvals_needed = needed;
    for (std::size_t i = 0; i < approvers; ++i) options.policy.approvers.push_back(people.keys[i]->address());
    options.policy.signed_above_usd = Decimal(100);
    open();
  }
  void open() {
    ledger = open_ledger(dir, clock, options);
    auto t = terms("alice");
    t.settle_from_ms = kNow;
    REQUIRE(ledger->register_account(t));
  }
  void hold(const std::string& id, const std::string& pnl) {
    auto c = close_of(id, pnl);
    c.hold_reason = "split: the venue pays this contract's profit in parts";
    REQUIRE(commit(*ledger, c) == Outcome::kHeld);
  }
  SignedDecision signed_by(std::size_t person, const std::string& id, Verdict verdict = Verdict::kApprove,
                           const std::string& reason = "seen with the venue") {
    auto draft = ledger->draft_decision(id, verdict, "person " + std::to_string(person), reason, 24 * kHour);
    INFO((draft ? "" : draft.error().to_string()));
    REQUIRE(draft);
    return sign(person, *draft);
  }
  SignedDecision sign(std::size_t person, const Decision& d) {
    SignedDecision out{d, *people.keys[person]->sign(decision_digest(d))};
    return out;
  }
  std::string refused(const SignedDecision& d) {
    const auto done = ledger->decide(d);
    if (done) return "accepted";
    CHECK(done.error().kind == ErrorKind::kBadRequest);
    return done.error().text;
  }
  std::string state(const std::string& id) { return (*reader(dir)->show(id))["state"]; }

  People people;
  TempDir dir;
  ManualClock clock{kNow + 2'000};
  LedgerOptions options;
  std::unique_ptr<Ledger> ledger;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The file as an approver hands it in.
json file_of(const SignedDecision& d) {
  json file = json::parse(decision_json(d));
  Bytes bytes(65);
  std::copy(d.signature.r.begin(), d.signature.r.end(), bytes.begin());
  std::copy(d.signature.s.begin(), d.signature.s.end(), bytes.begin() + 32);
  bytes.back() = static_cast<std::uint8_t>(27 + d.signature.y_parity);
  file["signature"] = to_hex(bytes);
  return file;
}

}  // namespace

TEST_CASE("decision: EIP-191 signatures of the vectors recover to their signers", "[decision]") {
  ANDUIN_NEED_SHARED();
  const auto rows = anduin::test::shared_json("vectors/evm.json").at("personalSign");
  REQUIRE(rows.size() == 4);
  for (const auto& row : rows) {
    const auto digest = chain::personal_message_hash(row.at("messageUtf8").get<std::string>());
    CHECK(digest.to_string() == row.at("hash").get<std::string>());
    const auto bytes = *from_hex(row.at("signature").get<std::string>());
    chain::Signature s;
    std::copy_n(bytes.begin(), 32, s.r.begin());
    std::copy_n(bytes.begin() + 32, 32, s.s.begin());
    s.y_parity = static_cast<std::uint8_t>(bytes[64] - 27);
    CHECK(chain::recover(digest, s)->to_string() == row.at("signer").get<std::string>());
  }
}

TEST_CASE("decision: the signed text is frozen", "[decision]") {
  Decision d;
  d.ref_id = *ref_id("Bybit", "12345");
  d.chain_id = 8453;
  d.vault = address_of(0x5e);
  d.user = address_of(0xa1);
  d.action = "credit";
  d.units = "500000000";
  d.verdict = Verdict::kApprove;
  d.reason = "ticket 42";
  d.who = "Carol";
  d.signed_ms = 1'700'000'000'000;
  d.expires_ms = 1'700'086'400'000;
  CHECK(decision_text(d) ==
        "Anduin settlement decision\n"
        "refId: 0xfac056919de15d1b15db1b589d0629cb89bb2c749118234f8c960e5e93a59f88\n"
        "chain: 8453\n"
        "vault: 0x5e5E5e5e5E5e5E5E5e5E5E5e5e5E5E5E5e5E5E5e\n"
        "user: 0xA1A1a1a1A1A1A1A1A1a1a1a1a1a1A1A1a1A1a1a1\n"
        "action: credit\nunits: 500000000\ndecision: approve\nreason: ticket 42\nwho: Carol\n"
        "time: 2023-11-14T22:13:20Z\nexpires: 2023-11-15T22:13:20Z");
}

TEST_CASE("decision: a file is read back as it was signed, and what is altered or malformed is named", "[decision]") {
  Desk desk;
  desk.hold("c-1", "500");
  const SignedDecision d = desk.signed_by(0, "c-1");
  const json file = file_of(d);
  const auto back = parse_decision(file.dump());
  INFO((back ? "" : back.error().to_string()));
  REQUIRE(back);
  CHECK(decision_text(*back) == decision_text(d));
  CHECK(*decision_signer(*back) == desk.people.keys[0]->address());

  const auto with = [&](const char* member, const json& value) {
    json other = file;
    if (value.is_null()) other.erase(member); else other[member] = value;
    const auto parsed = parse_decision(other.dump());
    return parsed ? std::string("accepted") : parsed.error().to_string();
  };
  CHECK(has(with("units", "500000001"), "decision: text: was altered"));
  CHECK(has(with("reason", "other"), "was altered"));
  CHECK(has(with("refId", "0x12"), "decision: refId: is not 32 bytes"));
  CHECK(has(with("refId", nullptr), "decision: refId: is missing"));
  CHECK(has(with("chain", "1"), "decision: chain: is not a chain id"));
  CHECK(has(with("chain", 1.5), "decision: chain"));
  CHECK(has(with("decision", "maybe"), "neither approve nor reject"));
  CHECK(has(with("reason", "two\nlines"), "line break"));
  CHECK(has(with("who", " "), "decision: who: is empty"));
  CHECK(has(with("time", "2023-11-14 22:13:20"), "decision: time"));
  CHECK(has(with("time", "2023-02-30T00:00:00Z"), "decision: time"));
  CHECK(has(with("expires", "2023-11-14T24:00:00Z"), "decision: expires"));
  CHECK(has(with("signature", "0x00"), "65 bytes"));
  CHECK(has(with("signature", nullptr), "decision: signature: is missing"));
  CHECK(has(parse_decision("[]").error().text, "no JSON object"));
  CHECK(has(parse_decision("{").error().text, "no JSON object"));
  CHECK(has(parse_decision(std::string(kDecisionFileMax + 1, ' ')).error().text, "over 16384 bytes"));
}

TEST_CASE("decision: above the limit only an approver's signature moves the row", "[decision]") {
  Desk desk;
  desk.hold("small", "100");
  desk.hold("big", "-100.01");
  REQUIRE(desk.ledger->approve("small", "operator eve", "fine"));
  for (const bool approve : {true, false}) {
    const auto local = approve ? desk.ledger->approve("big", "operator eve", "fine") : desk.ledger->reject("big", "operator eve", "no");
    REQUIRE_FALSE(local);
    CHECK(has(local.error().text, "its 100.01 USD is above policy.signed_above_usd, 100"));
  }
  CHECK(has(desk.refused(desk.signed_by(2, "big")), "who is not among policy.approvers"));
  const auto done = desk.ledger->decide(desk.signed_by(1, "big"));
  INFO((done ? "" : done.error().to_string()));
  REQUIRE(done);
  CHECK(done->row.to == State::kQueued);
  CHECK(desk.state("big") == "QUEUED");

  const json shown = *reader(desk.dir)->show("big");
  const json& trail = shown["audit"];
  const json& kept = trail[trail.size() - 2];
  CHECK(kept["kind"] == "approval");
  CHECK(kept["actor"] == "approver " + desk.people.keys[1]->address().to_string());
  CHECK(has(kept["detail"], "decision: approve\nreason: seen with the venue\nwho: person 1"));
  CHECK(has(kept["detail"], "\nsignature: 0x"));
  CHECK(has(trail.back()["actor"], "approvers 0x"));
  CHECK(trail.back()["detail"] == "person 1: seen with the venue");
  CHECK(reader(desk.dir)->verify_audit()->ok);
}

TEST_CASE("decision: replayed, expired, foreign, altered or dated in the future is refused with its reason", "[decision]") {
  Desk desk;
  desk.hold("c-1", "500");
  desk.hold("c-2", "500");
  const SignedDecision good = desk.signed_by(0, "c-1");
  SECTION("replayed, also after a restart") {
    REQUIRE(desk.ledger->decide(good));
    CHECK(desk.refused(good) == "this decision was used already");
    desk.ledger.reset();
    desk.open();
    CHECK(desk.refused(good) == "this decision was used already");
    CHECK(has(desk.refused(desk.sign(1, good)), "was used already"));  // another's name under the same decision
  }
  SECTION("altered after it was signed") {
    SignedDecision other = good;
    other.units = "1";
    CHECK(has(desk.refused(other), "not among policy.approvers; or the file was altered"));
    other = good;
    other.verdict = Verdict::kReject;
    CHECK(has(desk.refused(other), "or the file was altered"));
  }
  SECTION("signed about another amount or user than the ledger's") {
    Decision d = good;
    d.units = "1";
    CHECK(has(desk.refused(desk.sign(0, d)), "the decision is about credit 1 of"));
    d = good;
    d.user = address_of(0x66);
    CHECK(has(desk.refused(desk.sign(0, d)), "the ledger holds credit 500000000 of"));
  }
  SECTION("of another chain, vault or settlement") {
    Decision d = good;
    d.chain_id = 1;
    CHECK(has(desk.refused(desk.sign(0, d)), "no settlement of this chain and vault"));
    d = good;
    d.vault = address_of(0x01);
    CHECK(has(desk.refused(desk.sign(0, d)), "no settlement of this chain and vault"));
    d = good;
    d.ref_id = *ref_id("Bybit", "c-9");
    CHECK(has(desk.refused(desk.sign(0, d)), "no settlement"));
  }
  SECTION("out of its time") {
    desk.clock.set_wall_ms(good.expires_ms);
    CHECK(has(desk.refused(good), "has expired"));
    desk.clock.set_wall_ms(good.signed_ms - kDecisionSkewMs - 1);
    CHECK(has(desk.refused(good), "in the future"));
    desk.clock.set_wall_ms(kNow + 2'000);
    Decision d = good;
    d.expires_ms = d.signed_ms + kDecisionValidMsMax + 1'000;
    CHECK(has(desk.refused(desk.sign(0, d)), "over 30 days"));
  }
  SECTION("of a row that waits no more") {
    const SignedDecision no = desk.signed_by(1, "c-1", Verdict::kReject);
    REQUIRE(desk.ledger->decide(no));
    CHECK(has(desk.refused(good), "is REJECTED"));
    CHECK(desk.state("c-1") == "REJECTED");
  }
  SECTION("with a signature that is none") {
    SignedDecision other = good;
    other.signature.r.fill(0);
    CHECK(has(desk.refused(other), "is none"));
  }
  CHECK(desk.state("c-2") == "QUARANTINED");
  CHECK(reader(desk.dir)->verify_audit()->ok);
}

TEST_CASE("decision: k of n, one voice each, for one verdict, while the row waits", "[decision]") {
  Desk desk(2, 3);
  desk.hold("c-1", "500");
  auto done = desk.ledger->decide(desk.signed_by(0, "c-1"));
  REQUIRE(done);
  CHECK(done->have == 1);
  CHECK(done->needed == 2);
  CHECK(desk.state("c-1") == "QUARANTINED");
  CHECK(has(desk.refused(desk.signed_by(0, "c-1", Verdict::kApprove, "me again")), "has signed this already"));
  done = desk.ledger->decide(desk.signed_by(1, "c-1", Verdict::kReject));  // another verdict does not help this one
  REQUIRE(done);
  CHECK(done->have == 1);
  CHECK(desk.state("c-1") == "QUARANTINED");

  SECTION("a second approver") {
    done = desk.ledger->decide(desk.signed_by(2, "c-1"));
    REQUIRE(done);
    CHECK(done->have == 2);
    CHECK(desk.state("c-1") == "QUEUED");
  }
  SECTION("one who is no approver any more has no voice") {
    desk.ledger.reset();
    desk.options.policy.approvers.erase(desk.options.policy.approvers.begin());
    desk.open();
    done = desk.ledger->decide(desk.signed_by(2, "c-1"));
    REQUIRE(done);
    CHECK(done->have == 1);
    CHECK(desk.state("c-1") == "QUARANTINED");
  }
  SECTION("a voice that has expired counts no more") {
    desk.clock.advance_ms(25 * kHour);
    done = desk.ledger->decide(desk.signed_by(2, "c-1"));
    REQUIRE(done);
    CHECK(done->have == 1);
  }
}

TEST_CASE("decision: a row without an amount is rejected by signature, never approved", "[decision]") {
  Desk desk;
  auto c = close_of("coin", "2");
  c.currency = c.fee_currency = "SOL";
  REQUIRE(commit(*desk.ledger, c) == Outcome::kHeld);
  CHECK(has(desk.ledger->reject("coin", "operator eve", "no").error().text, "unknown amount"));
  CHECK(has(desk.ledger->draft_decision("coin", Verdict::kApprove, "Carol", "x", kHour).error().text, "has no amount"));
  const auto no = desk.signed_by(0, "coin", Verdict::kReject);
  CHECK(no.units == "none");
  REQUIRE(desk.ledger->decide(no));
  CHECK(desk.state("coin") == "REJECTED");
}

TEST_CASE("decision: what an amount was changed to by hand is not what was signed", "[decision]") {
  Desk desk;
  desk.hold("c-1", "500");
  const SignedDecision good = desk.signed_by(0, "c-1");
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(desk.dir.ledger().c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, "UPDATE settlement SET units = '900000000' WHERE position_id = 'c-1'", nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(sqlite3_exec(db, "DELETE FROM approval; UPDATE breaker SET reason = ''", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
  CHECK(has(desk.refused(good), "the ledger holds credit 900000000"));
}

TEST_CASE("decision: a conflicting report is seen to by a person, once, and moves nothing", "[decision]") {
  Desk desk;
  REQUIRE(commit(*desk.ledger, close_of("c-1", "5")) == Outcome::kAccepted);
  REQUIRE(commit(*desk.ledger, close_of("c-1", "6")) == Outcome::kConflict);
  CHECK_FALSE(desk.ledger->approve("report:1", "operator eve", "no"));
  CHECK_FALSE(desk.ledger->reject("report:2", "operator eve", "no such"));
  REQUIRE(desk.ledger->reject("report:1", "operator eve", "the venue corrected itself, paid by hand"));
  CHECK_FALSE(desk.ledger->reject("report:1", "operator eve", "again"));
  const json shown = *reader(desk.dir)->show("c-1");
  CHECK(shown["state"] == "QUEUED");
  CHECK(shown["reports"][0]["resolution"] == "the venue corrected itself, paid by hand");
  CHECK(shown["reports"][0]["resolvedBy"] == "operator eve");
}

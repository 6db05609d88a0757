// The submitter against a calm chain: each path of the state machine once, by hand.
#include "settle/submitter.hpp"

#include <nlohmann/json.hpp>

#include "settle/chain_support.hpp"
#include "settle/submitter_thread.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

namespace {

chain::CallResult revert(std::initializer_list<std::uint8_t> selector) {
  return {true, Bytes(selector), "execution reverted"};
}
const auto kPaused = {std::uint8_t{0x9e}, std::uint8_t{0x87}, std::uint8_t{0xfa}, std::uint8_t{0xc8}};

chain::CallResult no_collateral() {
  Bytes data{0x4f, 0x4d, 0x34, 0xe4};
  data.resize(4 + 3 * 32);
  return {true, data, "execution reverted"};
}

}  // namespace

TEST_CASE("submitter: from queued to settled, with the whole trail", "[submitter]") {
  Bench b;
  commit(*b.ledger, close_of("1", "12.5"));
  CHECK(b.state("1") == "QUEUED");
  b.tick();
  CHECK(b.state("1") == "ASSIGNED");
  CHECK(b.node.sent.size() == 1);
  b.chain.mine();
  b.tick();
  CHECK(b.state("1") == "INCLUDED");
  b.chain.mine();
  b.chain.mine();
  b.tick();
  CHECK(b.state("1") == "SAFE");
  b.chain.mine();
  b.chain.mine();
  b.tick();
  CHECK(b.state("1") == "SETTLED");
  CHECK(b.submitter->status().settled == 1);
  CHECK(b.events().size() == 1);
  const auto row = *reader(b.dir)->show("1");
  CHECK(row["onchainUnits"] == "12500000");
  REQUIRE(row["slots"].size() == 1);
  const auto& slot = row["slots"][0];
  CHECK(slot["state"] == "FINAL");
  CHECK(slot["nonce"] == 0);
  CHECK(slot["attempts"].size() == 1);
  CHECK(slot["transaction"] == slot["attempts"][0]["transaction"]);
  CHECK(slot["blockHash"] ==
        b.chain.blocks()[slot["blockNumber"].get<std::size_t>()].head.hash.to_string());
  std::string path;
  for (const auto& a : row["audit"]) {
    if (a["kind"] == "settlement") path += a["to"].get<std::string>() + " ";
  }
  CHECK(path == "QUEUED ASSIGNED INCLUDED SAFE SETTLED ");
  CHECK(reader(b.dir)->verify_audit()->ok);
  CHECK(reader(b.dir)->sums()->ledger_sum == "12500000");
}

TEST_CASE("submitter: settled_at decides how deep is settled", "[submitter]") {
  for (const char* rule : {"safe", "depth:1", "finalized"}) {
    Bench b;
    b.options.settled_at = *FinalityRule::parse(rule);
    b.close_down();
    b.open();
    commit(*b.ledger, close_of("1", "1"));
    b.tick();
    int blocks = 0;
    while (b.state("1") != "SETTLED" && blocks < 10) {
      b.chain.mine();
      ++blocks;
      b.tick();
      b.tick();
    }
    CAPTURE(rule);
    CHECK(blocks == (std::string(rule) == "depth:1" ? 2 : std::string(rule) == "safe" ? 3 : 5));
  }
}

TEST_CASE("submitter: a rival was first: no gas, and equal or not decides", "[submitter]") {
  Bench b;
  commit(*b.ledger, close_of("same", "10"));
  commit(*b.ledger, close_of("other", "10"));
  const auto settle = [&](const char* id, int units) {
    b.chain.rival(address_of(0x77), *b.vault.settle_call({chain::Action::kCredit, terms("alice").user,
                                                          U256(units), *ref_id("Bybit", id)}));
  };
  settle("same", 10'000'000);
  settle("other", 9'999'999);
  b.chain.mine();
  b.tick();
  CHECK(b.state("same") == "QUEUED");  // used at the head, not yet at the settled block
  b.run(5);
  CHECK(b.state("same") == "ALREADY_SETTLED");
  CHECK(b.state("other") == "CONFLICT");
  CHECK(b.node.sent.empty());
  CHECK(reader(b.dir)->sums()->settled == 1);
}

TEST_CASE("submitter: a rival overtakes a sent transaction", "[submitter]") {
  Bench b;
  commit(*b.ledger, close_of("1", "10"));
  b.tick();
  b.chain.rival(address_of(0x77), *b.vault.settle_call({chain::Action::kCredit, terms("alice").user,
                                                        U256(10'000'000), *ref_id("Bybit", "1")}));
  b.run(6);  // ours reverts in the same block
  CHECK(b.state("1") == "ALREADY_SETTLED");
  CHECK(b.events().size() == 1);
}

TEST_CASE("submitter: a capped seizure records what was really taken", "[submitter]") {
  Bench b;
  commit(*b.ledger, close_of("capped", "-1000", "bob"));
  commit(*b.ledger, close_of("full", "-5", "alice"));
  b.run(7);
  CHECK(b.state("capped") == "SETTLED");
  CHECK((*reader(b.dir)->show("capped"))["units"] == "1000000000");
  CHECK((*reader(b.dir)->show("capped"))["onchainUnits"] == "700000000");
  CHECK(reader(b.dir)->sums()->ledger_sum == "-705000000");
}

TEST_CASE("submitter: with the node or the signer away rows stay queued and the error is visible",
          "[submitter]") {
  Bench b;
  b.node.down = true;
  commit(*b.ledger, close_of("1", "10"));
  b.tick();
  CHECK(b.state("1") == "QUEUED");
  CHECK(b.submitter->status().last_error.find("connection refused") != std::string::npos);
  b.node.down = false;
  b.signer.down = true;
  b.tick();
  CHECK(b.state("1") == "ASSIGNED");  // the nonce is bound to the payload, nothing is signed
  CHECK(b.node.sent.empty());
  CHECK(b.submitter->status().last_error.find("key service") != std::string::npos);
  b.close_down();
  b.open();
  b.tick();
  CHECK(b.node.sent.empty());
  b.signer.down = false;
  b.run(7);
  CHECK(b.state("1") == "SETTLED");
  CHECK(b.submitter->status().last_error.empty());
  CHECK(b.chain.nonce(b.key->address(), b.chain.height()) == 1);
}

TEST_CASE("submitter: 16 in flight, in the order of the closes, over a restart", "[submitter]") {
  Bench b;
  for (int i = 0; i < 20; ++i) {
    auto c = close_of("c" + std::to_string(i), "1");
    c.closed_ms += 100 - i;  // reported newest first
    commit(*b.ledger, c);
  }
  b.tick();
  CHECK(b.node.sent.size() == 16);
  CHECK((*reader(b.dir)->show("c19"))["slots"][0]["nonce"] == 0);
  CHECK((*reader(b.dir)->show("c4"))["slots"][0]["nonce"] == 15);
  CHECK(b.state("c3") == "QUEUED");
  b.close_down();
  b.open();
  b.tick();
  CHECK(b.node.sent.size() == 32);  // the same bytes again
  for (std::size_t i = 0; i < 16; ++i) CHECK(b.node.sent[i] == b.node.sent[i + 16]);
  b.run(12);
  CHECK(reader(b.dir)->sums()->settled == 20);
  CHECK(b.events().size() == 20);
}

TEST_CASE("submitter: dropped bytes go out again, unchanged, later with a higher fee", "[submitter]") {
  Bench b;
  commit(*b.ledger, close_of("1", "10"));
  // A pool that takes everything and mines nothing.
  b.node.on_send = [](const Bytes&) { return chain::SendResult{chain::SendClass::kAccepted, {}}; };
  b.run(4);
  REQUIRE(b.node.sent.size() >= 2);
  CHECK(b.node.sent[1] == b.node.sent[0]);
  b.run(8);
  CHECK(b.submitter->status().bumps >= 1);
  const auto first = *chain::decode_transaction(b.node.sent.front()),
             last = *chain::decode_transaction(b.node.sent.back());
  CHECK(last.transaction.nonce == first.transaction.nonce);
  CHECK(last.transaction.data == first.transaction.data);
  CHECK(last.transaction.max_fee * 10 > first.transaction.max_fee * 11);
  CHECK(last.transaction.tip * 10 > first.transaction.tip * 11);
  b.node.on_send = nullptr;
  b.run(12);
  CHECK(b.state("1") == "SETTLED");
}

TEST_CASE(
    "submitter: a stranger's transaction on our nonce: lost only at the settled block, then sent again",
    "[submitter]") {
  Bench b;
  commit(*b.ledger, close_of("1", "10"));
  b.tick();
  b.chain.use_key(b.key->address());
  b.chain.mine();
  for (int i = 0; i < 3; ++i) {
    b.tick();
    CHECK(b.state("1") == "ASSIGNED");
    b.chain.mine();
  }
  b.run(12);
  CHECK(b.state("1") == "SETTLED");
  CHECK(b.submitter->status().key_shared);
  CHECK(b.submitter->status().lost_slots == 1);
  const auto row = *reader(b.dir)->show("1");
  REQUIRE(row["slots"].size() == 2);
  CHECK(row["slots"][0]["state"] == "LOST");
  CHECK(row["slots"][1]["nonce"] == 1);
  CHECK(b.events().size() == 1);
}

TEST_CASE("submitter: bytes that can never be mined are given up by a no-op on the same nonce",
          "[submitter]") {
  Bench b;
  commit(*b.ledger, close_of("1", "10"));
  b.node.on_send = [&](const Bytes& raw) -> std::optional<chain::SendResult> {
    if (b.node.sent.size() > 1) return std::nullopt;
    CHECK(raw.size() > 100);
    return chain::SendResult{chain::SendClass::kPermanent, "exceeds max transaction gas limit"};
  };
  b.run(3);
  REQUIRE(b.node.sent.size() >= 2);
  const auto noop = *chain::decode_transaction(b.node.sent[1]);
  CHECK(noop.transaction.nonce == 0);
  CHECK(noop.transaction.to == b.key->address());
  CHECK(noop.transaction.data.empty());
  CHECK(noop.transaction.gas_limit == 21'000);
  CHECK(b.state("1") == "ASSIGNED");  // back only when the no-op is final
  b.run(14);
  CHECK(b.state("1") == "SETTLED");
  CHECK(b.events().size() == 1);
  CHECK((*reader(b.dir)->show("1"))["slots"].size() == 2);
}

TEST_CASE("submitter: too little collateral blocks one item and is tried again", "[submitter]") {
  Bench b;
  bool poor = true;
  b.node.on_estimate = [&](const Bytes& data) -> std::optional<chain::CallResult> {
    if (poor && data[0] == 0xc6) return no_collateral();
    return std::nullopt;
  };
  commit(*b.ledger, close_of("loss", "-10"));
  commit(*b.ledger, close_of("win", "10", "bob"));
  b.run(2);
  CHECK(b.state("loss") == "BLOCKED");
  CHECK(b.show("loss").second.find("InsufficientCollateral") != std::string::npos);
  CHECK(b.state("win") != "QUEUED");
  b.run(35);
  CHECK(b.state("loss") == "BLOCKED");
  poor = false;
  b.run(40);
  CHECK(b.state("loss") == "SETTLED");
}

TEST_CASE("submitter: a seizure waits for its user's credit in flight instead of being blocked",
          "[submitter]") {
  Bench b;
  b.node.on_estimate = [&](const Bytes& data) -> std::optional<chain::CallResult> {
    if (data[0] == 0xc6 && b.events().empty()) return no_collateral();
    return std::nullopt;
  };
  commit(*b.ledger, close_of("win", "10"));
  commit(*b.ledger, close_of("loss", "-10"));
  b.tick();
  CHECK(b.state("loss") == "QUEUED");
  b.run(8);
  CHECK(b.state("loss") == "SETTLED");
}

TEST_CASE("submitter: a paused vault stops planning, and goes on by itself", "[submitter]") {
  Bench b;
  bool paused = true;
  b.node.on_estimate = [&](const Bytes&) -> std::optional<chain::CallResult> {
    return paused ? std::optional(revert(kPaused)) : std::nullopt;
  };
  commit(*b.ledger, close_of("1", "10"));
  commit(*b.ledger, close_of("2", "10"));
  b.run(3);
  CHECK(b.state("1") == "BLOCKED");
  CHECK(b.state("2") == "QUEUED");
  paused = false;
  b.run(45);
  CHECK(b.state("1") == "SETTLED");
  CHECK(b.state("2") == "SETTLED");
}

TEST_CASE("submitter: without gas money nothing is reserved, and the need is told", "[submitter]") {
  Bench b;
  b.node.balance_is = U256(1'000);
  commit(*b.ledger, close_of("1", "10"));
  b.tick();
  CHECK(b.state("1") == "QUEUED");
  CHECK(b.submitter->status().last_error.find("wei more for gas") != std::string::npos);
  b.node.balance_is.reset();
  b.run(7);
  CHECK(b.state("1") == "SETTLED");
}

TEST_CASE("submitter: whoever took the signer last is the only one who writes", "[submitter]") {
  Bench b;
  commit(*b.ledger, close_of("1", "10"));
  b.tick();
  Submitter second(b.options, *b.ledger, b.vault, b.node, b.signer, b.clock);
  REQUIRE(second.tick());
  commit(*b.ledger, close_of("2", "10"));
  const auto old = b.submitter->tick();
  REQUIRE_FALSE(old);
  CHECK(old.error().kind == ErrorKind::kFatal);
  CHECK(old.error().text.find("taken over") != std::string::npos);
  for (int i = 0; i < 7; ++i) {
    REQUIRE(second.tick());
    b.chain.mine();
  }
  CHECK(b.events().size() == 2);
}

TEST_CASE("submitter: one key for two vaults is refused at the start", "[submitter]") {
  Bench b;
  b.tick();
  const auto other = *chain::Vault::create(address_of(0x99));
  Submitter second(b.options, *b.ledger, other, b.node, b.signer, b.clock);
  const auto started = second.start();
  REQUIRE_FALSE(started);
  CHECK(started.error().kind == ErrorKind::kBadRequest);
  CHECK(started.error().text.find("signer of its own") != std::string::npos);
  commit(*b.ledger, close_of("1", "10"));
  b.run(7);
  CHECK(b.state("1") == "SETTLED");
}

TEST_CASE("submitter: a reorg takes it back and the same bytes go out again", "[submitter]") {
  Bench b;
  commit(*b.ledger, close_of("1", "10"));
  b.tick();
  b.chain.mine();
  b.chain.mine();
  b.tick();
  CHECK(b.state("1") == "INCLUDED");
  b.chain.reorg(2, false);
  b.tick();
  CHECK(b.state("1") == "ASSIGNED");
  b.tick();
  CHECK(b.node.sent.back() == b.node.sent.front());
  b.run(7);
  CHECK(b.state("1") == "SETTLED");
  CHECK(b.events().size() == 1);
}

TEST_CASE("submitter thread: new rows go out at once", "[submitter][thread]") {
  Bench b;
  SystemClock time;
  std::vector<std::uint64_t> ns;
  {
    SubmitterThread thread(*b.submitter, 60'000);  // only wake() can be the reason
    for (int i = 0; i < 10; ++i) {
      commit(*b.ledger, close_of("t" + std::to_string(i), "1"));
      const auto start = time.mono_ns();
      thread.wake();
      while (thread.status().sent < static_cast<std::uint64_t>(i + 1)) {
        if (time.mono_ns() - start > 10'000'000'000) FAIL("nothing was sent within 10 s");
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
      ns.push_back(time.mono_ns() - start);
    }
  }
  std::sort(ns.begin(), ns.end());
  std::printf("row durable to first broadcast, in-memory chain, no fsync: median %llu us, max %llu us\n",
              static_cast<unsigned long long>(ns[5] / 1000),
              static_cast<unsigned long long>(ns.back() / 1000));
}

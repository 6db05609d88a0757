// The submitter's decisions as tables: finality rules, slot moves, fees, send answers, the verdict on an
// item.
#include "settle/slot_logic.hpp"

#include "settle/support.hpp"

using namespace anduin;
using namespace anduin::settle;
using anduin::settle::test::address_of;
using chain::RevertClass;
using chain::SendClass;

namespace {

Hash hash_of(std::uint8_t fill) {
  Hash h;
  h.bytes.fill(fill);
  return h;
}

SlotFacts facts(SlotState state, std::optional<std::uint64_t> mined_at = {}) {
  SlotFacts f;
  f.state = state;
  f.block_hash = state == SlotState::kMined ? hash_of(1) : Hash{};
  if (mined_at) f.sighting = Sighting{hash_of(9), hash_of(1), *mined_at, true};
  f.all_looked_up = true;
  f.nonce = 7;
  f.finalized_nonce = 7;
  f.settled_height = 100;
  return f;
}

}  // namespace

TEST_CASE("finality rule: texts", "[slot]") {
  CHECK(FinalityRule::parse("finalized")->kind == FinalityRule::Kind::kFinalized);
  CHECK(FinalityRule::parse("safe")->kind == FinalityRule::Kind::kSafe);
  CHECK(FinalityRule::parse("depth:12")->depth == 12);
  for (const char* bad :
       {"", "final", "depth:", "depth:0", "depth:-1", "depth:1x", "depth:10001", "latest"}) {
    CHECK_FALSE(FinalityRule::parse(bad));
  }
  const Heights h{120, 110, 100};
  CHECK(settled_height(*FinalityRule::parse("finalized"), h) == 100);
  CHECK(settled_height(*FinalityRule::parse("safe"), h) == 110);
  CHECK(settled_height(*FinalityRule::parse("depth:12"), h) == 108);
  CHECK(settled_height(*FinalityRule::parse("depth:500"), h) == 0);
}

TEST_CASE("slot moves: a receipt is recorded first and final only at the settled height", "[slot]") {
  CHECK(next_move(facts(SlotState::kSent, 90)) ==
        SlotMove::kMined);  // even if old: a second look comes first
  CHECK(next_move(facts(SlotState::kSigned, 90)) == SlotMove::kMined);
  CHECK(next_move(facts(SlotState::kMined, 101)) == SlotMove::kWait);
  CHECK(next_move(facts(SlotState::kMined, 100)) == SlotMove::kFinal);
  auto moved = facts(SlotState::kMined, 100);
  moved.block_hash = hash_of(2);  // re-included in another block
  CHECK(next_move(moved) == SlotMove::kMined);
}

TEST_CASE("slot moves: absence needs answers, the nonce at the settled block, and a second look",
          "[slot]") {
  CHECK(next_move(facts(SlotState::kSent)) == SlotMove::kWait);
  auto gone = facts(SlotState::kSent);
  gone.finalized_nonce = 8;
  CHECK(next_move(gone) == SlotMove::kSuspect);
  gone.absent_before = true;
  CHECK(next_move(gone) == SlotMove::kLost);
  gone.orphaned = true;
  CHECK(next_move(gone) == SlotMove::kWait);
  gone.orphaned = false;
  gone.all_looked_up = false;
  CHECK(next_move(gone) == SlotMove::kWait);
  auto unmined = facts(SlotState::kMined);
  CHECK(next_move(unmined) == SlotMove::kUnmined);
  unmined.orphaned = true;
  CHECK(next_move(unmined) == SlotMove::kUnmined);
  unmined.all_looked_up = false;
  CHECK(next_move(unmined) == SlotMove::kWait);
}

TEST_CASE("fees: fresh, bumped by more than ten percent, and the ceiling", "[slot]") {
  const chain::FeeSuggestion s{U256(1'000'000'000), U256(100)};
  FeeLimits limits;
  const Fees fresh = fresh_fees(s, limits);
  CHECK(fresh == Fees{U256(2'001'000'000), U256(1'000'000)});  // the tip's floor
  const auto next = bumped_fees(fresh, s, limits);
  REQUIRE(next);
  CHECK(next->max_fee * 10 > fresh.max_fee * 11);
  CHECK(next->tip * 10 > fresh.tip * 11);
  CHECK(next->tip == 1'125'001);
  CHECK(bumped_fees({U256(1), U256(1)}, s, limits) == fresh);  // never below what is asked now
  CHECK_FALSE(bumped_fees({fresh.max_fee * 5, fresh.tip}, s, limits));
  limits.max_fee_ceiling = 2'100'000'000;
  CHECK_FALSE(bumped_fees(fresh, s, limits));
  limits.max_fee_ceiling = 500'000;
  CHECK(fresh_fees(s, limits) == Fees{U256(500'000), U256(500'000)});
}

TEST_CASE("send answers advise, and none of them ends anything", "[slot]") {
  for (const auto c :
       {SendClass::kAccepted, SendClass::kAlreadyKnown, SendClass::kNonceConsumed, SendClass::kNonceGap,
        SendClass::kRevert, SendClass::kPoolFull, SendClass::kUnknown}) {
    CHECK(after_send(c, 1) == AfterSend::kTrack);
  }
  CHECK(after_send(SendClass::kUnderpriced, 1) == AfterSend::kBump);
  CHECK(after_send(SendClass::kReplaceUnderpriced, 1) == AfterSend::kAlarm);
  CHECK(after_send(SendClass::kReplaceUnderpriced, 2) == AfterSend::kBump);
  CHECK(after_send(SendClass::kInsufficientFunds, 1) == AfterSend::kHold);
  CHECK(after_send(SendClass::kPermanent, 1) == AfterSend::kAbandon);
}

TEST_CASE("verdict on an item", "[slot]") {
  const Address user = address_of(1);
  const auto event = [&](bool credit, int requested, int moved) {
    chain::VaultEvent e;
    e.credit = credit;
    e.user = user;
    e.requested = requested;
    e.moved = moved;
    return e;
  };
  const auto judge = [&](chain::Action a, const ItemFacts& f) { return judge_item(a, user, U256(50), f); };
  ItemFacts f;
  f.used = f.own_slot = true;
  f.event = event(true, 50, 50);
  CHECK(judge(chain::Action::kCredit, f).to == State::kSettled);
  CHECK(judge(chain::Action::kSeize, f).to == State::kConflict);
  f.own_slot = false;
  CHECK(judge(chain::Action::kCredit, f).to == State::kAlreadySettled);
  f.event = event(true, 51, 51);
  CHECK(judge(chain::Action::kCredit, f).to == State::kConflict);
  f.event->requested = f.event->moved = 50;
  f.event->user = address_of(2);
  CHECK(judge(chain::Action::kCredit, f).to == State::kConflict);

  f.event = event(false, 50, 30);  // only a capped seizure may take less
  CHECK(judge(chain::Action::kSeize, f).to == State::kConflict);
  const auto capped = judge(chain::Action::kSeizeCapped, f);
  CHECK(capped.to == State::kAlreadySettled);
  CHECK(capped.onchain_units == U256(30));

  f.event.reset();
  CHECK(judge(chain::Action::kCredit, f).to == State::kConflict);
  f.amount_provable = false;
  CHECK(judge(chain::Action::kCredit, f).to == State::kAlreadySettled);

  f = {};
  CHECK(judge(chain::Action::kCredit, f).to == State::kQueued);
  f.own_slot = true;
  f.event = event(true, 50, 50);  // an event that usedRefIds denies
  CHECK(judge(chain::Action::kCredit, f).to == State::kConflict);
  f = {};
  for (const auto why : {RevertClass::kInsufficientCollateral, RevertClass::kInsufficientPool,
                         RevertClass::kPaused, RevertClass::kMissingRole, RevertClass::kBadItem}) {
    f.why = why;
    CHECK(judge(chain::Action::kSeize, f).to == State::kBlocked);
  }
  f.why = RevertClass::kDuplicateRefId;
  CHECK(judge(chain::Action::kSeize, f).to == State::kQueued);
  f.slots_used = kSlotsPerItemMax;
  CHECK(judge(chain::Action::kSeize, f).to == State::kBlocked);
}

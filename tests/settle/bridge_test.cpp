// The seed's SettlementBridge: its unit tests, its routing table, its batch form.
#include "settle/bridge.hpp"

#include "settle/support.hpp"

using namespace anduin;
using namespace anduin::settle;
using anduin::settle::test::address_of;
using anduin::settle::test::close_of;

namespace {

ClosedPosition seed_position() {
  auto c = close_of("test-123", "1000");
  c.entry_price = Decimal::of("43000");
  c.exit_price = Decimal::of("44000");
  c.size = Decimal(1);
  c.kind = InstrumentKind::kLinearPerpetual;
  return c;
}

}  // namespace

TEST_CASE("bridge: maps a profit to a credit", "[bridge]") {
  SettlementBridge bridge;
  const auto action = bridge.map_position_to_settlement(seed_position(), address_of(1));
  REQUIRE(action);
  REQUIRE(action->has_value());
  CHECK((*action)->type == chain::Action::kCredit);
  CHECK((*action)->amount == Decimal(1000));
  CHECK((*action)->units == 1'000'000'000);
  CHECK((*action)->user == address_of(1));
  CHECK((*action)->ref_id == *ref_id("Bybit", "test-123"));
  CHECK((*action)->position.symbol == "BTCUSDT");
}

TEST_CASE("bridge: prevents duplicate processing", "[bridge]") {
  SettlementBridge bridge;
  CHECK_FALSE(bridge.is_processed("Bybit", "test-123"));
  CHECK(bridge.map_position_to_settlement(seed_position(), address_of(1))->has_value());
  CHECK_FALSE(bridge.map_position_to_settlement(seed_position(), address_of(1))->has_value());
  CHECK(bridge.is_processed("Bybit", "test-123"));
  CHECK_FALSE(bridge.is_processed("Kraken", "test-123"));
  CHECK_FALSE(bridge.is_processed("Bybit", ""));
}

TEST_CASE("bridge: a loss seizes, capped by the call, the bridge, or neither", "[bridge]") {
  const auto loss = [](const char* id) { return close_of(id, "-12.5"); };
  SettlementBridge plain, capping{BridgeOptions{.capped_seizure = true}};
  const auto type = [](Result<std::optional<SettlementAction>> r) { return (*r)->type; };
  CHECK(type(plain.map_position_to_settlement(loss("1"), address_of(1))) == chain::Action::kSeize);
  CHECK(type(plain.map_position_to_settlement(loss("2"), address_of(1), true)) ==
        chain::Action::kSeizeCapped);
  CHECK(type(capping.map_position_to_settlement(loss("3"), address_of(1))) == chain::Action::kSeizeCapped);
  CHECK(type(capping.map_position_to_settlement(loss("4"), address_of(1), false)) == chain::Action::kSeize);
  // The seed's basic set-up capped whatever was not a credit and never looked at the type: a credit stays
  // one.
  CHECK(type(capping.map_position_to_settlement(close_of("5", "1"), address_of(1))) ==
        chain::Action::kCredit);
}

TEST_CASE("bridge: zero is no action and is remembered", "[bridge]") {
  SettlementBridge bridge;
  for (const char* pnl : {"0", "-0", "0.0000009", "-0.0000009"}) {
    const auto c = close_of(std::string("z") + pnl, pnl);
    const auto action = bridge.map_position_to_settlement(c, address_of(1));
    REQUIRE(action);
    CHECK_FALSE(action->has_value());
    CHECK(bridge.is_processed("Bybit", c.id));
  }
}

TEST_CASE("bridge: batch keeps order, skips what is known, refuses malformed input whole", "[bridge]") {
  SettlementBridge bridge;
  const auto actions = bridge.batch_map_positions(
      {close_of("1", "1"), close_of("2", "0"), close_of("1", "1"), close_of("3", "-3")}, address_of(1),
      true);
  REQUIRE(actions);
  REQUIRE(actions->size() == 2);
  CHECK((*actions)[0].position.id == "1");
  CHECK((*actions)[1].type == chain::Action::kSeizeCapped);
  CHECK_FALSE(bridge.batch_map_positions({close_of("4", "1"), close_of("", "1")}, address_of(1)));
  CHECK_FALSE(bridge.is_processed("Bybit", "4"));
}

TEST_CASE("bridge: asks the durable ledger too", "[bridge]") {
  const Hash known = *ref_id("Bybit", "old");
  SettlementBridge bridge({}, nullptr, [&](const Hash& r) { return r == known; });
  CHECK(bridge.is_processed("Bybit", "old"));
  CHECK_FALSE(bridge.map_position_to_settlement(close_of("old", "1"), address_of(1))->has_value());
  CHECK(bridge.map_position_to_settlement(close_of("new", "1"), address_of(1))->has_value());
}

TEST_CASE("bridge: what is held maps to nothing and is asked again", "[bridge]") {
  SettlementBridge bridge;
  auto c = close_of("1", "1");
  c.hold_reason = "split over time";
  CHECK_FALSE(bridge.map_position_to_settlement(c, address_of(1))->has_value());
  CHECK_FALSE(bridge.is_processed("Bybit", "1"));
  c.hold_reason.clear();
  CHECK(bridge.map_position_to_settlement(c, address_of(1))->has_value());
}

TEST_CASE("bridge: the limit of one item holds on both sides", "[bridge]") {
  BridgeOptions o;
  o.item_limit_usd = Decimal(1000);
  CHECK(assess(close_of("1", "1000"), o, false, nullptr, 0)->hold.empty());
  CHECK(assess(close_of("1", "1000.01"), o, false, nullptr, 0)->hold.find("limit:") == 0);
  CHECK(assess(close_of("1", "-1000.01"), o, false, nullptr, 0)->hold.find("limit:") == 0);
}

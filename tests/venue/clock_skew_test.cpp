// The venue's clock as seen through round trips; local time is a clock of our own that the test moves.
#include "venue/clock_skew.hpp"

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <cstdlib>

#include "base/random.hpp"
#include "support/shared.hpp"

namespace {

using namespace anduin::venue;
using anduin::ManualClock;
using Verdict = ClockSkew::Verdict;

constexpr std::int64_t kStart = 1'700'000'000'000;

/// A venue whose clock is `ahead_ms` of ours, asked with the given ways there and back.
Verdict ask(ManualClock& clock, ClockSkew& skew, std::int64_t ahead_ms, std::int64_t there_ms,
            std::int64_t back_ms, std::uint32_t resolution = 1) {
  ClockSkew::Sample s;
  s.sent_mono_ns = clock.mono_ns();
  clock.advance_ms(there_ms);
  const std::int64_t venue = clock.wall_ms() + ahead_ms;
  s.venue_ms = venue - venue % resolution;
  s.resolution_ms = resolution;
  clock.advance_ms(back_ms);
  s.received_mono_ns = clock.mono_ns();
  return skew.add(s);
}

}  // namespace

TEST_CASE("before the first answer the local clock stands in") {
  ManualClock clock(kStart);
  ClockSkew skew(clock);
  CHECK(skew.now_ms() == kStart);
  CHECK_FALSE(skew.estimate().has_value());
  CHECK(skew.wants_sample());
}

TEST_CASE("the offset of the least round trip wins, bounded by half of it") {
  ManualClock clock(kStart);
  ClockSkew skew(clock);
  CHECK(ask(clock, skew, 5'000, 400, 20) == Verdict::kAccepted);
  CHECK(ask(clock, skew, 5'000, 30, 10) == Verdict::kAccepted);
  CHECK(ask(clock, skew, 5'000, 10, 500) == Verdict::kAccepted);
  const auto e = skew.estimate().value();
  CHECK(e.offset_ms == 5'010);  // the way there took 30 of 40
  CHECK(e.bound_ms == 21);
  CHECK(std::llabs(e.offset_ms - 5'000) <= e.bound_ms);
  CHECK_FALSE(skew.wants_sample());
}

TEST_CASE("slow, repeated and senseless answers are dropped") {
  ManualClock clock(kStart);
  ClockSkew skew(clock);
  CHECK(ask(clock, skew, 0, 600, 600) == Verdict::kTooSlow);
  CHECK(ask(clock, skew, 0, 500, 500) == Verdict::kAccepted);
  ClockSkew::Sample s{clock.mono_ns(), clock.mono_ns() + 1'000'000, skew.now_ms() + 100, 1};
  CHECK(skew.add(s) == Verdict::kAccepted);
  CHECK(skew.add(s) == Verdict::kNotAdvanced);  // an edge cache
  s.venue_ms -= 50;
  CHECK(skew.add(s) == Verdict::kNotAdvanced);
  s.venue_ms += 10;
  CHECK(skew.add(s) == Verdict::kAccepted);  // a venue clock that was set back is followed
  s.venue_ms = 0;
  CHECK(skew.add(s) == Verdict::kInvalid);
  CHECK(skew.add({2, 1, kStart, 1}) == Verdict::kInvalid);
}

TEST_CASE("whole seconds are centred: half a second is the bound") {
  ManualClock clock(kStart + 137);
  ClockSkew skew(clock);
  for (int i = 0; i < 5; ++i) {
    ask(clock, skew, 250, 20, 20, 1000);
    clock.advance_ms(1'300);
  }
  const auto e = skew.estimate().value();
  CHECK(std::llabs(e.offset_ms - 250) <= e.bound_ms);
  CHECK((e.bound_ms >= 520 && e.bound_ms <= 522));
}

TEST_CASE("a step of the local wall clock is noticed and does not move the venue's time") {
  ManualClock clock(kStart);
  ClockSkew skew(clock);
  ask(clock, skew, 0, 10, 10);
  CHECK(skew.take_step_ms() == 0);
  const std::int64_t before = skew.now_ms();
  clock.set_wall_ms(clock.wall_ms() - 5'000);
  CHECK(skew.now_ms() == before);
  CHECK(skew.take_step_ms() == -5'000);
  CHECK(skew.take_step_ms() == 0);
  CHECK(skew.wants_sample());
  CHECK(skew.estimate()->offset_ms == 5'000);
  ask(clock, skew, 5'000, 10, 10);
  CHECK_FALSE(skew.wants_sample());
  clock.set_wall_ms(clock.wall_ms() + 5'000);
  CHECK(skew.take_step_ms() == 5'000);
}

TEST_CASE("after distrust only new answers count, old answers fade") {
  ManualClock clock(kStart);
  ClockSkew skew(clock);
  ask(clock, skew, 0, 1, 1);
  skew.distrust();
  CHECK(skew.wants_sample());
  ask(clock, skew, 3'000, 200, 200);
  CHECK(skew.estimate()->offset_ms == 3'000);
  clock.advance_ms(600'000);
  CHECK(skew.wants_sample());
  CHECK(skew.estimate()->bound_ms == 201 + 60);  // 100 parts in a million of ten minutes
  ask(clock, skew, 3'050, 40, 40);
  CHECK(skew.estimate()->offset_ms == 3'050);
}

TEST_CASE("with random ways the true offset always lies within the bound") {
  anduin::SeededRandom random(36);
  for (int round = 0; round < 500; ++round) {
    ManualClock clock(kStart + static_cast<std::int64_t>(random.below(1'000'000)));
    ClockSkew skew(clock);
    const std::int64_t ahead = static_cast<std::int64_t>(random.below(20'000)) - 10'000;
    for (int i = 0; i < 6; ++i) {
      ask(clock, skew, ahead, static_cast<std::int64_t>(random.below(700)),
          static_cast<std::int64_t>(random.below(700)), random.below(2) == 0 ? 1 : 1000);
      clock.advance_ms(static_cast<std::int64_t>(random.below(5'000)));
    }
    const auto e = skew.estimate();
    if (!e) continue;
    INFO("round " << round << ": " << ahead << " seen as " << e->offset_ms << " +- " << e->bound_ms);
    REQUIRE(std::llabs(e->offset_ms - ahead) <= e->bound_ms + 1);
  }
}

TEST_CASE("the clock answers of all venues are usable as samples") {
  ANDUIN_NEED_SHARED();
  const nlohmann::json file = anduin::test::shared_json("vectors/keys.json");
  std::size_t rows = 0;
  for (const auto& row : file.at("clock")) {
    INFO(row.at("venue") << " " << row.at("endpoint"));
    ManualClock clock(kStart);
    ClockSkew skew(clock);
    const auto venue_ms = row.at("venue_ms").get<std::int64_t>();
    const auto resolution = row.at("resolution_ms").get<std::uint32_t>();
    const std::uint64_t sent = clock.mono_ns();
    clock.advance_ms(40);
    REQUIRE(skew.add({sent, clock.mono_ns(), venue_ms, resolution}) == Verdict::kAccepted);
    CHECK(skew.now_ms() == venue_ms + 20 + resolution / 2);
    CHECK(skew.estimate()->bound_ms == 20 + (resolution + 1) / 2);
    ++rows;
  }
  CHECK(rows == 10);
}

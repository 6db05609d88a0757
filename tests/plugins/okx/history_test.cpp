// positions-history: pages, rows that change in place, what moves the cursor.
#include <algorithm>
#include <catch2/catch.hpp>

#include "plugins/okx/bench.hpp"
#include "plugins/okx/rows.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

constexpr std::int64_t kDay = 86'400'000, kNow = Bench::kStartMs;

SentRequest asked(const Bench& b) { return b.open_requests(kHistory).at(0); }
std::string cursor(std::int64_t t) { return "v1 swap=" + ms(t); }

}  // namespace

TEST_CASE("pages go back by uTime with `after` alone, to the beginning, and the cursor moves at the end") {
  Bench b(true);
  b.start(kNow - kDay);
  CHECK(asked(b).target == std::string(kHistory) + "?instType=SWAP&limit=100");
  b.answer(kHistory, page({closed_row("3", 3, kNow - 1'000), closed_row("2", 2, kNow - 2'000)}));
  CHECK(asked(b).query("after") == ms(kNow - 2'000));
  CHECK(asked(b).query("before").empty());
  CHECK(b.closes.size() == 2);
  CHECK(b.closes[0].id == "2-2");  // oldest first
  CHECK(b.watermarks.empty());
  b.answer(kHistory, page({closed_row("1", 1, kNow - 3'000)}));
  b.answer(kHistory, page({}));
  CHECK(b.open_requests(kHistory).empty());
  CHECK(b.watermarks == std::vector<std::string>{cursor(kNow)});
  REQUIRE(b.coverage.size() == 1);
  CHECK(b.coverage[0].from_ms == kNow - kDay);
  CHECK(b.coverage[0].to_ms == kNow);
  CHECK(b.coverage[0].proven);
  CHECK(b.order.back() == "watermark");
  CHECK(b.closes.size() == 3);
}

TEST_CASE("the next look stops ten minutes before the cursor, repeats are no news (lesson 20)") {
  Bench b(true);
  b.start(kNow - kDay, cursor(kNow - 60'000));
  b.answer(kHistory, page({closed_row("3", 3, kNow - 1'000), closed_row("2", 2, kNow - 700'000)}));
  CHECK(b.open_requests(kHistory).empty());
  CHECK(b.closes.size() == 2);
  for (int i = 0; i < 3; ++i) {
    b.advance(60'000);
    b.answer(kHistory, page({closed_row("3", 3, kNow - 1'000), closed_row("2", 2, kNow - 7'000'000)}));
  }
  CHECK(b.closes.size() == 2);
  CHECK(b.watermarks.size() == 4);
}

TEST_CASE("duplicate and reordered rows and pages change nothing (lesson 18)") {
  const Rows rows{closed_row("4", 4, kNow - 1'000), closed_row("3", 3, kNow - 1'000), closed_row("2", 2, kNow - 5'000),
                  closed_row("1", 1, kNow - 9'000)};
  std::vector<std::string> ids;
  for (int turn = 0; turn < 3; ++turn) {
    Bench b(true);
    b.start(kNow - kDay);
    Rows first{rows[0], rows[1], rows[2]}, second{rows[2], rows[3], rows[3]};
    if (turn == 1) std::reverse(first.begin(), first.end());
    if (turn == 2) std::swap(first, second);
    b.answer(kHistory, page(first));
    b.answer(kHistory, page(second));
    while (!b.open_requests(kHistory).empty()) b.answer(kHistory, page({}));
    std::vector<std::string> got;
    for (const SeenClose& c : b.closes) got.push_back(c.id + " " + *c.pnl + " " + ms(c.closed_ms));
    std::sort(got.begin(), got.end());
    if (turn == 0) ids = got;
    CHECK(got == ids);
    CHECK(got.size() == 4);
  }
}

TEST_CASE("a failed page is never a partial success, what it showed is true all the same (lesson 2)") {
  Bench b(true);
  b.start(kNow - kDay);
  b.answer(kHistory, page({closed_row("2", 2, kNow - 2'000)}));
  SECTION("the venue refuses the page") { b.answer(kHistory, refusal(51000, "after")); }
  SECTION("the cursor repeats") { b.answer(kHistory, page({closed_row("1", 1, kNow - 2'000)})); }
  CHECK(b.watermarks.empty());
  CHECK(b.coverage.empty());
  b.advance(5'100);
  CHECK(asked(b).query("limit") == "100");
  b.answer(kHistory, page({closed_row("2", 2, kNow - 2'000), closed_row("0", 0, kNow - 2 * kDay)}));
  CHECK(b.watermarks.size() == 1);
  CHECK(std::count_if(b.closes.begin(), b.closes.end(), [](const SeenClose& c) { return c.id == "2-2"; }) == 1);
}

TEST_CASE("a server error in the middle is waited out, the page is asked again") {
  Bench b(true);
  b.start(kNow - kDay);
  b.answer(kHistory, page({closed_row("2", 2, kNow - 2'000)}));
  const std::string target = asked(b).target;
  b.answer(kHistory, "bad gateway", 502);
  b.advance(1'100);
  CHECK(asked(b).target == target);
  b.answer(kHistory, page({}));
  CHECK(b.watermarks.size() == 1);
}

TEST_CASE("one unreadable row costs the others nothing, and is not called proven (lesson 10)") {
  const json good = closed_row("2", 2, kNow - 2'000);
  const std::vector<std::pair<std::string, json>> bad{{"posId", ""},        {"cTime", ""}, {"uTime", "x"},
                                                      {"direction", "net"}, {"type", "9"}, {"instId", ""},
                                                      {"realizedPnl", ""},  {"ccy", ""},   {"openAvgPx", "abc"}};
  for (const auto& [member, value] : bad) {
    DYNAMIC_SECTION(member) {
      Bench b(true);
      b.start(kNow - kDay);
      b.answer(kHistory, page({with(closed_row("3", 3, kNow - 1'000), member, value), good}));
      while (!b.open_requests(kHistory).empty()) b.answer(kHistory, page({}));
      REQUIRE(b.closes.size() == 1);
      CHECK(b.closes[0].id == "2-2");
      CHECK(b.errors.size() == 1);
      REQUIRE(b.coverage.size() == 1);
      CHECK_FALSE(b.coverage[0].proven);
    }
  }
}

TEST_CASE("figures that are missing are missing, and a sum that does not add up is held") {
  Bench b(true);
  b.start(kNow - kDay);
  json bare = closed_row("1", 1, kNow - 1'000);
  for (const char* member : {"openAvgPx", "closeAvgPx", "closeTotalPos", "pnl", "fee", "fundingFee", "settledPnl"})
    bare[member] = "";
  for (const char* member : {"triggerPx", "openMaxPos", "liqPenalty"}) bare.erase(member);
  b.answer(kHistory,
           page({bare, with(closed_row("2", 2, kNow - 900), "realizedPnl", "1.5"), closed_row("3", 3, kNow - 800)}));
  REQUIRE(b.closes.size() == 3);
  CHECK_FALSE(b.closes[0].entry);
  CHECK_FALSE(b.closes[0].size);
  CHECK(b.closes[0].pnl == "0.5");
  CHECK(b.closes[0].hold.empty());
  CHECK(b.closes[1].hold.find("sum") != std::string::npos);
  CHECK(b.closes[2].hold.empty());
  CHECK(b.closes[2].funding == "-9.5");
}

TEST_CASE("size is what was closed over the lifetime, not the most that was open (lesson 33)") {
  Bench b(true);
  b.start(kNow - kDay);
  json reduced_and_grown = with(closed_row("1", 1, kNow - 1'000), "closeTotalPos", "27");
  reduced_and_grown["openMaxPos"] = "15";
  b.answer(kHistory, page({reduced_and_grown}));
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].size == "27");
  CHECK((b.closes[0].flags & AND_CLOSE_SIZE_IN_BASE) == 0);
}

TEST_CASE("a row of type 1, 4 or 5 waits for its end, the end comes under the same id (lesson 5)") {
  for (const char* type : {"1", "4", "5"}) {
    Bench b(true);
    b.start(kNow - kDay);
    b.answer(kHistory, page({with(with(closed_row("1", 1, kNow - 5'000), "type", type), "realizedPnl", "0.2")}));
    b.answer(kHistory, page({}));
    CHECK(b.closes.empty());
    b.advance(60'000);
    b.answer(kHistory, page({closed_row("1", 1, kNow + 30'000)}));
    REQUIRE(b.closes.size() == 1);
    CHECK(b.closes[0].id == "1-1");
    CHECK(b.closes[0].pnl == "0.5");
  }
}

TEST_CASE("more than three months ago is an unproven range (lesson 16)") {
  Bench b(true);
  b.start(kNow - 200 * kDay);
  REQUIRE(b.coverage.size() == 1);
  CHECK(b.coverage[0].from_ms == kNow - 200 * kDay);
  CHECK(b.coverage[0].to_ms == kNow - 89 * kDay);
  CHECK_FALSE(b.coverage[0].proven);
  b.answer(kHistory, page({}));
  CHECK(b.coverage.back().proven);
}

TEST_CASE("a failed commit: everything since the durable cursor is told again") {
  Bench b(true);
  b.start(kNow - kDay);
  b.answer(kHistory, page({closed_row("1", 1, kNow - 5'000)}));
  b.answer(kHistory, page({}));
  CHECK(b.closes.size() == 1);
  b.cursor("");
  b.answer(kHistory, page({closed_row("1", 1, kNow - 5'000)}));
  CHECK(b.closes.size() == 2);
  CHECK(b.closes[0].id == b.closes[1].id);
}

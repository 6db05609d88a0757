// History: windows, pages, the join with the transaction log, and what moves the cursor.
#include <catch2/catch.hpp>

#include <algorithm>

#include "plugins/bybit/bench.hpp"
#include "plugins/bybit/rows.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

constexpr std::uint32_t kPrivate = 1;
constexpr std::int64_t kDay = 86'400'000;
const json kLinear{{"market", json::array({"linear"})}};

std::int64_t from_of(const SentRequest& r) { return std::stoll(r.query("startTime")); }
std::int64_t to_of(const SentRequest& r) { return std::stoll(r.query("endTime")); }

SentRequest asked(const Bench& b, const char* path) { return b.open_requests(path).at(0); }

std::string cursor(std::int64_t ms) { return "v1 linear=" + std::to_string(ms); }

}  // namespace

TEST_CASE("both categories are read by default, one window after the other") {
  Bench b(true);
  b.start(Bench::kStartMs - 10 * kDay);
  REQUIRE(b.open_requests(kExecutions).size() == 2);
  CHECK(asked(b, kExecutions).query("category") == "linear");
  CHECK(b.open_requests(kExecutions)[1].query("category") == "inverse");
  CHECK(asked(b, kExecutions).query("limit") == "100");
  b.answer(kExecutions, page({}), 200, "category=linear");
  b.answer(kExecutions, page({}), 200, "category=linear");
  CHECK(b.watermarks.back() == "v1 linear=" + std::to_string(Bench::kStartMs) + " inverse=" +
                                   std::to_string(Bench::kStartMs - 10 * kDay));
}

TEST_CASE("sixty days of sparse history: windows shorter than seven days, contiguous, complete") {
  Bench b(true, kLinear);
  const std::int64_t begin = Bench::kStartMs - 60 * kDay;
  b.start(begin);
  std::int64_t at = begin;
  int windows = 0;
  while (!b.open_requests(kExecutions).empty()) {
    const SentRequest r = asked(b, kExecutions);
    CHECK(from_of(r) == at);
    CHECK(to_of(r) - from_of(r) < 7 * kDay);
    at = to_of(r);
    b.answer(kExecutions, page({}));
    ++windows;
    CHECK(b.coverage.back().to_ms == at);
    CHECK(b.coverage.back().proven);
    CHECK(b.watermarks.back() == cursor(at));
  }
  CHECK(at == Bench::kStartMs);
  CHECK(windows == 10);
  CHECK(b.coverage.front().from_ms == begin);
  CHECK(b.open_requests(kLog).empty());  // no fills, nothing to ask
}

TEST_CASE("history older than two years is an unproven range") {
  Bench b(true, kLinear);
  const std::int64_t begin = Bench::kStartMs - 900 * kDay;
  b.start(begin);
  REQUIRE(b.coverage.size() == 1);
  CHECK(b.coverage[0].from_ms == begin);
  CHECK(b.coverage[0].to_ms == Bench::kStartMs - 729 * kDay);
  CHECK_FALSE(b.coverage[0].proven);
  CHECK(from_of(asked(b, kExecutions)) == b.coverage[0].to_ms);
}

TEST_CASE("0, 1, 100, 101 and 250 rows in one window: all pages, then all closes, oldest first") {
  for (const int rows : {0, 1, 100, 101, 250}) {
    DYNAMIC_SECTION(rows << " rows") {
      Bench b(true, kLinear);
      b.start();
      // Newest first, a hundred a page; equal times in pairs.
      for (int at = 0, number = 1; at < std::max(rows, 1); at += 100, ++number) {
        Rows list;
        for (int i = at; i < std::min(at + 100, rows); ++i)
          list.push_back(listed(std::to_string(1'000 + i), Bench::kStartMs - 1'000 - i / 2));
        if (at > 0) CHECK(asked(b, kExecutions).query("cursor") == "p%253A" + std::to_string(number - 1));
        b.answer(kExecutions, page(list, at + 100 < rows ? "p%3A" + std::to_string(number) : ""));
        CHECK(b.closes.empty());
      }
      for (int at = 0; at < rows; at += 50) {
        Rows list;
        for (int i = at; i < std::min(at + 50, rows); ++i) list.push_back(log_row(std::to_string(1'000 + i), std::to_string(i)));
        CHECK(b.closes.empty());
        b.answer(kLog, page(list, at + 50 < rows ? "l" + std::to_string(at) : ""));
      }
      REQUIRE(b.closes.size() == static_cast<std::size_t>(rows));
      for (std::size_t i = 1; i < b.closes.size(); ++i) CHECK(b.closes[i - 1].closed_ms <= b.closes[i].closed_ms);
      CHECK(std::all_of(b.closes.begin(), b.closes.end(), [](const SeenClose& c) { return c.origin == "history"; }));
      CHECK(b.order.back() == "watermark");
      CHECK(b.order[b.order.size() - 2] == "coverage");
      CHECK(b.watermarks == std::vector<std::string>{cursor(Bench::kStartMs)});
    }
  }
}

TEST_CASE("the log is asked for the window, both ends given, with room for its own delay") {
  Bench b(true, kLinear);
  b.start();
  const SentRequest executions = asked(b, kExecutions);
  b.answer(kExecutions, page({listed("1", b.now_ms - 5'000)}));
  const SentRequest log = asked(b, kLog);
  CHECK(log.query("accountType") == "UNIFIED");
  CHECK(log.query("category") == "linear");
  CHECK(log.query("limit") == "50");
  CHECK(from_of(log) == from_of(executions) - 60'000);
  CHECK(to_of(log) == to_of(executions) + 60'000);
}

TEST_CASE("a failed page is never a partial success") {
  Bench b(true, kLinear);
  b.start();
  const SentRequest first = asked(b, kExecutions);
  b.answer(kExecutions, page({listed("1", b.now_ms - 5'000)}, "next"));
  SECTION("the venue refuses the page") { b.answer(kExecutions, refusal(10001, "cursor")); }
  SECTION("the cursor repeats") { b.answer(kExecutions, page({listed("2", b.now_ms - 6'000)}, "next")); }
  CHECK(b.closes.empty());
  CHECK(b.watermarks.empty());
  CHECK(b.errors.size() == 1);
  b.advance(5'100);
  CHECK(asked(b, kExecutions).target == first.target);  // the whole window again
  b.answer(kExecutions, page({listed("1", b.now_ms - 5'000)}));
  b.answer(kLog, page({log_row("1", "7")}));
  CHECK(b.closes.size() == 1);
  CHECK(b.watermarks.size() == 1);
}

TEST_CASE("a fill without a log row: 2, 5, 15, 60 s, then every minute with an alarm, the cursor waits") {
  Bench b(true, kLinear);
  b.start();
  const std::int64_t when = b.now_ms - 60'000;
  b.answer(kExecutions, page({listed("2", b.now_ms - 1'000), listed("1", when)}));
  b.answer(kLog, page({log_row("2", "7")}));
  REQUIRE(b.closes.size() == 1);  // the other one goes on
  CHECK(b.watermarks == std::vector<std::string>{cursor(when - 1)});
  CHECK(b.coverage.back().to_ms == when - 1);
  for (const std::int64_t wait : {2'000, 5'000, 15'000, 60'000}) {
    CHECK(b.warnings.empty());
    b.advance(wait - 1);
    CHECK(b.open_requests(kLog).empty());
    b.advance(1);
    CHECK(from_of(asked(b, kLog)) == when - 60'000);
    b.answer(kLog, page({log_row("9", "7"), log_row("1", "1", "SETTLEMENT"), log_row("1", "")}));
  }
  for (std::size_t alarms = 1; alarms < 4; ++alarms) {
    CHECK(b.warnings.size() == alarms);
    b.advance(60'000);
    b.answer(kLog, page({}));
  }
  CHECK(b.closes.size() == 1);
  CHECK(b.watermarks.size() == 1);
  b.advance(60'000);
  b.answer(kLog, page({log_row("1", "-3", "LIQUIDATION")}));
  REQUIRE(b.closes.size() == 2);
  CHECK(b.closes[1].pnl == "-3");
  REQUIRE(b.watermarks.size() == 2);
  CHECK(b.watermarks[1] == cursor(Bench::kStartMs));
  b.advance(60'000);
  CHECK(b.open_requests(kLog).empty());
}

TEST_CASE("a fill of the stream without pnl asks the log at once, and holds the cursor") {
  Bench b(true, kLinear);
  b.start();
  b.answer(kExecutions, page({}));
  REQUIRE(b.watermarks.size() == 1);
  const std::int64_t when = b.now_ms + 1'000;
  b.now_ms += 2'000;
  b.frame(kPrivate, pushed({without(execution("1", when), "execPnl")}));
  CHECK(b.closes.empty());
  CHECK(from_of(asked(b, kLog)) == when - 60'000);
  b.answer(kLog, page({}));
  b.advance(299'000);
  while (!b.open_requests(kLog).empty()) b.answer(kLog, page({}));
  b.answer(kExecutions, page({listed("1", when)}));
  b.answer(kLog, page({}));
  CHECK(b.watermarks.back() == cursor(when - 1));
  b.advance(61'000);
  b.answer(kLog, page({log_row("1", "2.50")}));
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].origin == "stream");
  CHECK(b.closes[0].pnl_raw == "2.50");
  CHECK(b.watermarks.size() == 3);
}

TEST_CASE("what the stream has brought needs no log row") {
  Bench b(true, kLinear);
  b.start();
  b.frame(kPrivate, pushed({execution("1", b.now_ms - 500)}));
  CHECK(b.watermarks.empty());  // a stream can lose frames: it proves nothing
  b.answer(kExecutions, page({listed("1", b.now_ms - 500)}));
  CHECK(b.open_requests(kLog).empty());
  CHECK(b.closes.size() == 1);
  CHECK(b.watermarks.size() == 1);
}

TEST_CASE("a failed commit: everything again from the durable cursor") {
  Bench b(true, kLinear);
  b.start();
  b.frame(kPrivate, pushed({execution("1", b.now_ms - 500)}));
  b.answer(kExecutions, page({listed("1", b.now_ms - 500)}));
  b.cursor(cursor(Bench::kStartMs - 20 * 60'000));
  const SentRequest r = asked(b, kExecutions);
  CHECK(from_of(r) == Bench::kStartMs - 30 * 60'000);  // ten minutes of overlap
  b.answer(kExecutions, page({listed("1", b.now_ms - 500)}));
  b.answer(kLog, page({log_row("1", "5")}));
  CHECK(b.closes.size() == 2);
  CHECK(b.closes[0].id == b.closes[1].id);
}

TEST_CASE("the cursor: resumed with overlap, never before settle_from, unknown versions begin anew") {
  const std::int64_t settle_from = Bench::kStartMs - 2 * kDay;
  const auto first = [&](const std::string& watermark) {
    Bench b(true, kLinear);
    b.start(settle_from, watermark);
    return from_of(asked(b, kExecutions));
  };
  CHECK(first("") == settle_from);
  CHECK(first(cursor(Bench::kStartMs - kDay)) == Bench::kStartMs - kDay - 600'000);
  CHECK(first("v1 inverse=5") == settle_from);
  CHECK(first(cursor(settle_from + 1)) == settle_from);
  CHECK(first("v9 linear=" + std::to_string(Bench::kStartMs)) == settle_from);
  CHECK(first("v1 linear=x") == settle_from);
  CHECK(first("garbage") == settle_from);
}

TEST_CASE("a row that cannot be read leaves its range unproven, once, and costs the others nothing") {
  Bench b(true, kLinear);
  b.start();
  json bad = without(listed("bad", b.now_ms - 2'000), "side");
  b.answer(kExecutions, page({listed("1", b.now_ms - 1'000), bad, with(bad, "closedSize", "")}));
  b.answer(kLog, page({log_row("1", "5")}));
  CHECK(b.closes.size() == 1);
  CHECK(b.errors.size() == 1);
  REQUIRE(b.coverage.size() == 1);
  CHECK_FALSE(b.coverage[0].proven);
  CHECK(b.coverage[0].reason.find("obad") != std::string::npos);
  b.advance(300'000);
  b.answer(kExecutions, page({bad}));
  REQUIRE(b.coverage.size() == 2);
  CHECK(b.coverage[1].proven);
}

TEST_CASE("two log rows of one fill that differ are for a person, equal ones are one") {
  Bench b(true, kLinear);
  b.start();
  b.answer(kExecutions, page({listed("1", b.now_ms - 1'000), listed("2", b.now_ms - 2'000)}));
  b.answer(kLog, page({log_row("1", "5"), log_row("1", "6"), log_row("2", "5"), log_row("2", "5.0")}));
  REQUIRE(b.closes.size() == 2);
  CHECK(b.closes[0].hold.empty());
  CHECK(b.closes[1].hold.find("differ") != std::string::npos);
}

TEST_CASE("sweeps: every five minutes, after each login, when the stream is late") {
  Bench b(true, kLinear);
  b.start();
  b.answer(kExecutions, page({}));
  b.advance(299'000);
  CHECK(b.open_requests(kExecutions).empty());
  b.advance(2'000);
  REQUIRE(b.open_requests(kExecutions).size() == 1);
  // While one look is under way the next is noted, not lost.
  b.connect();
  b.frame(kPrivate, R"({"success":true,"op":"auth"})");
  b.frame(kPrivate, R"({"success":true,"op":"subscribe","req_id":"execution"})");
  CHECK(b.open_requests(kExecutions).size() == 1);
  b.answer(kExecutions, page({}));
  CHECK(b.open_requests(kExecutions).size() == 1);
  b.answer(kExecutions, page({}));
  CHECK(b.open_requests(kExecutions).empty());
  b.advance(10'000);  // once more for what REST shows late
  b.answer(kExecutions, page({}));
  b.frame(kPrivate, pushed({execution("1", b.now_ms)}, b.now_ms - 1'000));
  b.advance(3'000);
  CHECK(b.open_requests(kExecutions).empty());
  b.frame(kPrivate, pushed({execution("2", b.now_ms)}, b.now_ms - 60'000));
  b.advance(3'000);
  CHECK(b.open_requests(kExecutions).size() == 1);
}

TEST_CASE("a window with too many pages is halved") {
  Bench b(true, kLinear);
  b.start(Bench::kStartMs - 6 * kDay);
  int pages = 0;
  while (to_of(asked(b, kExecutions)) == Bench::kStartMs && pages < 2'000)
    b.answer(kExecutions, page({}, "c" + std::to_string(++pages)));
  CHECK(pages == 500);
  CHECK(to_of(asked(b, kExecutions)) - from_of(asked(b, kExecutions)) == 3 * kDay);
  CHECK(from_of(asked(b, kExecutions)) == Bench::kStartMs - 6 * kDay);
}

TEST_CASE("waiting fills that lie weeks apart are asked for in windows the venue allows") {
  Bench b(true, kLinear);
  b.start();
  b.answer(kExecutions, page({}));
  for (const int days : {20, 1})
    b.frame(kPrivate, pushed({without(execution("d" + std::to_string(days), b.now_ms - days * kDay), "execPnl")}));
  b.answer(kLog, page({}));
  while (!b.open_requests(kLog).empty()) {
    CHECK(to_of(asked(b, kLog)) - from_of(asked(b, kLog)) < 7 * kDay);
    b.answer(kLog, page({log_row("d1", "1")}));
  }
  CHECK(b.closes.size() == 1);
  b.advance(2'000);
  b.answer(kLog, page({log_row("d20", "1")}));
  CHECK(b.closes.size() == 2);
}

TEST_CASE("the same capture gives the same ids, again and again") {
  std::vector<std::string> first;
  for (int run = 0; run < 100; ++run) {
    Bench b(true, kLinear);
    b.start();
    b.frame(kPrivate, pushed({execution("1", b.now_ms), execution("2", b.now_ms)}));
    b.answer(kExecutions, page({listed("4", b.now_ms), listed("3", b.now_ms)}));
    b.answer(kLog, page({log_row("4", "1"), log_row("3", "1")}));
    std::vector<std::string> ids;
    for (const SeenClose& c : b.closes) ids.push_back(c.id);
    if (run == 0) first = ids;
    REQUIRE(ids == first);
  }
  CHECK(first == std::vector<std::string>{"o1:e1", "o2:e2", "o3:e3", "o4:e4"});
}

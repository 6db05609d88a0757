// Positions of the simulated MEXC: personal pushes, lives, history and its limits, by section 11 of its sheet.
#include <set>

#include "sim/mexc_bench.hpp"
#include "support/shared.hpp"

namespace anduin::sim {

using namespace mexc;

TEST_CASE("mexc: personal pushes after a login, by the filter said last, and not on another account's socket") {
  SimBench b = bench(2);
  const ConnId all = logged_in(b), other = logged_in(b, 1), quiet = b.open("/edge"), stranger = b.open("/edge");
  b.say(quiet, login(b, 0, true));
  const auto kinds = [&](ConnId conn) {
    std::set<std::string> out;
    for (const Json& f : parsed(b.take(conn))) out.insert(text_at(f, "channel"));
    return out;
  };
  const std::string close = R"({"side":"long","size":"0.01","pnl":"1","fee":"0.1"})";
  b.control("close", close);
  CHECK(kinds(all) == std::set<std::string>{"push.personal.position", "push.personal.order", "push.personal.asset"});
  CHECK(kinds(other).empty());
  CHECK(kinds(quiet) == std::set<std::string>{"rs.login"});
  CHECK(b.say(quiet, R"({"method":"personal.filter","param":{"filters":[{"filter":"asset"}]}})")
            .at(0)
            .find("rs.personal.filter") != std::string::npos);
  b.take(quiet);
  b.control("close", close);
  CHECK(kinds(quiet) == std::set<std::string>{"push.personal.asset"});
  b.say(quiet, R"({"method":"personal.filter","param":{"filters":[{"filter":"position"}]}})");
  b.take(quiet);
  b.control("close", close);
  CHECK(kinds(quiet) == std::set<std::string>{"push.personal.position"});
  b.say(quiet, R"({"method":"personal.filter","param":{"filters":[]}})");
  b.take(quiet);
  b.control("close", close);
  CHECK(kinds(quiet).size() == 3);
  CHECK(
      b.say(quiet, R"({"method":"personal.filter","param":{"filters":[{"filter":"money"}]}})").at(0).find("rs.error") !=
      std::string::npos);
  CHECK(b.say(stranger, R"({"method":"personal.filter","param":{"filters":[]}})").at(0).find("rs.error") !=
        std::string::npos);
}

TEST_CASE(
    "mexc: the life of a position: open with a loss, partial, taken over, closed, told twice and to who comes back") {
  SimBench b = bench();
  b.control("visibility", R"({"history_ms":0})");
  const ConnId conn = logged_in(b);
  const Json part = b.control("close", R"({"side":"short","size":"0.01","pnl":"1","partial":true})");
  CHECK_FALSE(flag_at(part, "close"));
  auto told = positions(parsed(b.take(conn)));
  REQUIRE(told.size() == 2);
  CHECK(decimal_at(told[0], "realised")->sign() < 0);
  for (const Json& p : told) CHECK(int_at(p, "state", 0) == 1);
  CHECK(int_at(told[1], "closeVol", 0) == 50);
  CHECK(rows(b).empty());
  const Json whole = b.control("close", R"({"side":"short","size":"0.01","pnl":"2","fee":"0.5","liquidation":true})");
  CHECK(text_at(whole, "id") == text_at(part, "id"));
  told = positions(parsed(b.take(conn)));
  REQUIRE(told.size() >= 2);
  CHECK(int_at(told[0], "state", 0) == 2);
  CHECK(int_at(told[1], "state", 0) == 3);
  const auto found = rows(b);
  REQUIRE(found.size() == 1);
  CHECK(found[0]["positionId"].is_number());
  CHECK(std::to_string(int_at(found[0], "positionId", 0)) == text_at(whole, "id"));
  CHECK(*decimal_at(found[0], "realised") == Decimal(3));
  CHECK(*decimal_at(found[0], "realised") == *decimal_at(found[0], "closeProfitLoss") + *decimal_at(found[0], "fee"));
  CHECK(int_at(found[0], "closeVol", 0) == 100);
  CHECK(int_at(found[0], "updateTime", 1) % 1000 == 0);
  // Flip: the old number ends, a new one begins.
  b.control("close", R"({"side":"long","size":"0.02","pnl":"4","flip":true})");
  told = positions(parsed(b.take(conn)));
  CHECK(int_at(told.back(), "state", 0) == 1);
  CHECK(int_at(told.back(), "positionType", 0) == 2);
  CHECK(int_at(told.back(), "positionId", 0) > int_at(told.front(), "positionId", 0));
  CHECK(data_of(b, "/api/v1/private/position/open_positions").size() == 1);
  std::map<std::string, int> ends;
  for (int i = 0; i < 4; ++i) b.control("close", R"({"symbol":"ETHUSDT","side":"long","size":"1","pnl":"1"})");
  for (const Json& p : positions(parsed(b.take(conn))))
    if (int_at(p, "state", 0) == 3) ++ends[p["positionId"].dump()];
  bool twice = false, once = false;
  for (const auto& [id, n] : ends) twice = twice || n == 2, once = once || n == 1;
  CHECK((twice && once));
  const ConnId back = b.open("/edge");
  const auto frames = parsed(b.say(back, login(b)));
  REQUIRE(frames.size() == 2);
  CHECK(int_at(frames[1]["data"], "state", 0) == 3);
}

TEST_CASE("mexc: history comes late, newest first, by pages, in two shapes, in seconds, with either sign of the fee") {
  SimBench b = bench(2);
  const std::int64_t now = b.clock.wall_ms();
  const std::string made =
      text_at(b.control("close", R"({"side":"long","size":"0.01","pnl":"5","fee":"0.1","liquidation":true})"), "id");
  REQUIRE(rows(b).size() == 1);
  CHECK(int_at(rows(b)[0], "state", 0) == 2);  // taken over, not ended yet
  b.advance(1'000);
  CHECK(int_at(rows(b)[0], "state", 0) == 3);
  CHECK(rows(b, "page_size=100", 1).empty());
  b.control("visibility", R"({"random":true})");
  b.control("close", R"({"side":"short","size":"0.01","pnl":"5","fee":"0.1"})");
  b.advance(900);
  CHECK(rows(b).size() == 1);
  b.advance(4'200);
  CHECK(rows(b).size() == 2);
  b.control("visibility", R"({"history_ms":0})");
  for (int i = 0; i < 150; ++i)
    b.control("close", R"({"side":"long","size":"0.01","pnl":"1","silent":true,"closedAt":)" +
                           std::to_string(now - 1'000 * (i + 10)) + "}");
  b.advance(2'100);
  CHECK(rows(b, "").size() == 20);
  const auto first = rows(b, "page_num=1&page_size=100"), second = rows(b, "page_num=2&page_size=100");
  CHECK(first.size() == 100);
  CHECK(second.size() == 52);
  for (std::size_t i = 1; i < first.size(); ++i)
    CHECK(int_at(first[i - 1], "updateTime", 0) >= int_at(first[i], "updateTime", 0));
  CHECK(decimal_at(first[0], "fee")->sign() < 0);
  b.control("shape", R"({"history":"object","fee":"positive"})");
  b.advance(2'100);
  const Json page = data_of(b, kHistory, "page_num=2&page_size=100");
  CHECK(int_at(page, "totalPage", 0) == 2);
  CHECK(int_at(page, "currentPage", 0) == 2);
  CHECK(page["resultList"].size() == 52);
  CHECK(decimal_at(rows(b)[0], "fee")->sign() > 0);
  CHECK(made.find_first_not_of("0123456789") == std::string::npos);
  b.advance(2'100);
  const auto code = [&](const std::string& query) {
    return code_of(b.simulator.http(signed_request(b, kHistory, query)));
  };
  CHECK(code("page_size=101") == 600);
  CHECK(code("start_time=" + std::to_string(b.clock.wall_ms() - 91 * kDayMs)) == 6003);
  CHECK(code("end_time=" + std::to_string(now - 5 * kDayMs) +
             "&start_time=" + std::to_string(b.clock.wall_ms() - 91 * kDayMs)) == 400);
  CHECK(code("symbol=NOPE_USDT") == 1001);
}

TEST_CASE("mexc: too many requests are 510 in an envelope, for two seconds") {
  SimBench b = bench();
  for (int i = 0; i < 20; ++i) CHECK(code_of(b.simulator.http(signed_request(b, kHistory))) == 0);
  CHECK(code_of(b.simulator.http(signed_request(b, kHistory))) == 510);
  CHECK(code_of(b.simulator.http(signed_request(b, "/api/v1/private/account/assets"))) == 0);
  for (int i = 0; i < 10; ++i)
    CHECK(code_of(b.simulator.http({"GET", "/api/v1/contract/detail", "symbol=BTC_USDT"})) == 0);
  CHECK(code_of(b.simulator.http({"GET", "/api/v1/contract/detail", "symbol=BTC_USDT"})) == 510);
  b.advance(2'000);
  CHECK(code_of(b.simulator.http(signed_request(b, kHistory))) == 0);
  b.control("error", R"({"code":"602","path":"assets"})");
  const Response refused = b.simulator.http(signed_request(b, "/api/v1/private/account/assets"));
  CHECK(refused.status == 200);
  CHECK(code_of(refused) == 602);
}

}  // namespace anduin::sim

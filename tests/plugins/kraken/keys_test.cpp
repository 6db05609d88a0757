// Every Kraken row of vectors/keys.json: what the key probe reads, and the clock answers.
#include <catch2/catch.hpp>

#include "host_double.hpp"
#include "support/shared.hpp"

using namespace anduin;
using Json = nlohmann::json;

namespace {

Json tri(std::uint32_t v) { return v == AND_TRI_UNKNOWN ? Json() : Json(v == AND_TRI_YES); }

}  // namespace

TEST_CASE("every Kraken key answer is read as expected") {
  ANDUIN_NEED_SHARED();
  int rows = 0;
  for (const auto& row : test::shared_json("vectors/keys.json")["keys"]) {
    if (row["venue"] != "kraken") continue;
    ++rows;
    INFO(row["name"].get<std::string>());
    const bool spot = row["endpoint"].get<std::string>().rfind("POST", 0) == 0;
    test::HostDouble host(true, spot ? R"({"market":["spot"]})" : R"({"market":["futures"]})");
    host.start();
    const std::string path = row["endpoint"].get<std::string>().substr(spot ? 5 : 4);
    const test::SeenRequest request = host.take(path);
    REQUIRE(request.id != 0);
    CHECK(request.method == (spot ? "POST" : "GET"));
    CHECK(request.sign == (spot ? "spot" : "futures"));
    const std::int32_t code = host.answer(request, row["response"].dump(), row["http"]);
    const Json& expect = row["expect"];
    if (expect["verdict"] == "fatal") {
      CHECK(code == AND_E_AUTH);
      REQUIRE(!host.statuses.empty());
      CHECK(host.statuses.back().rfind("positions failed Kraken", 0) == 0);
      CHECK(host.accounts.empty());
      continue;
    }
    CHECK(code == AND_OK);
    REQUIRE(host.accounts.size() == 1);
    const test::SeenAccount& a = host.accounts.front();
    CHECK(a.uid == (expect["uid"].is_null() ? "" : expect["uid"].get<std::string>()));
    CHECK(tri(a.can_trade) == expect["can_trade"]);
    CHECK(tri(a.can_withdraw) == expect["can_withdraw"]);
    CHECK(tri(a.can_transfer) == expect["can_transfer"]);
    CHECK(tri(a.ip_bound) == expect["ip_bound"]);
    CHECK(a.expires_ms == (expect["expires"].is_null() ? 0 : 1'798'761'600'000));
  }
  CHECK(rows == 12);
}

TEST_CASE("a key that sees a limited history is a warning") {
  test::HostDouble host(true, R"({"market":["spot"]})");
  host.start();
  host.reply(
      "/0/private/GetApiKeyInfo",
      R"({"error":[],"result":{"iban":"AA1","permissions":["query-funds"],"queryFrom":"1700000000","queryTo":"0"}})");
  bool limited = false, lacks = false;
  for (const auto& w : host.warnings) {
    limited = limited || w.find("limited range of history") != std::string::npos;
    lacks = lacks || w.find("lacks the right 'query-ledger'") != std::string::npos;
  }
  CHECK(limited);
  CHECK(lacks);
}

TEST_CASE("the venue's clock is reported with the request that brought it") {
  test::HostDouble spot(true, R"({"market":["spot"]})");
  spot.start();
  const auto time = spot.reply("/0/public/Time", R"({"error":[],"result":{"unixtime":1700000000}})");
  REQUIRE(spot.clocks.size() == 1);
  CHECK(spot.clocks[0] == std::pair{time.id, std::int64_t{1'700'000'000'000}});

  test::HostDouble futures(true, R"({"market":["futures"]})");
  futures.start();
  futures.reply("/derivatives/api/v3/accounts",
                R"({"result":"success","serverTime":"2020-07-22T13:44:24.311Z","accounts":{}})");
  REQUIRE(futures.clocks.size() == 1);
  CHECK(futures.clocks[0].second == 1'595'425'464'311);
}

// Every row of vectors/kraken.json through the plugin, as a recording through replay.
#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "host_double.hpp"
#include "instruments.hpp"
#include "market/symbols.hpp"
#include "support/shared.hpp"
#include "venue/replay.hpp"

using namespace anduin;
using Json = nlohmann::json;

namespace {

/// native (any case) -> canonical, from the vectors' own table.
std::string canonical_of(const Json& vectors, const std::string& native) {
  for (const auto& row : vectors["symbols"]) {
    if (row["native"] == native && !row["canonical"].is_null()) return row["canonical"];
  }
  return native;
}

venue::RecordingLine line_of(const Json& frame, const std::string& market) {
  venue::RecordingLine l;
  l.inbound = frame["dir"] == "in";
  l.payload = frame["text"];
  if (frame["kind"] == "http") {
    l.is_http = true;
    l.status = frame.value("status", 200);
    const std::string request = frame["request"];  // "POST /0/private/Ledgers type=margin"
    const std::size_t space = request.find(' ');
    l.method = request.substr(0, space);
    const std::string path = request.substr(space + 1, request.find(' ', space + 1) - space - 1);
    l.url = (market == "futures" ? "https://futures.kraken.com" : "https://api.kraken.com") + path;
  } else {
    l.url = frame["url"];
  }
  return l;
}

std::vector<Json> events_of(const Json& row) {
  const std::string name = row["name"];
  const std::string market = name.rfind("futures", 0) == 0 ? "futures" : "spot";
  venue::ReplayOptions o;
  o.feed = row["feed"] == "balance" ? venue::ReplayFeed::kBalance : venue::ReplayFeed::kPositions;
  o.options = {{"market", Json::array({market})},
               {"dialect", "v2"},
               {"private_dialect", name.find("_v1_") != std::string::npos ? "v1" : "v2"},
               {"price_channel", ""},
               {"balance", "auto"}};
  std::vector<Json> events;
  auto replay = venue::Replay::create(test::kraken_library(), o, [&](const std::string& line) {
    // Numbers as text: quoted before a JSON library can make doubles of them.
    std::string quoted;
    for (std::size_t i = 0; i < line.size(); ++i) {
      quoted += line[i];
      if (line[i] != ':' || i == 0 || line[i - 1] != '"' || i + 1 >= line.size() ||
          !(std::isdigit(line[i + 1]) || line[i + 1] == '-'))
        continue;
      const std::size_t end = line.find_first_of(",}", i);
      quoted += "\"" + line.substr(i + 1, end - i - 1) + "\"";
      i = end - 1;
    }
    events.push_back(Json::parse(quoted));
  });
  REQUIRE(replay.has_value());
  for (const auto& frame : row["frames"]) REQUIRE((*replay)->feed(line_of(frame, market)).has_value());
  (*replay)->finish();
  return events;
}

}  // namespace

TEST_CASE("every decode row of the vectors") {
  ANDUIN_NEED_SHARED();
  const Json vectors = test::shared_json("vectors/kraken.json");
  int rows = 0;
  for (const auto& row : vectors["decode"]) {
    INFO(row["name"].get<std::string>());
    ++rows;
    std::vector<Json> closes, balances;
    for (const Json& e : events_of(row)) {
      if (e["type"] == "close") closes.push_back(e);
      if (e["type"] == "balance") balances.push_back(e);
    }
    const Json& expected = row["expected"];
    if (expected.contains("balance")) {
      bool found = false;
      for (const Json& b : balances) {
        if (b["currency"] != expected["balance"]["currency"]) continue;
        found = true;
        CHECK(Decimal::of(b["total"].get<std::string>()) ==
              Decimal::of(expected["balance"]["total"].get<std::string>()));
        CHECK(Decimal::of(b["available"].get<std::string>()) ==
              Decimal::of(expected["balance"]["available"].get<std::string>()));
      }
      CHECK(found);
      continue;
    }
    REQUIRE(closes.size() == expected["closes"].size());
    for (std::size_t i = 0; i < closes.size(); ++i) {
      const Json &is = closes[i], &should = expected["closes"][i];
      CHECK(is["id"] == should["id"]);
      CHECK(canonical_of(vectors, is["symbol"]) == should["symbol"].get<std::string>());
      CHECK(is["side"] == should["side"]);
      CHECK(is["currency"] == should["currency"]);
      CHECK(is["closedAt"] == std::to_string(should["closedAt"].get<std::int64_t>()));
      for (const char* field : {"entryPrice", "exitPrice", "size", "pnl", "fee"}) {
        INFO(field);
        if (!should.contains(field)) continue;
        CHECK(Decimal::of(is[field].get<std::string>()) == Decimal::of(should[field].get<std::string>()));
      }
    }
  }
  CHECK(rows == 20);
}

TEST_CASE("every symbol row of the vectors") {
  ANDUIN_NEED_SHARED();
  // Method: an AssetPairs and an instruments answer with exactly these products; then each spelling is looked up.
  test::HostDouble spot(false, R"({"market":["spot"],"dialect":"v2"})"),
      v1(false, R"({"market":["spot"],"dialect":"v1"})"), futures(false, R"({"market":["futures"]})");
  const auto pair = [](const char* key, const char* alt, const char* ws, const char* base, const char* quote) {
    return "\"" + std::string(key) + R"(":{"altname":")" + alt + R"(","wsname":")" + ws + R"(","base":")" + base +
           R"(","quote":")" + quote + R"(","pair_decimals":1})";
  };
  const std::string pairs = R"({"error":[],"result":{)" + pair("XXBTZUSD", "XBTUSD", "XBT/USD", "XXBT", "ZUSD") + "," +
                            pair("XETHZUSD", "ETHUSD", "ETH/USD", "XETH", "ZUSD") + "," +
                            pair("XBTUSDT", "XBTUSDT", "XBT/USDT", "XXBT", "USDT") + "," +
                            pair("XXBTZEUR", "XBTEUR", "XBT/EUR", "XXBT", "ZEUR") + "," +
                            pair("XDGUSD", "XDGUSD", "XDG/USD", "XXDG", "ZUSD") + "," +
                            pair("XTZUSD", "XTZUSD", "XTZ/USD", "XTZ", "ZUSD") + "," +
                            pair("XZECZUSD", "ZECUSD", "ZEC/USD", "XZEC", "ZUSD") + "," +
                            pair("USDCUSD", "USDCUSD", "USDC/USD", "USDC", "ZUSD") + "}}";
  const auto product = [](const char* symbol, const char* type, const char* base, const char* more) {
    return R"({"symbol":")" + std::string(symbol) + R"(","type":")" + type +
           R"(","tickSize":0.5,"contractSize":1,"base":")" + base + R"(","quote":"USD")" + more + "}";
  };
  const std::string products =
      R"({"result":"success","instruments":[)" + product("PF_XBTUSD", "flexible_futures", "BTC", "") + "," +
      product("PF_ETHUSD", "flexible_futures", "ETH", "") + "," + product("PI_XBTUSD", "futures_inverse", "BTC", "") +
      "," + product("FI_XBTUSD_240628", "futures_inverse", "BTC", R"(,"lastTradingTime":"2024-06-28T15:00:00Z")") +
      "," + product("PF_PEPEUSD", "flexible_futures", "PEPE", R"(,"contractValueTradePrecision":-3)") + "," +
      product("PF_AAPLxUSD", "flexible_futures", "AAPLx", "") + "]}";
  spot.start();
  spot.reply("/0/public/AssetPairs", pairs);
  v1.start();
  v1.reply("/0/public/AssetPairs", pairs);
  futures.start();
  futures.reply("/derivatives/api/v3/instruments", products);

  for (test::HostDouble* host : {&spot, &v1, &futures}) {
    market::Instruments registry;
    for (const auto& i : host->instruments) {
      if (i.base.empty()) continue;
      Instrument row;
      row.venue = "Kraken";
      row.native = i.native;
      row.market = i.market;
      row.base = i.base;
      row.quote = i.quote;
      row.settle = i.settle;
      row.kind = static_cast<InstrumentKind>(i.kind);
      if (i.flags & AND_INSTRUMENT_NO_CANONICAL) row.kind = InstrumentKind::kInverseDated;
      std::vector<std::string> aliases;
      std::stringstream in(i.aliases);
      for (std::string a; std::getline(in, a);) aliases.push_back(a);
      REQUIRE(registry.add(row, aliases).has_value());
    }
    int found = 0;
    const Json vectors = test::shared_json("vectors/kraken.json");
    for (const auto& row : vectors["symbols"]) {
      const std::string native = row["native"];
      INFO(native);
      if ((row["api"].get<std::string>().rfind("futures", 0) == 0) != (host == &futures)) continue;
      const auto instrument = registry.find("Kraken", host == &futures ? "futures" : "spot", native);
      REQUIRE(instrument != nullptr);
      CHECK(instrument->canonical == (row["canonical"].is_null() ? "" : row["canonical"].get<std::string>()));
      ++found;
    }
    CHECK(found == (host == &futures ? 7 : 14));
  }
  for (const auto& i : futures.instruments) {
    if (i.native == "PI_XBTUSD") CHECK(i.flags == AND_INSTRUMENT_SECOND);
    if (i.native == "PF_XBTUSD") CHECK(i.flags == 0U);
    if (i.native == "PF_AAPLxUSD" || i.native == "FI_XBTUSD_240628") CHECK(i.flags == AND_INSTRUMENT_NO_CANONICAL);
  }
}

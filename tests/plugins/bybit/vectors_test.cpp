// Every row of vectors/bybit.json and of vectors/keys.json that concerns this venue, through the plugin.
#include <catch2/catch.hpp>

#include "plugins/bybit/bench.hpp"
#include "support/shared.hpp"

using anduin::Decimal;
using anduin::test::Bench;
using anduin::test::SeenClose;
using nlohmann::json;

namespace {

std::string path_of(const json& frame) {
  const std::string request = frame.at("request");
  return request.substr(request.find(' ') + 1);
}

/// Drops equal repeats, as the ledger does.
std::vector<SeenClose> once(const std::vector<SeenClose>& all) {
  std::vector<SeenClose> out;
  for (const SeenClose& c : all) {
    const bool known = std::any_of(out.begin(), out.end(), [&](const SeenClose& o) { return o.id == c.id; });
    if (!known) out.push_back(c);
  }
  return out;
}

void check_close(const SeenClose& got, const json& want) {
  CHECK(got.id == want.at("id"));
  CHECK(got.symbol == want.at("symbol"));
  CHECK(got.side == want.at("side"));
  CHECK(Decimal::of(got.entry.value()) == Decimal::of(want.at("entryPrice").get<std::string>()));
  CHECK(Decimal::of(got.exit.value()) == Decimal::of(want.at("exitPrice").get<std::string>()));
  CHECK(Decimal::of(got.size.value()) == Decimal::of(want.at("size").get<std::string>()));
  CHECK(Decimal::of(got.pnl.value()) == Decimal::of(want.at("pnl").get<std::string>()));
  CHECK(got.currency == want.at("currency"));
  CHECK(got.closed_ms == want.at("closedAt"));
  if (want.contains("fee")) {
    CHECK(Decimal::of(got.fee.value()) == Decimal::of(want.at("fee").get<std::string>()));
  }
  CHECK(Decimal::of(got.pnl_raw) == Decimal::of(got.pnl.value()));
  CHECK(got.hold.empty());
}

std::uint32_t tri(const json& v) { return v.is_null() ? AND_TRI_UNKNOWN : v.get<bool>() ? AND_TRI_YES : AND_TRI_NO; }

}  // namespace

TEST_CASE("every decode row of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : anduin::test::shared_json("vectors/bybit.json").at("decode")) {
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      Bench b(true);
      b.start(0);
      b.connect();
      if (row.at("feed") == "balance") b.query_balance();
      for (const json& f : row.at("frames")) {
        if (f.at("kind") == "ws") {
          CHECK(b.frame(1, f.at("text")) == AND_OK);
        } else if (!b.open_requests(path_of(f)).empty()) {
          CHECK(b.answer(path_of(f), f.at("text"), f.at("status")) == AND_OK);
        }
      }
      const json& want = row.at("expected");
      if (want.contains("closes")) {
        const auto got = once(b.closes);
        REQUIRE(got.size() == want.at("closes").size());
        for (std::size_t i = 0; i < got.size(); ++i) check_close(got[i], want.at("closes")[i]);
      }
      for (std::size_t i = 0; i < want.value("deferred", json::array()).size(); ++i)
        CHECK(b.open_requests("/v5/account/transaction-log").size() == 1);
      if (want.contains("balance")) {
        REQUIRE(b.balances.size() == 1);
        CHECK(b.balances[0].total == want.at("balance").at("total"));
        CHECK(b.balances[0].available == want.at("balance").at("available"));
        CHECK(b.balances[0].currency == want.at("balance").at("currency"));
      }
      CHECK(b.errors.empty());
    }
  }
}

TEST_CASE("stream and history give the same close, character by character") {
  ANDUIN_NEED_SHARED();
  const json all = anduin::test::shared_json("vectors/bybit.json").at("decode");
  const auto row = [&](const std::string& name) -> const json& {
    return *std::find_if(all.begin(), all.end(), [&](const json& r) { return r.at("name") == name; });
  };
  Bench stream(true), history(true);
  stream.start(0);
  stream.frame(1, row("ws_execution_close_long").at("frames")[0].at("text"));
  history.start(0);
  for (const json& f : row("rest_backfill_same_close").at("frames")) history.answer(path_of(f), f.at("text"));
  REQUIRE(stream.closes.size() == 1);
  REQUIRE(history.closes.size() == 1);
  const SeenClose &s = stream.closes[0], &h = history.closes[0];
  CHECK(s.id == h.id);
  CHECK(s.pnl_raw == h.pnl_raw);
  CHECK(s.fee_raw == h.fee_raw);
  CHECK(s.entry == h.entry);
  CHECK(s.currency == h.currency);
  CHECK(s.fee_currency == h.fee_currency);
  CHECK(s.flags == h.flags);
  CHECK(s.origin == "stream");
  CHECK(h.origin == "history");
}

TEST_CASE("what a key may do, by the answers of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : anduin::test::shared_json("vectors/keys.json").at("keys")) {
    if (row.at("venue") != "bybit") continue;
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      Bench b(true);
      b.start();
      const int code = b.answer("/v5/user/query-api", row.at("response").dump(), row.at("http"));
      const json& want = row.at("expect");
      if (want.at("verdict") == "fatal") {
        CHECK(code == AND_E_AUTH);
        CHECK(b.accounts.empty());
        REQUIRE(b.statuses.size() == 1);
        CHECK(b.statuses[0].state == "failed");
        CHECK(b.statuses[0].detail.find("check the key") != std::string::npos);
        continue;
      }
      REQUIRE(b.accounts.size() == 1);
      const auto& a = b.accounts[0];
      CHECK(a.uid == want.at("uid"));
      CHECK(a.can_trade == tri(want.at("can_trade")));
      CHECK(a.can_withdraw == tri(want.at("can_withdraw")));
      CHECK(a.can_transfer == tri(want.at("can_transfer")));
      CHECK(a.ip_bound == tri(want.at("ip_bound")));
      CHECK(a.sub_account == tri(want.at("sub_account")));
      CHECK((a.expires_ms == 0) == want.at("expires").is_null());
      if (!want.at("expires").is_null()) CHECK(a.expires_ms == 1'777'939'200'000);  // 2026-05-05
    }
  }
}

TEST_CASE("the clock answer of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : anduin::test::shared_json("vectors/keys.json").at("clock")) {
    if (row.at("venue") != "bybit") continue;
    Bench b(true);
    b.start();
    const std::uint32_t id = b.open_requests("/v5/market/time").at(0).id;
    b.answer("/v5/market/time", row.at("response").dump());
    REQUIRE(b.clocks.size() == 1);
    CHECK(b.clocks[0] == std::pair<std::uint32_t, std::int64_t>(id, row.at("venue_ms")));
  }
}

TEST_CASE("the frames a plugin may send are those of the vectors") {
  ANDUIN_NEED_SHARED();
  const json want = anduin::test::shared_json("vectors/keys.json").at("ws_allow").at("bybit.private");
  const json& got = Bench::manifest().at("ws_egress").at("private");
  for (const char* member : {"key", "allow", "fields", "topics"}) CHECK(got.at(member) == want.at(member));
  for (const json& row : anduin::test::shared_json("vectors/keys.json").at("egress_rest")) {
    if (row.at("venue") != "bybit") continue;
    bool listed = false;
    for (const json& e : Bench::manifest().at("egress"))
      listed = listed || (e.at("method") == row.at("method") && e.at("path") == row.at("path"));
    CHECK(listed == row.at("allow").get<bool>());
  }
}

TEST_CASE("symbols of the vectors: instruments and canonical names") {
  ANDUIN_NEED_SHARED();
  for (const json& row : anduin::test::shared_json("vectors/bybit.json").at("symbols")) {
    const std::string native = row.at("native"), category = row.at("category");
    DYNAMIC_SECTION(category + " " + native) {
      // The list's row as the venue would write it for that spelling.
      const bool dated = native.find('-') != std::string::npos || native.ends_with("H26");
      std::string quote = native.ends_with("USDT") ? "USDT" : category == "inverse" ? "USD" : "USDC";
      std::string base = native.substr(0, native.find_first_of("-"));
      for (const char* tail : {"USDT", "PERP", "USDH26", "USD"})
        if (base.ends_with(tail)) base.resize(base.size() - std::string(tail).size());
      json r{{"symbol", native},  {"baseCoin", base}, {"quoteCoin", quote}, {"status", "Trading"},
             {"priceFilter", {{"tickSize", "0.10"}}}};
      if (category != "spot") {
        r["contractType"] = (category == "inverse" ? std::string("Inverse") : "Linear") + (dated ? "Futures" : "Perpetual");
        r["settleCoin"] = category == "inverse" ? base : quote;
      }
      Bench b(false, {{"market", json::array({category})}});
      b.start();
      b.answer("/v5/market/instruments-info",
               json{{"retCode", 0}, {"retMsg", "OK"}, {"result", {{"category", category}, {"list", {r}}}}}.dump());
      REQUIRE(b.instruments.size() == 1);
      const auto& i = b.instruments[0];
      CHECK(i.native == native);
      CHECK(i.market == category);
      CHECK(i.tick == "0.1");
      const bool none = (i.flags & AND_INSTRUMENT_NO_CANONICAL) != 0;
      CHECK(none == row.at("canonical").is_null());
      if (!none) CHECK(i.base + i.quote == row.at("canonical").get<std::string>());
      CHECK(((i.flags & AND_INSTRUMENT_PNL_SPLIT) != 0) == (category == "linear" && quote == "USDC"));
      CHECK(b.statuses.at(0).feed == "instruments");
    }
  }
}

// Every row of vectors/okx.json and of vectors/keys.json that concerns this venue, through the plugin.
#include <algorithm>
#include <catch2/catch.hpp>

#include "plugins/okx/bench.hpp"
#include "plugins/okx/rows.hpp"
#include "settle/ref_id.hpp"
#include "support/shared.hpp"
#include "venue/renderer.hpp"

using anduin::Decimal;
using namespace anduin::test;
using nlohmann::json;

namespace {

const json& vectors() { return shared_json("vectors/okx.json"); }

std::uint32_t tri(const json& v) { return v.is_null() ? AND_TRI_UNKNOWN : v.get<bool>() ? AND_TRI_YES : AND_TRI_NO; }

Decimal number(const json& v) { return Decimal::of(v.get<std::string>()); }

/// The canonical name that the vectors give a native one.
std::string canonical_of(const json& all, const std::string& native) {
  for (const json& row : all.at("symbols"))
    if (row.at("native") == native) return row.at("canonical");
  return native;
}

void check_close(const SeenClose& got, const json& want, const json& instruments, const json& all) {
  CHECK(got.id == want.at("id"));
  CHECK(canonical_of(all, got.symbol) == want.at("symbol").get<std::string>());
  CHECK(got.side == want.at("side"));
  CHECK(Decimal::of(got.entry.value()) == number(want.at("entryPrice")));
  CHECK(Decimal::of(got.exit.value()) == number(want.at("exitPrice")));
  CHECK(Decimal::of(got.size.value()) == number(want.at("contracts")));
  const json& i = instruments.at(got.symbol);
  CHECK(Decimal::of(got.size.value()) * number(i.at("ctVal")) * number(i.at("ctMult")) == number(want.at("size")));
  CHECK(Decimal::of(got.pnl.value()) == number(want.at("pnl")));
  CHECK(Decimal::of(got.pnl_raw) == number(want.at("pnl")));
  CHECK(Decimal::of(got.pnl.value()) - Decimal::of(got.funding.value()) == number(want.at("grossPnl")));
  CHECK(Decimal::of(got.fee.value()).is_zero());
  CHECK(got.currency == want.at("currency"));
  CHECK(got.closed_ms == want.at("closedAt"));
  CHECK(got.hold.empty());
  if (want.contains("pnlUsdAtExit"))
    CHECK(Decimal::of(got.pnl.value()) * Decimal::of(got.exit.value()) == number(want.at("pnlUsdAtExit")));
}

std::vector<SentRequest> by_position(const Bench& b) {
  std::vector<SentRequest> out;
  for (const SentRequest& r : b.requests)
    if (r.path() == kHistory && !r.query("posId").empty()) out.push_back(r);
  return out;
}

}  // namespace

TEST_CASE("every signing row, through the manifest's programs") {
  ANDUIN_NEED_SHARED();
  std::vector<json> rows = vectors().at("signing");
  for (const json& row : shared_json("vectors/keys.json").at("signing"))
    if (row.at("venue") == "okx") rows.push_back(row);
  auto renderer = anduin::venue::Renderer::create(Bench::manifest().at("sign"));
  REQUIRE(renderer.has_value());
  for (const json& row : rows) {
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      const json& in = row.at("inputs");
      const anduin::venue::Credentials credentials(
          {{"key", in.at("api_key")}, {"secret", in.at("secret")}, {"passphrase", in.at("passphrase")}});
      anduin::venue::RenderContext context;
      context.credentials = &credentials;
      context.venue_ms = in.at("clock_ms");
      Bench b(true, {{"demo", in.value("demo", false) ? "yes" : "no"}});
      b.start();
      if (row.at("expected").contains("frame")) {
        b.connect();
        b.advance(6'000);
        REQUIRE(b.frames.size() == 1);
        const auto frame = renderer->render_frame({b.frames[0].text, b.frames[0].sign}, context);
        REQUIRE(frame.has_value());
        CHECK(json::parse(frame->text) == row.at("expected").at("frame"));
        continue;
      }
      // The plugin's own headers and program, for the row's request.
      const SentRequest own = b.open_requests(kConfig).at(0);
      const std::string body = in.at("body");
      const std::string headers = own.headers + (body.empty() ? "" : "Content-Type: application/json\n");
      const std::string method = in.at("method"), target = in.at("request_path_with_query");
      const anduin::venue::HttpTemplate t{method, target, headers, body, own.sign};
      CHECK(renderer->signed_text(t, context).value() == row.at("string_to_sign"));
      const auto got = renderer->render_http(t, context);
      REQUIRE(got.has_value());
      std::map<std::string, std::string> seen(got->headers.begin(), got->headers.end());
      CHECK(seen == row.at("expected").at("headers").get<std::map<std::string, std::string>>());
    }
  }
}

TEST_CASE("every price row of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : vectors().at("decode_price")) {
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      const std::string channel = json::parse(row.at("text").get<std::string>()).at("arg").at("channel");
      Bench b(false, {{"price_channel", channel}});
      b.start();
      b.connect();
      CHECK(b.frame(kConn, row.at("text")) == AND_OK);
      const json& want = row.at("expected");
      if (want.is_null()) {
        CHECK(b.prices.empty());
        continue;
      }
      REQUIRE(b.prices.size() == 1);
      CHECK(b.prices[0].symbol == want.at("native"));
      CHECK(b.prices[0].bid == want.at("bid"));
      CHECK(b.prices[0].ask == want.at("ask"));
      CHECK(b.prices[0].bid_size == want.at("bidSize"));
      CHECK(b.prices[0].ask_size == want.at("askSize"));
      CHECK(b.prices[0].venue_ms == want.at("ts_ms"));
    }
  }
}

TEST_CASE("every history row of the vectors") {
  ANDUIN_NEED_SHARED();
  const json all = vectors();
  for (const json& row : all.at("decode_positions")) {
    if (row.at("kind") != "http") continue;
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      Bench b(true, json::object(), 1'767'300'000'000);
      b.start(1'700'000'000'000);
      const int code = b.answer(kHistory, row.at("text"), row.value("status", 200));
      if (row.contains("expected_error")) {
        const bool again = row.at("expected_error").at("retryable");
        CHECK(code == (again ? AND_OK : AND_E_AUTH));
        CHECK(b.closes.empty());
        b.advance(2'000);
        CHECK(b.open_requests(kHistory).size() == (again ? 1U : 0U));
        if (!again)
          CHECK(b.statuses.at(0).detail.find(row.at("expected_error").at("code").get<std::string>()) !=
                std::string::npos);
        continue;
      }
      CHECK(code == AND_OK);
      json want = row.at("expected");
      std::sort(want.begin(), want.end(),
                [](const json& a, const json& c) { return a.at("closedAt") < c.at("closedAt"); });
      REQUIRE(b.closes.size() == want.size());
      for (std::size_t i = 0; i < want.size(); ++i) check_close(b.closes[i], want[i], row.at("instruments"), all);
      const bool unknown_type = row.at("name") == "rest_history_adl_and_unknown_types";
      CHECK(b.errors.size() == (unknown_type ? 1U : 0U));
      if (unknown_type) {
        b.answer(kHistory, page({}));
        CHECK_FALSE(b.coverage.back().proven);
      }
    }
  }
}

TEST_CASE("every sequence of position pushes of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : vectors().at("decode_positions")) {
    if (row.at("kind") != "ws_sequence") continue;
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      Bench b(true);
      b.start();
      b.connect();
      std::size_t asked = 0;
      const json& texts = row.at("texts");
      for (std::size_t i = 0; i < texts.size(); ++i) {
        CHECK(b.frame(kConn, texts[i]) == AND_OK);
        b.advance(400);
        const std::vector<SentRequest> queries = by_position(b);
        for (const json& action : row.at("expected_actions")) {
          if (action.at("after_frame") != i) continue;
          if (action.at("action") == "none") CHECK(queries.size() == asked);
          if (action.at("action") == "query_history") {
            REQUIRE(queries.size() == asked + 1);
            CHECK(queries.back().query("posId") == action.at("posId"));
            CHECK(queries.back().query("instType") == "SWAP");
            CHECK(queries.back().query("limit") == "100");
            // The row with that cTime ends the asking.
            const std::int64_t opened = std::stoll(action.at("cTime").get<std::string>());
            b.answer(kHistory, page({closed_row(action.at("posId"), opened, opened + 100'000)}), 200, "posId=");
            REQUIRE(b.closes.size() == 1);
            CHECK(b.closes[0].id ==
                  action.at("posId").get<std::string>() + "-" + action.at("cTime").get<std::string>());
          }
        }
        asked = by_position(b).size();
      }
      b.advance(60'000);
      CHECK(by_position(b).size() == asked);
      CHECK(b.closes.size() == 1);
    }
  }
}

TEST_CASE("every balance row of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : vectors().at("decode_balance")) {
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      Bench b(true);
      b.start();
      b.connect();
      if (row.at("kind") == "ws") {
        CHECK(b.frame(kConn, row.at("text")) == AND_OK);
      } else {
        b.query_balance();
        CHECK(b.answer(kBalance, row.at("text")) == AND_OK);
      }
      const json& want = row.at("expected");
      const auto it = std::find_if(b.balances.begin(), b.balances.end(),
                                   [&](const auto& x) { return x.currency == row.at("ask_currency"); });
      if (it == b.balances.end()) {  // not in the list: there is none
        CHECK(want.at("total") == "0");
        CHECK(b.errors.empty());
        continue;
      }
      CHECK(it->total == want.at("total"));
      CHECK(it->available == want.at("available"));
    }
  }
}

TEST_CASE("every symbol row of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : vectors().at("symbols")) {
    const std::string native = row.at("native"), type = row.at("instType");
    DYNAMIC_SECTION(native) {
      const bool is_spot = type == "SPOT", inverse = native.find("-USD-") != std::string::npos;
      const std::string base = native.substr(0, native.find('-'));
      const json r{{"instId", native},
                   {"instType", type},
                   {"ctType", is_spot   ? ""
                              : inverse ? "inverse"
                                        : "linear"},
                   {"ctVal", is_spot ? "" : "100"},
                   {"ctMult", is_spot ? "" : "1"},
                   {"settleCcy", is_spot   ? ""
                                 : inverse ? base
                                           : "USDT"},
                   {"baseCcy", is_spot ? base : ""},
                   {"quoteCcy", is_spot ? "USDT" : ""},
                   {"tickSz", "0.1"},
                   {"state", "live"}};
      Bench b(false, {{"market", json::array({is_spot ? "spot" : inverse ? "inverse" : "linear"})}});
      b.start();
      b.answer(kInstruments, page({r}));
      if (row.at("canonical").is_null()) {  // a dated future is refused
        CHECK(b.instruments.empty());
        CHECK_FALSE(b.errors.empty());
        continue;
      }
      REQUIRE(b.instruments.size() == 1);
      CHECK(b.instruments[0].base + b.instruments[0].quote == row.at("canonical").get<std::string>());
      CHECK(b.instruments[0].flags == 0);
      CHECK(b.statuses.at(0).feed == "instruments");
    }
  }
}

TEST_CASE("the refIds of the vectors") {
  ANDUIN_NEED_SHARED();
  const std::string venue = Bench::manifest().at("venue").at("name");
  for (const json& row : vectors().at("ref_ids")) {
    const std::string preimage = row.at("preimage");
    const std::size_t colon = preimage.find(':');
    CHECK(preimage.substr(0, colon) == venue);
    CHECK(anduin::settle::ref_id(venue, preimage.substr(colon + 1)).value().to_string() ==
          row.at("refId").get<std::string>());
  }
}

TEST_CASE("what a key may do, by the answers of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : shared_json("vectors/keys.json").at("keys")) {
    if (row.at("venue") != "okx") continue;
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      Bench b(true);
      b.start();
      const int code = b.answer(kConfig, row.at("response").dump(), row.at("http"));
      const json& want = row.at("expect");
      if (want.at("verdict") == "fatal") {
        CHECK(code == AND_E_AUTH);
        CHECK(b.accounts.empty());
        REQUIRE(b.statuses.size() == 1);
        CHECK(b.statuses[0].state == "failed");
        CHECK(b.statuses[0].detail.find("endpoints") != std::string::npos);
        continue;
      }
      CHECK(code == AND_OK);
      REQUIRE(b.accounts.size() == 1);
      const auto& a = b.accounts[0];
      CHECK(a.uid == (want.at("uid").is_null() ? "" : want.at("uid").get<std::string>()));
      CHECK(a.can_trade == tri(want.at("can_trade")));
      CHECK(a.can_withdraw == tri(want.at("can_withdraw")));
      CHECK(a.can_transfer == tri(want.at("can_transfer")));
      CHECK(a.ip_bound == tri(want.at("ip_bound")));
      CHECK(a.sub_account == tri(want.at("sub_account")));
      CHECK(a.expires_ms == 0);
      CHECK(want.at("expires").is_null());
    }
  }
}

TEST_CASE("the clock answer of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : shared_json("vectors/keys.json").at("clock")) {
    if (row.at("venue") != "okx") continue;
    Bench b(true);
    b.start();
    const std::uint32_t id = b.open_requests(kTime).at(0).id;
    b.answer(kTime, row.at("response").dump());
    REQUIRE(b.clocks.size() == 1);
    CHECK(b.clocks[0] == std::pair<std::uint32_t, std::int64_t>(id, row.at("venue_ms")));
  }
}

TEST_CASE("the frames and requests a plugin may send are those of the vectors") {
  ANDUIN_NEED_SHARED();
  const json all = shared_json("vectors/keys.json");
  const json want = all.at("ws_allow").at("okx.private"), got = Bench::manifest().at("ws_egress").at("private");
  for (const char* member : {"key", "allow", "fields", "topics", "raw"}) CHECK(got.at(member) == want.at(member));
  for (const json& row : all.at("egress_rest")) {
    if (row.at("venue") != "okx") continue;
    bool listed = false;
    for (const json& e : Bench::manifest().at("egress"))
      listed = listed || (e.at("method") == row.at("method") && e.at("path") == row.at("path"));
    CHECK(listed == row.at("allow").get<bool>());
  }
}

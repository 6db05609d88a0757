// Every row of vectors/bitget.json and of vectors/keys.json that concerns this venue, through the plugin.
#include <algorithm>
#include <catch2/catch.hpp>

#include "plugins/bitget/bench.hpp"
#include "plugins/bitget/rows.hpp"
#include "settle/ref_id.hpp"
#include "support/shared.hpp"
#include "venue/renderer.hpp"

using anduin::Decimal;
using namespace anduin::test;
using nlohmann::json;

namespace {

const json& vectors() { return shared_json("vectors/bitget.json"); }
std::uint32_t tri(const json& v) { return v.is_null() ? AND_TRI_UNKNOWN : v.get<bool>() ? AND_TRI_YES : AND_TRI_NO; }
Decimal number(const json& v) { return Decimal::of(v.get<std::string>()); }
json dialect(const std::string& name) { return {{"private_dialect", name}, {"market", json::array({"linear"})}}; }

void check_close(const SeenClose& got, const json& want) {
  CHECK(got.id == want.at("id"));
  CHECK(got.symbol == want.at("symbol"));
  CHECK(got.side == want.at("side"));
  CHECK(Decimal::of(got.entry.value()) == number(want.at("entryPrice")));
  CHECK(Decimal::of(got.exit.value()) == number(want.at("exitPrice")));
  CHECK(Decimal::of(got.size.value()) == number(want.at("size")));
  CHECK(want.at("sizeUnit") == "base");  // a contract of one coin, see the symbols
  CHECK(Decimal::of(got.pnl.value()) == number(want.at("pnl")));
  CHECK(Decimal::of(got.pnl_raw) == number(want.at("pnl")));
  CHECK(Decimal::of(got.pnl.value()) - Decimal::of(got.funding.value()) == number(want.at("grossPnl")));
  CHECK(Decimal::of(got.fee.value()).is_zero());
  CHECK(got.currency == want.at("currency"));
  CHECK(got.closed_ms == want.at("closedAt"));
  CHECK(got.hold.empty());
}

/// An hour after the last close that the row shows, so that history is still kept; the same for all where it shows
/// none.
std::int64_t moment_of(const json& row) {
  std::int64_t last = 0;
  if (row.at("kind") != "http") return 1'783'100'000'000;
  const json list = json::parse(row.at("text").get<std::string>()).at("data").value("list", json());
  for (const json& closed : list)
    last = std::max<std::int64_t>(
        last, std::stoll(closed.at(closed.contains("utime") ? "utime" : "updatedTime").get<std::string>()));
  return last == 0 ? 1'783'100'000'000 : last + 3'600'000;
}

/// Errors of a body: what the account's plugin makes of it.
void check_error(const json& row) {
  const json& want = row.at("expected_error");
  const std::string text = row.at("text"), action = want.value("action", "");
  const bool v3 = action == "switch_dialect:classic_v2";
  Bench b(true, {{"private_dialect", "auto"}, {"market", json::array({"linear"})}});
  b.start();
  // The account is what the refusal says that it is no longer.
  b.answer(kAssets, v3 || action.empty() ? good({{"assets", json::array()}}) : refusal("40084"));
  const std::string history = b.open_requests(kV3History).empty() ? kV2History : kV3History;
  const int code = b.answer(history, text, row.value("status", 200));
  CHECK(b.closes.empty());
  if (!action.empty()) {  // followed
    CHECK(code == AND_OK);
    b.advance(6'000);
    CHECK_FALSE(b.open_requests(v3 ? kV2History : kV3History).empty());
    return;
  }
  const bool again = want.at("retryable");
  CHECK(code == (again ? AND_OK : AND_E_AUTH));
  b.advance(2'500);
  std::size_t asked = 0;
  for (const SentRequest& r : b.open_requests(history)) asked += r.query("category") == "USDT-FUTURES" ? 1 : 0;
  CHECK(asked == (again ? 1U : 0U));
  if (!again) CHECK(b.statuses.at(0).detail.find(want.at("code").get<std::string>()) != std::string::npos);
}

}  // namespace

TEST_CASE("every signing row, through the manifest's programs") {
  ANDUIN_NEED_SHARED();
  std::vector<json> rows = vectors().at("signing");
  for (const json& row : shared_json("vectors/keys.json").at("signing"))
    if (row.at("venue") == "bitget") rows.push_back(row);
  auto renderer = anduin::venue::Renderer::create(Bench::manifest().at("sign"));
  REQUIRE(renderer.has_value());
  for (const json& row : rows) {
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      const json& in = row.at("inputs");
      const bool text_only = !in.contains("secret");  // the venue's example of the text, without a signature
      const anduin::venue::Credentials credentials({{"key", in.value("api_key", "k")},
                                                    {"secret", in.value("secret", "s")},
                                                    {"passphrase", in.value("passphrase", "p")}});
      anduin::venue::RenderContext context;
      context.credentials = &credentials;
      context.venue_ms =
          text_only ? std::stoll(in.at("timestamp").get<std::string>()) : in.at("clock_ms").get<std::int64_t>();
      Bench b(true, {{"demo", in.value("demo", false) ? "yes" : "no"}, {"private_dialect", "uta"}});
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
      const SentRequest own = b.open_requests(kV3Key).at(0);
      const std::string method = in.at("method"), target = in.at("request_path_with_query"), body = in.at("body");
      const anduin::venue::HttpTemplate t{method, target, own.headers, body, own.sign};
      CHECK(renderer->signed_text(t, context).value() == row.at("string_to_sign"));
      if (text_only) continue;
      const auto got = renderer->render_http(t, context);
      REQUIRE(got.has_value());
      std::map<std::string, std::string> seen(got->headers.begin(), got->headers.end());
      CHECK(seen.at("Content-Type") == "application/json");
      CHECK(seen.contains("paptrading") == in.value("demo", false));
      for (const auto& [name, value] : row.at("expected").at("headers").items())
        CHECK(seen[name] == value.get<std::string>());
    }
  }
}

TEST_CASE("every price row of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : vectors().at("decode_price")) {
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      const bool v3 = row.at("name").get<std::string>().starts_with("v3");
      const json arg = json::parse(row.at("text").get<std::string>()).at("arg");
      const json& want = row.at("expected");
      Bench b(false, {{"dialect", v3 ? "v3" : "v2"},
                      {"price_channel", arg.at(v3 ? "topic" : "channel")},
                      {"market", json::array({"linear"})}});
      b.start();
      b.connect();
      b.symbols({want.at("native")});
      const json asked = json::parse(b.frames.at(0).text).at("args").at(0);
      CHECK(asked == arg);
      CHECK(asked.at("instType") == want.at("instType"));
      CHECK(b.frame(kConn, row.at("text")) == AND_OK);
      REQUIRE(b.prices.size() == 1);
      CHECK(b.prices[0].symbol == want.at("native"));
      CHECK(Decimal::of(b.prices[0].bid) == number(want.at("bid")));
      CHECK(Decimal::of(b.prices[0].ask) == number(want.at("ask")));
      CHECK(Decimal::of(b.prices[0].bid_size) == number(want.at("bidSize")));
      CHECK(Decimal::of(b.prices[0].ask_size) == number(want.at("askSize")));
      CHECK(b.prices[0].venue_ms == want.at("ts_ms"));
    }
  }
}

TEST_CASE("every row of closed positions of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : vectors().at("decode_positions")) {
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      if (row.contains("expected_error") && row.at("expected_error").contains("code")) {
        check_error(row);
        continue;
      }
      const std::string kind = row.at("kind"), url = row.value("url", "");
      const bool v3 = url.find("v3") != std::string::npos;
      const std::int64_t now = moment_of(row);
      Bench b(true, dialect(v3 ? "uta" : "classic"), now);
      b.start(now - 20 * 86'400'000LL);
      if (kind == "ws") {
        b.connect();
        b.advance(6'000);
        CHECK(b.frame(kConn, row.at("text")) == AND_OK);
        b.advance(901'000);  // no history shows it: settled as it was told
      } else if (kind == "ws_sequence") {
        b.connect();
        for (const json& text : row.at("texts")) CHECK(b.frame(kConn, text) == AND_OK);
        const json& action = row.at("expected_actions").at(0);
        const std::size_t before = b.requests.size();
        b.advance(400);
        REQUIRE(b.requests.size() == before + 1);
        CHECK(b.requests.back().path() == kV3History);
        CHECK(b.requests.back().query("category") == action.at("category"));
        const std::int64_t opened = std::stoll(action.at("createdTime").get<std::string>());
        // The row of that symbol, side and time of opening ends the asking.
        json closed = v3_row("42", opened + 100'000, opened);
        closed["symbol"] = action.at("symbol");
        closed["posSide"] = action.at("posSide");
        b.answer(b.requests.back(), v3_page({closed}));
        REQUIRE(b.closes.size() == 1);
        CHECK(b.closes[0].origin == "stream");
        continue;
      } else {
        const std::string path = v3 ? kV3History : kV2History;
        const SentRequest asked = b.open_requests(path).at(0);
        CHECK(b.answer(asked, row.at("text")) == AND_OK);
        if (row.contains("next_page") && row.at("next_page").is_object()) {
          const auto [name, value] = *row.at("next_page").items().begin();
          CHECK(b.requests.back().query(name) == value);
        }
      }
      json want = row.at("expected");
      std::sort(want.begin(), want.end(),
                [](const json& a, const json& c) { return a.at("closedAt") < c.at("closedAt"); });
      if (kind == "http" && !b.open_requests(v3 ? kV3History : kV2History).empty())  // the empty page behind it
        for (const SentRequest& r : b.open_requests(v3 ? kV3History : kV2History))
          if (!r.query(v3 ? "cursor" : "idLessThan").empty()) b.answer(r, v3 ? v3_page({}) : v2_page({}));
      REQUIRE(b.closes.size() == want.size());
      for (std::size_t i = 0; i < want.size(); ++i) check_close(b.closes[i], want[i]);
      if (row.contains("expected_error")) {  // missing ids: said, and never proven
        CHECK(row.at("expected_error").at("kind") == "missing_id");
        CHECK(b.errors.size() == row.at("expected_error").at("rows"));
        CHECK(std::any_of(b.coverage.begin(), b.coverage.end(), [](const SeenCoverage& c) { return !c.proven; }));
      } else {
        CHECK(b.errors.empty());
      }
    }
  }
}

TEST_CASE("every balance row of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : vectors().at("decode_balance")) {
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      const bool v3 = row.value("url", "").find("v3") != std::string::npos;
      Bench b(true, dialect(v3 ? "uta" : "classic"));
      b.start();
      b.connect();
      if (row.at("kind") == "ws") {
        CHECK(b.frame(kConn, row.at("text")) == AND_OK);
      } else {
        b.query_balance();
        CHECK(b.answer(v3 ? kAssets : kClassicBalance, row.at("text")) == AND_OK);
      }
      const json& want = row.at("expected");
      const auto it = std::find_if(b.balances.begin(), b.balances.end(),
                                   [&](const auto& x) { return x.currency == want.at("currency"); });
      REQUIRE(it != b.balances.end());
      CHECK(Decimal::of(it->total) == number(want.at("total")));
      CHECK(Decimal::of(it->available) == number(want.at("available")));
    }
  }
}

TEST_CASE("every symbol row of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : vectors().at("symbols")) {
    const std::string native = row.at("native"), type = row.at("instType");
    DYNAMIC_SECTION(native) {
      // Old names are aliases of today's.
      const std::size_t tail = native.find('_');
      const std::string name = native.substr(0, tail), suffix = tail == std::string::npos ? "" : native.substr(tail);
      const bool spot = suffix == "_SPBL", coin = type == "COIN-FUTURES" || suffix == "_DMCBL",
                 usdc = type == "USDC-FUTURES";
      const std::string product = spot ? "SPOT" : coin ? "COIN-FUTURES" : usdc ? "USDC-FUTURES" : "USDT-FUTURES";
      const std::string quote = coin ? "USD" : usdc ? "USDC" : "USDT";
      const std::string base = name.substr(0, name.find(usdc ? "PERP" : "USD"));
      const bool dated = name.ends_with("H23");
      json r{
          {"symbol", name}, {"category", product}, {"baseCoin", base}, {"quoteCoin", quote}, {"pricePrecision", "1"}};
      if (!spot) r["symbolType"] = dated ? "delivery" : "perpetual", r["priceMultiplier"] = "0.1";
      Bench b(false, {{"market", json::array({spot ? "spot" : coin ? "inverse" : "linear"})}});
      b.start();
      b.answer(kInstruments, good(json::array({r})), 200, "category=" + product);
      REQUIRE(b.instruments.size() == 1);
      const SeenInstrument& i = b.instruments[0];
      CHECK(i.native == name);
      CHECK(i.tick == "0.1");
      if (!suffix.empty()) CHECK(i.aliases == native);
      if (!spot) CHECK(i.contract_size == "1");
      const bool none = (i.flags & AND_INSTRUMENT_NO_CANONICAL) != 0;
      CHECK(none == row.at("canonical").is_null());
      if (!none) CHECK(i.base + i.quote == row.at("canonical").get<std::string>());
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
    if (row.at("venue") != "bitget") continue;
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      const bool v3 = row.at("endpoint").get<std::string>().find("v3") != std::string::npos;
      const json& want = row.at("expect");
      Bench b(true);
      b.start();
      b.answer(kAssets, v3 ? good({{"assets", json::array()}}) : refusal("40084"), v3 ? 200 : 400);
      CHECK(b.answer(v3 ? kV3Key : kV2Key, row.at("response").dump(), row.at("http")) == AND_OK);
      if (want.at("verdict") == "switch_dialect") {
        b.advance(1'000);
        CHECK(b.open_requests(v3 ? kV2Key : kV3Key).size() == 1);
        CHECK(b.accounts.empty());
        continue;
      }
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
    if (row.at("venue") != "bitget") continue;
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
  for (const char* generation : {"v2", "v3"}) {
    const json want = all.at("ws_allow").at("bitget." + std::string(generation) + ".private");
    const json got = Bench::manifest().at("ws_egress").at("private." + std::string(generation));
    for (const char* member : {"key", "allow", "fields", "topics", "raw"}) CHECK(got.at(member) == want.at(member));
  }
  for (const json& row : all.at("egress_rest")) {
    if (row.at("venue") != "bitget") continue;
    bool listed = false;
    for (const json& e : Bench::manifest().at("egress"))
      listed = listed || (e.at("method") == row.at("method") && e.at("path") == row.at("path"));
    CHECK(listed == row.at("allow").get<bool>());
  }
}

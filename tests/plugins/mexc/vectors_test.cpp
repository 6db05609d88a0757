// Every row of vectors/mexc.json and of vectors/keys.json that concerns this venue, through the plugin.
#include <catch2/catch.hpp>
#include <map>

#include "plugins/mexc/rows.hpp"
#include "support/shared.hpp"
#include "venue/egress.hpp"
#include "venue/renderer.hpp"

using anduin::Decimal;
using namespace anduin::test;
using nlohmann::json;

namespace {

const json& vectors() { return shared_json("vectors/mexc.json"); }
std::uint32_t tri(const json& v) { return v.is_null() ? AND_TRI_UNKNOWN : v.get<bool>() ? AND_TRI_YES : AND_TRI_NO; }
Decimal number(const json& v) { return Decimal::of(v.get<std::string>()); }

void check_close(const SeenClose& got, const json& want) {
  CHECK(got.id == want.at("id"));
  std::string canonical = got.symbol;
  std::erase(canonical, '_');
  CHECK(canonical == want.at("symbol"));
  CHECK(got.side == want.at("side"));
  CHECK(Decimal::of(got.entry.value()) == number(want.at("entryPrice")));
  CHECK(Decimal::of(got.exit.value()) == number(want.at("exitPrice")));
  const json instrument = vectors().at("instruments").at(got.symbol);
  CHECK(Decimal::of(got.size.value()) * number(instrument.at("contractSize")) == number(want.at("size")));
  CHECK(Decimal::of(got.pnl.value()) == number(want.at("pnl")));
  CHECK(Decimal::of(got.pnl_raw) == number(want.at("pnl")));
  CHECK(got.currency == want.at("currency"));
  CHECK(got.closed_ms == want.at("closedAt"));
  CHECK(got.hold.empty());
}

void answer_known_contracts(Bench& b) {
  const json known = vectors().at("instruments");
  for (auto asked = b.open_requests(kDetail); !asked.empty(); asked = b.open_requests(kDetail)) {
    const std::string symbol = asked[0].query("symbol");
    const json& i = known.at(symbol);
    b.answer(asked[0], ok(contract(symbol, i.at("settleCoin"), i.at("contractSize"))));
  }
}

/// A position's frame as the history row that it leads to.
std::string as_history(const json& frame) {
  json r = frame.at("data");
  if (!r.contains("updateTime")) r["updateTime"] = frame.at("ts");
  return ok(json::array({r}));
}

void check_price(const json& row) {
  const json frame = json::parse(row.at("text").get<std::string>());
  const std::string channel = frame.at("channel") == "push.ticker" ? "ticker" : "depth.full";
  Bench b(false, {{"price_channel", channel}});
  b.start();
  b.connect();
  CHECK(b.frame(kConn, row.at("text")) == AND_OK);
  const json& want = row.at("expected").at("price");
  if (want.is_null()) {
    CHECK(b.prices.empty());
    return;
  }
  REQUIRE(b.prices.size() == 1);
  CHECK(b.prices[0].symbol == frame.at("symbol"));
  CHECK(Decimal::of(b.prices[0].bid) == number(want.at("bid")));
  CHECK(Decimal::of(b.prices[0].ask) == number(want.at("ask")));
  CHECK(b.prices[0].venue_ms == want.at("ts_ms"));
}

void check_balances(const json& row) {
  Bench b(true);
  b.start();
  if (row.at("kind") == "ws") {  // REST is asked for the real figure; where it has none, the push must do
    log_in(b);
    b.frame(kConn, row.at("text"));
    b.advance(2'500);
    b.answer(kAssets, failure(600));
  } else {
    b.query_balance();
    b.answer(kAssets, row.at("text"));
  }
  const json& want = row.at("expected").at("balances");
  REQUIRE(b.balances.size() == want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    CHECK(b.balances[i].currency == want[i].at("currency"));
    CHECK(Decimal::of(b.balances[i].total) == number(want[i].at("total")));
    CHECK(Decimal::of(b.balances[i].available) == number(want[i].at("available")));
  }
}

void check_error(const json& row) {
  const json& want = row.at("expected").at("error");
  if (row.at("kind") == "ws") {
    Bench b(false);
    b.start();
    b.symbols({want.at("symbol")});
    b.connect();
    CHECK(b.frame(kConn, row.at("text")) == AND_OK);  // this contract's, and nothing else's
    REQUIRE(b.errors.size() == 1);
    CHECK(b.errors[0].find(want.at("symbol").get<std::string>()) == 0);
    CHECK(b.redialled.empty());
    return;
  }
  Bench b(true);
  b.start();
  b.query_balance();
  const int code = b.answer(kAssets, row.at("text"));
  CHECK((code == AND_E_AUTH) == want.at("fatal").get<bool>());
  CHECK(b.statuses.back().detail.find(want.at("code").get<std::string>()) != std::string::npos);
}

}  // namespace

TEST_CASE("every signing row, through the manifest's programs") {
  ANDUIN_NEED_SHARED();
  std::vector<json> rows = vectors().at("signing");
  for (const json& row : shared_json("vectors/keys.json").at("signing"))
    if (row.at("venue") == "mexc") rows.push_back(row);
  auto renderer = anduin::venue::Renderer::create(Bench::manifest().at("sign"));
  REQUIRE(renderer.has_value());
  for (const json& row : rows) {
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      const json& in = row.at("inputs");
      const bool spot = in.contains("api_key");
      const anduin::venue::Credentials credentials(
          {{"key", in.at(spot ? "api_key" : "apiKey")}, {"secret", in.at(spot ? "api_secret" : "apiSecret")}});
      anduin::venue::RenderContext context;
      context.credentials = &credentials;
      context.venue_ms = in.at("timestamp_ms");
      Bench b(true);
      b.start();
      if (row.at("expected").contains("frame")) {
        know_clock(b);
        b.connect();
        REQUIRE(b.frames.size() == 1);
        const json& want = row.at("expected").at("frame");
        std::string text = b.frames[0].text;
        if (want.contains("subscribe")) text.insert(1, R"("subscribe":false,)");
        const auto frame = renderer->render_frame({text, b.frames[0].sign}, context);
        REQUIRE(frame.has_value());
        CHECK(json::parse(frame->text) == want);
        continue;
      }
      if (spot) {
        // The plugin's own request, whose stamp is a little slow on purpose.
        const bool info = row.at("name") == "spot_api_key_info";
        if (!info) b.answer(kKeyInfo, R"({"status":"VALID","permissions":"SPOT_ACCOUNT_READ","ipWhiteList":""})");
        const SentRequest own = b.open_requests(info ? kKeyInfo : kUid).at(0);
        context.venue_ms += 100;
        const auto got = renderer->render_http({own.method, own.target, own.headers, own.body, own.sign}, context);
        REQUIRE(got.has_value());
        CHECK("https://api.mexc.com" + got->target() == row.at("expected").at("url"));
        const std::map<std::string, std::string> seen(got->headers.begin(), got->headers.end());
        CHECK(seen == row.at("expected").at("headers").get<std::map<std::string, std::string>>());
        continue;
      }
      const SentRequest own = b.open_requests(kHistory).at(0);
      const std::string query = in.at("query"), path = in.at("path"), body = in.at("body"), method = in.at("method");
      std::string headers = own.headers;
      if (in.contains("recv_window")) headers += "Recv-Window: " + in.at("recv_window").get<std::string>() + "\n";
      const std::string target = query.empty() ? path : path + "?" + query;
      const anduin::venue::HttpTemplate t{method, target, headers, body, own.sign};
      CHECK(renderer->signed_text(t, context).value() == row.at("string_to_sign"));
      const auto got = renderer->render_http(t, context);
      REQUIRE(got.has_value());
      const std::map<std::string, std::string> seen(got->headers.begin(), got->headers.end());
      CHECK(seen == row.at("expected").at("headers").get<std::map<std::string, std::string>>());
      if (row.at("expected").contains("url"))
        CHECK("https://api.mexc.com" + got->target() == row.at("expected").at("url"));
    }
  }
}

TEST_CASE("every client frame of the vectors") {
  ANDUIN_NEED_SHARED();
  std::map<std::string, json> sent;
  const auto note = [&](const std::string& text) { sent[json::parse(text).at("method")] = json::parse(text); };
  for (const char* channel : {"depth.full", "ticker"}) {
    Bench b(false, {{"price_channel", channel}});
    b.start();
    b.symbols({"BTC_USDT"});
    b.connect();
    b.symbols({}, {"BTC_USDT"});
    for (const SentFrame& f : b.frames) note(f.text);
  }
  for (const json& e : Bench::manifest().at("endpoints"))
    if (e.contains("ping")) note(e.at("ping").at("text"));
  for (const json& row : vectors().at("frames")) {
    INFO(row.at("name"));
    const std::string method = row.at("frame").at("method");
    if (method == "sub.depth") continue;        // a channel that this plugin has no use for
    if (method == "personal.filter") continue;  // below: orders are not asked for
    REQUIRE(sent.contains(method));
    CHECK(sent.at(method) == row.at("frame"));
  }
  Bench b(true);
  b.start();
  log_in(b);
  REQUIRE(b.frames.size() == 2);
  CHECK(json::parse(b.frames[1].text) ==
        json::parse(R"({"method":"personal.filter","param":{"filters":[{"filter":"position"},{"filter":"asset"}]}})"));
}

TEST_CASE("every decode row of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : vectors().at("decode")) {
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      const json& want = row.at("expected");
      const std::string text = row.at("text");
      if (want.contains("price"))
        check_price(row);
      else if (want.contains("balances"))
        check_balances(row);
      else if (want.contains("error"))
        check_error(row);
      else if (want.contains("logged_in")) {
        Bench b(true);
        b.start();
        know_clock(b);
        b.connect();
        CHECK(b.frame(kConn, text) == AND_OK);
        REQUIRE(b.statuses.size() == 1);
        CHECK(b.statuses[0].state == "ready");
      } else if (row.at("kind") == "http") {
        Bench b(true, json::object(), 1'757'600'000'000);
        b.start(0);
        for (auto asked = b.open_requests(kHistory); !asked.empty(); asked = b.open_requests(kHistory)) {
          b.answer(asked[0], text);
          answer_known_contracts(b);
        }
        std::map<std::string, SeenClose> got;
        for (const SeenClose& c : b.closes) CHECK(got.emplace(c.id, c).second);
        REQUIRE(got.size() == want.at("closed").size());
        for (const json& c : want.at("closed")) check_close(got.at(c.at("id")), c);
        CHECK(b.errors.empty());
      } else {
        Bench b(true, json::object(), json::parse(text).at("ts"));
        b.start(0);
        log_in(b);
        const std::size_t before = b.requests.size();
        CHECK(b.frame(kConn, text) == AND_OK);
        b.advance(350);
        if (want.contains("closed")) {
          CHECK(want.at("closed").empty());
          CHECK(b.closes.empty());
          CHECK(b.requests.size() == before);
          continue;
        }
        CHECK(b.closes.empty());  // the frame only triggers: history is the record
        const SentRequest asked = b.open_requests(kHistory).back();
        CHECK(asked.query("symbol") == json::parse(text).at("data").at("symbol"));
        if (want.contains("trigger")) CHECK(asked.query("symbol") == want.at("trigger").at("symbol"));
        b.answer(asked, as_history(json::parse(text)));
        answer_known_contracts(b);
        REQUIRE(b.closes.size() == 1);
        if (want.contains("trigger")) CHECK(b.closes[0].id == want.at("trigger").at("positionId"));
        check_close(b.closes[0], want.at("closed_if_ws_emits").at(0));
      }
    }
  }
}

TEST_CASE("symbols and instruments of the vectors") {
  ANDUIN_NEED_SHARED();
  const json all = vectors();
  for (const json& row : all.at("symbols")) {
    DYNAMIC_SECTION(row.at("native").get<std::string>()) {
      const std::string native = row.at("native");
      const bool inverse = native.ends_with("_USD");
      const std::string settle = inverse ? native.substr(0, native.find('_')) : native.substr(native.find('_') + 1);
      const json known = all.at("instruments").value(native, json{{"contractSize", "1"}});
      Bench b(false);
      b.start();
      b.answer(kDetail, ok(json::array({contract(native, settle, known.at("contractSize"))})));
      REQUIRE(b.instruments.size() == 1);
      const SeenInstrument& i = b.instruments[0];
      CHECK(i.native == native);
      CHECK(i.base + i.quote == row.at("canonical").get<std::string>());
      CHECK((i.flags & AND_INSTRUMENT_NO_CANONICAL) == 0);
      CHECK(i.kind == (inverse ? AND_KIND_INVERSE_PERPETUAL : AND_KIND_LINEAR_PERPETUAL));
      CHECK(i.settle == known.value("settleCoin", settle));
      CHECK(i.market == (inverse ? "inverse" : "linear"));
      CHECK(i.contract_size == known.at("contractSize"));
    }
  }
}

TEST_CASE("what a key may do, by the answers of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : shared_json("vectors/keys.json").at("keys")) {
    if (row.at("venue") != "mexc") continue;
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      Bench b(true);
      b.start();
      b.answer(kKeyInfo, row.at("response").dump(), row.value("http", 200));
      const json& want = row.at("expect");
      if (row.contains("uid_response"))
        b.answer(kUid, row.at("uid_response").dump());
      else
        b.answer(kUid, R"({"code":700007,"msg":"No permission to access the endpoint."})", 403);
      REQUIRE(b.accounts.size() == 1);
      const auto& a = b.accounts[0];
      CHECK(a.uid == (want.at("uid").is_null() ? "" : want.at("uid").get<std::string>()));
      CHECK(a.can_trade == tri(want.at("can_trade")));
      CHECK(a.can_withdraw == tri(want.at("can_withdraw")));
      CHECK(a.can_transfer == tri(want.at("can_transfer")));
      CHECK(a.ip_bound == tri(want.at("ip_bound")));
      CHECK(a.sub_account == tri(want.at("sub_account")));
      if (want.at("expires").is_null())
        CHECK(a.expires_ms == 0);
      else
        CHECK(a.expires_ms == b.now_ms + 82LL * 86'400'000);  // "in 82 days"
    }
  }
}

TEST_CASE("the clock answers of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : shared_json("vectors/keys.json").at("clock")) {
    if (row.at("venue") != "mexc" || row.at("endpoint") != std::string("GET ") + kPing)
      continue;  // the spot clock is not asked
    json response = row.at("response");
    for (const bool as_text : {false, true}) {
      if (as_text) response["code"] = "0", response["data"] = std::to_string(row.at("venue_ms").get<std::int64_t>());
      Bench b(true);
      b.start();
      const std::uint32_t id = b.open_requests(kPing).at(0).id;
      b.answer(kPing, response.dump());
      REQUIRE(b.clocks.size() == 1);
      CHECK(b.clocks[0] == std::pair<std::uint32_t, std::int64_t>(id, row.at("venue_ms")));
    }
  }
}

TEST_CASE("the frames a plugin may send are those of the vectors") {
  ANDUIN_NEED_SHARED();
  const json want = shared_json("vectors/keys.json").at("ws_allow").at("mexc.edge");
  for (const char* endpoint : {"private", "private.ws"}) {
    const json& got = Bench::manifest().at("ws_egress").at(endpoint);
    for (const char* member : {"key", "allow", "fields"}) CHECK(got.at(member) == want.at(member));
  }
  const auto policy = anduin::venue::EgressPolicy::create(Bench::manifest());
  REQUIRE(policy.has_value());
  for (const json& row : shared_json("vectors/keys.json").at("egress_ws"))
    if (row.at("endpoint") == "mexc.edge")
      for (const char* endpoint : {"private", "private.ws"})
        CHECK(policy->allow_frame(endpoint, {row.at("frame"), true, {}}).has_value() == row.at("allow").get<bool>());
  for (const json& row : shared_json("vectors/keys.json").at("egress_rest")) {
    if (row.at("venue") != "mexc") continue;
    CHECK(policy->allow("rest", row.at("method").get<std::string>(), row.at("path").get<std::string>(), true)
              .has_value() == row.at("allow").get<bool>());
    bool listed = false;
    for (const json& e : Bench::manifest().at("egress"))
      listed = listed || (e.at("method") == row.at("method") && e.at("path") == row.at("path"));
    CHECK(listed == row.at("allow").get<bool>());
  }
}

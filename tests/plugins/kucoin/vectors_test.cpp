// Every row of vectors/kucoin.json and of vectors/keys.json that concerns this venue, through the plugin; the signing
// rows through the host's templates with the plugin's own sign programs.
#include <catch2/catch.hpp>
#include <set>

#include "plugins/kucoin/bench.hpp"
#include "support/shared.hpp"
#include "venue/egress.hpp"
#include "venue/renderer.hpp"

using anduin::Decimal;
using anduin::test::Bench;
using anduin::test::SeenClose;
using nlohmann::json;
namespace t = anduin::test;

namespace {

json vectors(const char* section) { return t::shared_json("vectors/kucoin.json").at(section); }

json rows_of(const char* section) {
  json out = json::array();
  for (const json& row : t::shared_json("vectors/keys.json").at(section))
    if (row.value("venue", "") == "kucoin") out.push_back(row);
  return out;
}

bool same(const std::optional<std::string>& got, const json& want) {
  if (want.is_null() || !got) return want.is_null() && !got;
  return Decimal::of(*got) == Decimal::of(want.get<std::string>());
}

std::string host_name(std::string base) { return base == "XBT" ? "BTC" : base; }

/// "XBTUSDTM" -> "BTCUSDT", by the contract's row as the host reads it.
std::string canonical(const std::string& native) {
  std::string s = native;
  if (s.ends_with('M')) s.pop_back();
  return s.starts_with("XBT") ? "BTC" + s.substr(3) : s;
}

void check_close(const SeenClose& got, const json& want) {
  CHECK(got.id == want.at("id"));
  CHECK(canonical(got.symbol) == want.at("symbol"));
  CHECK(got.market == (got.currency == "XBT" ? "inverse" : "linear"));
  CHECK(got.side == want.at("side"));
  CHECK(same(got.entry, want.at("entryPrice")));
  CHECK(same(got.exit, want.at("exitPrice")));
  CHECK(same(got.size, want.at("size")));
  CHECK(same(got.pnl, want.at("pnl")));
  CHECK(got.currency == want.at("currency"));
  CHECK(got.closed_ms == want.at("closedAt"));
  CHECK(Decimal::of(got.pnl_raw) == Decimal::of(got.pnl.value()));
  CHECK(got.hold.empty());
  CHECK_FALSE(got.fee.has_value());  // inside pnl
}

std::uint32_t tri(const json& v) { return v.is_null() ? AND_TRI_UNKNOWN : v.get<bool>() ? AND_TRI_YES : AND_TRI_NO; }

/// Answers the first look into the history with that text, as the row's page.
std::vector<SeenClose> history(const json& row) {
  Bench b(true);
  b.start(0);
  b.answer(t::kHistory, row.at("text").get<std::string>());
  // The sample of a first page of three says so; the others are asked for.
  for (int page = 2; page <= 3 && !b.open_requests(t::kHistory).empty(); ++page)
    b.answer(t::kHistory, t::page({}, page, 3));
  CHECK(b.errors.empty());
  return b.closes;
}

void check_triggers(const json& texts, const json& wanted) {
  Bench b(true, json::object(), 1'758'424'326'900);
  b.live(b.now_ms - 3'600'000);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CHECK(b.frame(1, texts[i].get<std::string>()) == AND_OK);
    b.advance(300);
    const auto asked = b.open_requests(t::kHistory);
    CHECK(asked.size() == (wanted[i].is_null() ? 0U : 1U));
    if (wanted[i].is_null() || asked.empty()) continue;
    CHECK(asked[0].query("symbol") == wanted[i].at("symbol"));
    const std::int64_t from = std::stoll(asked[0].query("from"));
    if (wanted[i].contains("closed_at_ms")) CHECK(from == wanted[i].at("closed_at_ms").get<std::int64_t>() - 60'000);
    // The row of that cycle ends the looking, and no other does.
    const std::int64_t opening = wanted[i].at("openingTimestamp");
    b.answer(t::kHistory, t::page({t::closed_row("1", from - 3'600'000, "1", opening + 1)}));
    b.advance(700);
    CHECK(b.open_requests(t::kHistory).size() == 1);
    b.answer(t::kHistory, t::page({t::closed_row("2", from + 60'000, "1", opening)}));
    b.advance(8'000);
    CHECK(b.open_requests(t::kHistory).empty());
  }
  CHECK(b.errors.empty());
}

}  // namespace

TEST_CASE("every decode row of the vectors: closes, triggers, balances, prices, errors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : vectors("decode")) {
    const std::string name = row.at("name");
    DYNAMIC_SECTION(name) {
      const json& want = row.at("expected");
      if (want.contains("closed") && row.at("kind") == "http") {
        const auto got = history(row);
        REQUIRE(got.size() == want.at("closed").size());
        for (const json& w : want.at("closed")) {
          const auto it = std::find_if(got.begin(), got.end(), [&](const SeenClose& c) { return c.id == w.at("id"); });
          REQUIRE(it != got.end());
          check_close(*it, w);
        }
      } else if (want.contains("triggers")) {
        check_triggers(row.at("texts"), want.at("triggers"));
      } else if (want.contains("closed")) {
        check_triggers(json::array({row.at("text")}), json::array({want.value("trigger", json())}));
      } else if (want.contains("balances")) {
        Bench b(true);
        b.live();
        b.query_balance();
        if (row.at("kind") == "http") b.answer(t::kOverview, row.at("text").get<std::string>());
        else b.frame(1, row.at("text"));
        REQUIRE(b.balances.size() == 1);
        CHECK(Decimal::of(b.balances[0].total) == Decimal::of(want.at("balances")[0].at("total").get<std::string>()));
        CHECK(Decimal::of(b.balances[0].available) ==
              Decimal::of(want.at("balances")[0].at("available").get<std::string>()));
        CHECK(b.balances[0].currency == want.at("balances")[0].at("currency"));
      } else if (want.contains("price")) {
        Bench b(false);
        b.start();
        b.go();
        CHECK(b.frame(1, row.at("text")) == AND_OK);
        const json& w = want.at("price");
        if (name == "price-spot-ticker") {  // spot is not served: its frames are another channel's
          CHECK(b.prices.empty());
          continue;
        }
        REQUIRE(b.prices.size() == 1);
        CHECK(canonical(b.prices[0].symbol) == w.at("symbol"));
        CHECK(Decimal::of(b.prices[0].bid) == Decimal::of(w.at("bid").get<std::string>()));
        CHECK(Decimal::of(b.prices[0].ask) == Decimal::of(w.at("ask").get<std::string>()));
        CHECK(b.prices[0].venue_ms == w.at("ts_ms"));
      } else if (name == "error-token-expired") {
        for (const bool account : {false, true}) {
          Bench b(account);
          b.start();
          b.go();
          b.frame(1, row.at("text"));
          CHECK(b.redialled == std::vector<std::uint32_t>{1});
        }
      } else if (name == "error-topic") {
        Bench b(false);
        b.start();
        b.symbols({"XBTUSDTM"});
        b.go();
        json text = json::parse(row.at("text").get<std::string>());
        text["id"] = json::parse(b.frames.at(0).text).at("id");
        b.frame(1, text.dump());
        CHECK(b.redialled.empty());
        REQUIRE(b.errors.size() == 1);
        CHECK(b.errors[0].find("XBTUSDTM") != std::string::npos);
      } else if (name == "rest-error-timestamp") {
        Bench b(true);
        b.start();
        for (int i = 0; i < 3; ++i) b.answer(t::kTime, t::reply(b.now_ms));
        b.answer(t::kHistory, row.at("text").get<std::string>(), 401);
        CHECK(b.open_requests(t::kTime).size() == 1);
        b.advance(1'000);
        CHECK(b.open_requests(t::kHistory).size() == 1);
      } else {
        FAIL("a row that no test knows: " + name);
      }
    }
  }
}

TEST_CASE("every signing row of the vectors, through the host's templates and the plugin's sign programs") {
  ANDUIN_NEED_SHARED();
  namespace v = anduin::venue;
  json rows = vectors("signing");
  for (const json& row : rows_of("signing")) rows.push_back(row);
  std::size_t done = 0;
  for (const json& row : rows) {
    const std::string name = row.at("name");
    DYNAMIC_SECTION(name) {
      const json& in = row.at("inputs");
      if (name == "ws-connect-url") {
        Bench b(true);
        b.start();
        b.connect();
        b.answer(t::kPrivateToken, in.at("bullet_response").dump());
        REQUIRE(b.opens.size() == 1);
        const std::string want = row.at("expected").at("url");
        const std::size_t id = want.find("connectId=");
        CHECK(b.opens[0].url.substr(0, id) == want.substr(0, id));
        CHECK(b.opens[0].url.substr(id) == "connectId=anduin-1-1");
        ++done;
        continue;
      }
      if (row.at("algo") == "none") {
        Bench b(false);
        b.start();
        b.connect();
        const auto asked = b.open_requests(in.at("path"));
        REQUIRE(asked.size() == 2);  // linear and inverse
        CHECK(asked[0].method == in.at("method"));
        CHECK(asked[0].headers.empty());
        ++done;
        continue;
      }
      v::Credentials credentials({{"key", in.value("apiKey", "")},
                                  {"secret", in.value("apiSecret", "")},
                                  {"passphrase", in.value("passphrase", in.value("plain", ""))}});
      v::RenderContext context;
      context.credentials = &credentials;
      context.venue_ms = in.value("timestamp_ms", std::int64_t{0});
      auto renderer = *v::Renderer::create(Bench::manifest().at("sign"));
      if (in.contains("plain")) {  // the SDK's worked example: a text alone, as the passphrase is signed
        const auto out =
            renderer.render_http({.method = "GET", .target = "/", .headers = "X: {{sig.passphrase}}\n"}, context);
        REQUIRE(out.has_value());
        CHECK(out->headers.at(0).second == row.at("expected").at("signature"));
        ++done;
        continue;
      }
      Bench b(true, {{"key_version", in.at("keyVersion")}});
      b.start();
      const std::string headers = b.open_requests(t::kHistory).at(0).headers, query = in.at("query"),
                        path = in.at("path"), method = in.at("method"), body = in.at("body"),
                        target = query.empty() ? path : path + "?" + query;
      const v::HttpTemplate request{
          .method = method, .target = target, .headers = headers, .body = body, .sign = "rest"};
      CHECK(*renderer.signed_text(request, context) == row.at("string_to_sign"));
      const auto out = renderer.render_http(request, context);
      REQUIRE(out.has_value());
      CHECK(out->uses_credentials);
      for (const auto& [header, value] : row.at("expected").at("headers").items()) {
        if (header == "Content-Type") continue;  // of requests with a body: the plugin sends none
        const auto it =
            std::find_if(out->headers.begin(), out->headers.end(), [&](const auto& h) { return h.first == header; });
        REQUIRE(it != out->headers.end());
        CHECK(it->second == value);
      }
      ++done;
    }
  }
}

TEST_CASE("the client frames of the vectors are what the plugin sends, and what the manifest lets out") {
  ANDUIN_NEED_SHARED();
  const auto policy = anduin::venue::EgressPolicy::create(Bench::manifest()).value();
  Bench prices(false);
  prices.start();
  prices.symbols({"XBTUSDTM", "ETHUSDTM"});
  prices.go();
  Bench account(true);
  account.live();
  const auto find = [&](const Bench& b, const std::string& topic) {
    for (const auto& f : b.frames) {
      const json sent = json::parse(f.text);
      if (sent.at("topic").get<std::string>().starts_with(topic)) return sent;
    }
    return json();
  };
  for (const json& row : vectors("frames")) {
    const json& frame = row.at("frame");
    const std::string name = row.at("name");
    INFO(name);
    if (name.starts_with("spot")) continue;
    if (frame.at("type") == "ping") {
      for (const json& endpoint : Bench::manifest().at("endpoints")) {
        if (endpoint.at("kind") != "ws") continue;
        const json ping = json::parse(endpoint.at("ping").at("text").get<std::string>());
        CHECK(ping.at("type") == "ping");
        CHECK(ping.size() == frame.size());
        CHECK(endpoint.at("ping").at("every_ms") <= 15'000);
      }
      continue;
    }
    if (frame.at("type") == "unsubscribe") continue;  // of the form of its sibling, see below
    json got = find(frame.at("privateChannel") ? account : prices, frame.at("topic").get<std::string>().substr(0, 24));
    REQUIRE_FALSE(got.is_null());
    const auto symbols = [](std::string topic) {
      const std::size_t colon = topic.find(':');
      std::set<std::string> out;
      while (colon != std::string::npos && topic.size() > colon) {
        const std::size_t comma = topic.rfind(',') == std::string::npos ? colon : topic.rfind(',');
        out.insert(topic.substr(comma + 1));
        topic.resize(comma);
      }
      return out;
    };
    CHECK(symbols(got.at("topic")) == symbols(frame.at("topic")));
    for (const char* member : {"type", "privateChannel", "response"}) CHECK(got.at(member) == frame.at(member));
    CHECK(got.at("id").is_string());
    CHECK(got.size() == frame.size());
    if (frame.at("privateChannel")) CHECK(policy.allow_frame("private", {frame.dump(), true, {}}).has_value());
  }
  prices.symbols({}, {"ETHUSDTM"});
  CHECK(json::parse(prices.frames.back().text).at("type") == "unsubscribe");
  CHECK(json::parse(prices.frames.back().text).at("topic") == "/contractMarket/tickerV2:ETHUSDTM");
}

TEST_CASE("symbols and instruments of the vectors") {
  ANDUIN_NEED_SHARED();
  const json lots = vectors("instruments");
  for (const json& row : vectors("symbols")) {
    const std::string native = row.at("native"), wanted = row.at("canonical");
    if (native.find('-') != std::string::npos) continue;  // spot
    DYNAMIC_SECTION(native) {
      const bool inverse = native.ends_with("USDM") && !native.ends_with("USDTM");
      const std::string quote = inverse ? "USD" : native.substr(native.size() - 5, 4),
                        base = native.substr(0, native.size() - quote.size() - 1);
      json contract{{"symbol", native},
                    {"type", "FFWCSX"},
                    {"baseCurrency", base},
                    {"quoteCurrency", quote},
                    {"settleCurrency", inverse ? base : quote},
                    {"multiplier", inverse ? -1.0 : 0.001},
                    {"tickSize", 0.1},
                    {"isInverse", inverse},
                    {"status", "Open"},
                    {"expireDate", nullptr}};
      if (lots.contains(native)) {
        CHECK(lots.at(native).at("isInverse") == inverse);
        CHECK(lots.at(native).at("settleCurrency") == contract.at("settleCurrency"));
        contract["multiplier"] = lots.at(native).at("multiplier");
      }
      Bench b(false);
      b.start();
      b.answer(t::kContracts, t::reply(json::array({contract})));
      REQUIRE(b.instruments.size() == 1);
      const auto& i = b.instruments[0];
      CHECK(host_name(i.base) + i.quote == wanted);
      CHECK(i.flags == 0);
      CHECK(i.kind == (inverse ? AND_KIND_INVERSE_PERPETUAL : AND_KIND_LINEAR_PERPETUAL));
      const std::string lot = lots.contains(native) ? lots.at(native).at("multiplier").get<std::string>()
                              : inverse             ? "1"
                                                    : "0.001";
      CHECK(Decimal::of(i.contract_size) == Decimal::of(lot).abs());
      CHECK(b.statuses.at(0).feed == "instruments");
    }
  }
}

TEST_CASE("what a key may do, by the answers of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : rows_of("keys")) {
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      Bench b(true);
      b.start();
      const auto asked = b.open_requests(t::kKey);
      REQUIRE(asked.size() == 1);
      CHECK(asked[0].endpoint == "spot.rest");
      b.answer(t::kKey, row.at("response").dump(), row.at("http"));
      const json& want = row.at("expect");
      REQUIRE(b.accounts.size() == 1);
      const auto& a = b.accounts[0];
      CHECK(a.uid == (want.at("uid").is_null() ? "" : want.at("uid").get<std::string>()));
      CHECK(a.can_trade == tri(want.at("can_trade")));
      CHECK(a.can_withdraw == tri(want.at("can_withdraw")));
      CHECK(a.can_transfer == tri(want.at("can_transfer")));
      CHECK(a.ip_bound == tri(want.at("ip_bound")));
      CHECK(a.sub_account == tri(want.at("sub_account")));
      CHECK((a.expires_ms == 0) == want.at("expires").is_null());
      if (!want.at("expires").is_null()) CHECK(a.expires_ms == 1'798'761'600'000);  // 2027-01-01
    }
  }
}

TEST_CASE("the clock answer of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : rows_of("clock")) {
    Bench b(true);
    b.start();
    const std::uint32_t id = b.open_requests(t::kTime).at(0).id;
    b.answer(t::kTime, row.at("response").dump());
    REQUIRE(b.clocks.size() == 1);
    CHECK(b.clocks[0] == std::pair<std::uint32_t, std::int64_t>(id, row.at("venue_ms")));
  }
}

TEST_CASE("what may leave is what the vectors allow: frames, addresses") {
  ANDUIN_NEED_SHARED();
  const json file = t::shared_json("vectors/keys.json"), &want = file.at("ws_allow").at("kucoin.private");
  const json& got = Bench::manifest().at("ws_egress").at("private");
  for (const char* member : {"key", "allow", "fields", "topics"}) CHECK(got.at(member) == want.at(member));
  const auto policy = anduin::venue::EgressPolicy::create(Bench::manifest()).value();
  std::size_t rows = 0;
  for (const json& row : file.at("egress_ws")) {
    if (row.at("endpoint") != "kucoin.private") continue;
    INFO(row.dump());
    CHECK(policy.allow_frame("private", {row.at("frame"), true, {}}).has_value() == row.at("allow"));
    ++rows;
  }
  for (const json& row : rows_of("egress_url")) {
    INFO(row.dump());
    for (const char* endpoint : {"public", "private"})
      CHECK(policy.allow_url(endpoint, row.at("url").get<std::string>()).has_value() == row.at("allow"));
    ++rows;
  }
  CHECK(rows == 5);
  for (const char* path :
       {"/api/v1/orders", "/api/v1/position/margin/deposit-margin", "/api/v3/accounts/universal-transfer"})
    for (const char* endpoint : {"rest", "spot.rest"})
      CHECK_FALSE(policy.allow(endpoint, "POST", path, true).has_value());
}

// Every row of vectors/htx.json and of vectors/keys.json that concerns this venue, through the plugin. The signing rows
// run through the host's engine in tests/venue; what is checked here is that this manifest holds the same programs.
#include <algorithm>
#include <catch2/catch.hpp>

#include "plugins/htx/bench.hpp"
#include "support/shared.hpp"
#include "venue/inflate.hpp"
#include "venue/recording.hpp"

using anduin::Decimal;
using anduin::test::Bench;
using anduin::test::SeenClose;
using nlohmann::json;
using namespace anduin::test;

namespace {

constexpr std::uint32_t kPublic = 1, kPrivate = 1;

/// The text of a frame, unpacked as the host unpacks it.
std::string text_of(const json& frame) {
  if (frame.contains("text")) return frame.at("text");
  const auto line = anduin::venue::parse_recording_line(json{{"ts_ms", 1},
                                                             {"kind", "ws"},
                                                             {"url", "wss://api.hbdm.com/linear-swap-ws"},
                                                             {"dir", "in"},
                                                             {"base64", frame.at("base64")}}
                                                            .dump(),
                                                        "row");
  REQUIRE(line.has_value());
  anduin::venue::Inflate inflate(AND_DECODE_GZIP);
  const std::string& bytes = line->payload;
  const auto size = static_cast<std::uint32_t>(bytes.size());
  REQUIRE(inflate.add({reinterpret_cast<const std::uint8_t*>(bytes.data()), size, size, true}, 1U << 20U).has_value());
  const auto& out = inflate.frames().at(0);
  return {reinterpret_cast<const char*>(out.data), out.size};
}

std::vector<SeenClose> once(const std::vector<SeenClose>& all) {
  std::vector<SeenClose> out;
  for (const SeenClose& c : all)
    if (std::none_of(out.begin(), out.end(), [&](const SeenClose& o) { return o.id == c.id; })) out.push_back(c);
  return out;
}

void check_close(const SeenClose& got, const json& want, const Decimal& contract_size) {
  const auto same = [](const std::optional<std::string>& a, const json& b) {
    return a && Decimal::of(*a) == Decimal::of(b.get<std::string>());
  };
  CHECK(got.id == want.at("id"));
  CHECK(got.symbol == "BTC-USDT");
  CHECK(want.at("symbol") == "BTCUSDT");
  CHECK(got.side == want.at("side"));
  CHECK(same(got.entry, want.at("entryPrice")));
  CHECK(same(got.exit, want.at("exitPrice")));
  REQUIRE(got.size);
  CHECK(Decimal::of(*got.size) * contract_size == Decimal::of(want.at("size").get<std::string>()));
  CHECK(same(got.pnl, want.at("pnl")));
  CHECK(same(got.fee, want.at("fee")));
  CHECK(got.currency == want.at("currency"));
  CHECK(got.closed_ms == want.at("closedAt"));
  CHECK(got.hold.empty());
  if (!got.pnl_raw.empty()) CHECK(Decimal::of(got.pnl_raw) == Decimal::of(*got.pnl));
}

std::uint32_t tri(const json& v) { return v.is_null() ? AND_TRI_UNKNOWN : v.get<bool>() ? AND_TRI_YES : AND_TRI_NO; }

void public_row(const json& row) {
  const json& want = row.at("expected");
  Bench b(false);
  b.start();
  b.answer(kContracts, contracts());
  b.connect();
  b.symbols({"BTC-USDT"});
  const std::string text = text_of(row.at("frame"));
  if (want.contains("text")) CHECK(text == want.at("text"));
  if (row.value("state", "").find("131599726") != std::string::npos) {  // "previous bbo had version 131599726"
    b.frame(
        kPublic,
        R"({"ch":"market.BTC-USDT.bbo","ts":1,"tick":{"mrid":131599726,"bid":[1,1],"ask":[2,1],"ts":1,"version":131599726}})");
    b.prices.clear();
  }
  b.frames.clear();
  CHECK(b.frame(kPublic, text) == AND_OK);
  if (want.contains("price")) {
    REQUIRE(b.prices.size() == 1);
    CHECK(b.prices[0].symbol == "BTC-USDT");
    CHECK(b.prices[0].bid == want.at("price").at("bid"));
    CHECK(b.prices[0].ask == want.at("price").at("ask"));
    CHECK(b.prices[0].venue_ms == want.at("price").at("timestamp"));
  }
  if (want.contains("none")) CHECK(b.prices.empty());
  if (want.contains("reply_text")) {
    REQUIRE(b.frames.size() == 1);
    CHECK(b.frames[0].text == want.at("reply_text"));
  }
  if (want.contains("ack")) CHECK(b.errors.empty());
}

/// An acknowledgement or refusal under the id of the subscription it answers.
void public_answer(const json& row) {
  Bench b(false);
  b.start();
  b.answer(kContracts, contracts());
  b.connect();
  b.symbols({"BTC-USDT"});
  REQUIRE(b.frames.size() == 1);
  CHECK(json::parse(b.frames[0].text).at("sub") == "market.BTC-USDT.bbo");
  json answer = json::parse(row.at("frame").at("text").get<std::string>());
  answer["id"] = json::parse(b.frames[0].text).at("id");
  CHECK(b.frame(kPublic, answer.dump()) == AND_OK);
  b.advance(61'000);  // no second asking: it was answered
  CHECK(b.frames.size() == 1);
  CHECK(b.errors.size() == (row.at("expected").contains("error") ? 1U : 0U));
  if (!b.errors.empty()) CHECK(b.errors[0].find("bad-request") != std::string::npos);
}

void private_row(const json& row) {
  const json& want = row.at("expected");
  const std::string channel = row.at("channel"), text = text_of(row.at("frame"));
  const std::string size = row.value("contract_size", "0.001");
  Bench b(true, json::object(), 1'795'000'000'000);
  const std::int64_t from = channel == "private ws" ? b.now_ms - 1'000 : 1'700'000'000'000;
  if (want.contains("auth") || want.contains("ack") || want.contains("error")) {
    b.start();
    b.know({contract("BTC-USDT", size)});
    b.connect();
    if (!want.contains("auth"))
      b.frame(kPrivate, R"({"op":"auth","type":"api","err-code":0,"ts":1,"data":{"user-id":"1"}})");
    const std::size_t sent = b.frames.size();
    const int code = b.frame(kPrivate, text);
    if (want.value("auth", "") == "ok") {
      CHECK(code == AND_OK);
      CHECK(b.accounts.back().uid == "12345678");
      CHECK(b.frames.size() == sent + 3);  // the subscriptions
    } else if (want.contains("auth")) {
      CHECK(code == AND_E_AUTH);
      CHECK(b.statuses.back().state == "failed");
    } else if (want.contains("ack")) {
      CHECK(code == AND_OK);
      CHECK(b.errors.empty());
    } else {
      CHECK(b.errors.size() == 1);
      CHECK(b.errors[0].find("2011") != std::string::npos);
      CHECK(b.statuses.back().state == "resync");
    }
    return;
  }
  b.log_in({contract("BTC-USDT", size)}, from);
  b.errors.clear();
  const std::size_t sent = b.frames.size();
  if (channel == "private ws") {
    if (row.value("state", "").find("volume 2") != std::string::npos)
      b.frame(kPrivate, pushed("positions",
                               {{{"contract_code", "BTC-USDT"},
                                 {"position_side", "both"},
                                 {"direction", "buy"},
                                 {"volume", "2"},
                                 {"open_avg_price", "60000"},
                                 {"updated_time", 1'789'999'999'000}}},
                               1'790'000'000'000, "snapshot"));
    b.empty_history();
    CHECK(b.frame(kPrivate, text) == AND_OK);
  } else if (channel == "GET /v5/account/balance") {
    b.query_balance();
    CHECK(b.answer(kBalance, text) == AND_OK);
  } else {
    // History: the row's answer to the first question it fits, nothing to the others.
    const std::string path = channel.substr(4);
    bool told = false;
    for (bool more = true; more;) {
      more = false;
      for (const char* each : {kDetails, kHistory}) {
        for (const SentRequest& r : b.open_requests(each)) {
          const bool fits = !told && path == each;
          told = told || fits;
          b.answer(r, fits ? text : page({}));
          more = true;
        }
      }
      for (const SentRequest& r : b.open_requests(kOrder)) {
        b.answer(r, refusal(1061, "This order doesnt exist."));
        more = true;
      }
    }
    if (path == kOrder) return;  // the confirmation: its own test case
  }
  if (want.contains("reply_text")) {
    REQUIRE(b.frames.size() == sent + 1);
    CHECK(b.frames.back().text == want.at("reply_text"));
  }
  if (want.contains("reconnect")) CHECK(b.redialled == std::vector<std::uint32_t>{kPrivate});
  if (want.contains("backfill")) CHECK_FALSE(b.open_requests(kDetails).empty());
  if (want.contains("confirm")) {
    b.advance(2'000);
    REQUIRE(b.open_requests(kOrder).size() == 1);
    CHECK(b.open_requests(kOrder)[0].query("order_id") == want.at("confirm").at("order_id"));
  }
  if (want.contains("closes")) {
    const auto got = once(b.closes);
    REQUIRE(got.size() == want.at("closes").size());
    for (std::size_t i = 0; i < got.size(); ++i) check_close(got[i], want.at("closes")[i], Decimal::of(size));
  }
  if (want.contains("balance")) {
    REQUIRE(b.balances.size() == 1);
    CHECK(b.balances[0].total == want.at("balance").at("total"));
    CHECK(b.balances[0].available == want.at("balance").at("available"));
    CHECK(b.balances[0].currency == want.at("balance").at("currency"));
  }
  CHECK(b.errors.empty());
}

/// What an answer of a request leads to: refused for good, or asked again when it is time.
void error_row(const json& row) {
  const json& want = row.at("expected").at("error");
  Bench b(true);
  b.log_in();
  b.empty_history();
  b.query_balance();
  const std::int64_t reset_ms = 2'500;
  const int code =
      b.answer(kBalance, text_of(row.at("frame")), 200, "", {{"ratelimit-reset", std::to_string(reset_ms)}});
  if (want.at("fatal").get<bool>()) {
    CHECK(code == AND_E_AUTH);
    CHECK(b.statuses.back().state == "failed");
    CHECK(b.statuses.back().detail.find("HTX " + want.at("code").get<std::string>()) != std::string::npos);
    return;
  }
  CHECK(code == AND_OK);
  b.advance(reset_ms - 100);
  CHECK(b.open_requests(kBalance).empty());
  b.advance(200);
  CHECK(b.open_requests(kBalance).size() == 1);
}

}  // namespace

TEST_CASE("every decode row of the vectors") {
  ANDUIN_NEED_SHARED();
  std::size_t rows = 0;
  for (const json& row : shared_json("vectors/htx.json").at("decode")) {
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      const std::string channel = row.at("channel");
      const json& want = row.at("expected");
      if (channel == "rest")
        error_row(row);
      else if (channel == "public ws" && (want.contains("error") || want.contains("ack")))
        public_answer(row);
      else if (channel == "public ws")
        public_row(row);
      else if (want.contains("instrument")) {
        Bench b(false);
        b.start();
        b.answer(kContracts, text_of(row.at("frame")));
        REQUIRE(b.instruments.size() == 1);
        CHECK(b.instruments[0].native == want.at("instrument").at("native"));
        CHECK(b.instruments[0].base + b.instruments[0].quote ==
              want.at("instrument").at("canonical").get<std::string>());
        CHECK(Decimal::of(b.instruments[0].contract_size) ==
              Decimal::of(want.at("instrument").at("contractSize").get<std::string>()));
        CHECK(Decimal::of(b.instruments[0].tick) == Decimal::of(want.at("instrument").at("tick").get<std::string>()));
      } else
        private_row(row);
    }
    ++rows;
  }
  CHECK(rows >= 40);
}

TEST_CASE("the vectors' confirmation: two looks at the order, 2 s and 5 s, and one close") {
  ANDUIN_NEED_SHARED();
  const json all = shared_json("vectors/htx.json").at("decode");
  const auto row = [&](const std::string& head) -> const json& {
    return *std::find_if(all.begin(), all.end(),
                         [&](const json& r) { return r.at("name").get<std::string>().starts_with(head); });
  };
  Bench b(true, json::object(), 1'795'000'000'000);
  b.log_in();
  b.empty_history();
  b.frame(kPrivate, row("orders: partially_canceled with fills").at("frame").at("text"));
  const json& answer = row("order info answer to the confirmation");
  b.advance(2'000);
  b.answer(kOrder, answer.at("frame").at("text"));
  CHECK(b.closes.empty());
  b.advance(4'900);
  CHECK(b.open_requests(kOrder).empty());
  b.advance(200);
  b.answer(kOrder, answer.at("frame").at("text"));
  REQUIRE(b.closes.size() == 1);
  check_close(b.closes[0], answer.at("expected").at("closes")[0], Decimal::of("0.001"));
}

TEST_CASE("symbols of the vectors: swaps with a canonical name, and nothing else") {
  ANDUIN_NEED_SHARED();
  for (const json& row : shared_json("vectors/htx.json").at("symbols")) {
    INFO(row.dump());
    Bench b(false);
    b.start();
    b.answer(kContracts, contracts({contract(row.at("native"), "1")}));
    CHECK(b.instruments.empty() == row.at("canonical").is_null());
    if (b.instruments.empty()) continue;
    CHECK(b.instruments[0].base + b.instruments[0].quote == row.at("canonical").get<std::string>());
    CHECK((b.instruments[0].flags & AND_INSTRUMENT_NO_CANONICAL) == 0);
  }
}

TEST_CASE("the frames of the vectors' clients are what the plugin sends") {
  ANDUIN_NEED_SHARED();
  Bench account(true), prices(false);
  account.log_in();
  prices.start();
  prices.answer(kContracts, contracts());
  prices.connect();
  prices.symbols({"BTC-USDT"});
  prices.symbols({}, {"BTC-USDT"});
  std::size_t found = 0;
  const auto without_ids = [](json frame) {
    for (const char* id : {"id", "cid"}) frame.erase(id);
    return frame;
  };
  for (const json& row : shared_json("vectors/htx.json").at("subscribe_frames")) {
    for (const Bench* b : {&account, &prices})
      for (const SentFrame& f : b->frames)
        found += without_ids(json::parse(f.text)) == without_ids(row.at("frame")) ? 1U : 0U;
  }
  CHECK(found == 5);  // orders, positions, account, a best bid and offer, and its end; `trade` is not used
}

TEST_CASE("what a key may do, by the answers of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : shared_json("vectors/keys.json").at("keys")) {
    if (row.at("venue") != "htx") continue;
    DYNAMIC_SECTION(row.at("name").get<std::string>()) {
      const json& want = row.at("expect");
      Bench b(true);
      b.start();
      if (row.contains("uid_response")) {
        b.answer(kUid, row.at("uid_response").dump());
        REQUIRE(b.open_requests(kKey).size() == 1);
        CHECK(b.open_requests(kKey)[0].query("uid") == want.at("uid"));
        CHECK(b.open_requests(kKey)[0].query("accessKey") == "{{key|pct}}");
        // The request names the key, so that HTX answers with that row alone.
        json answer = row.at("response");
        json& rows = answer.at("data");
        for (std::size_t i = rows.size(); i-- > 0;)
          if (rows[i].at("accessKey") != row.at("own_key")) rows.erase(i);
        CHECK(b.answer(kKey, answer.dump(), row.at("http")) == AND_OK);
        REQUIRE(b.accounts.size() == 1);
        CHECK(b.accounts[0].uid.empty());  // the login's alone
      }
      b.connect();
      b.know({contract("BTC-USDT", "0.001")});
      json ack = json::parse(R"({"op":"auth","type":"api","err-code":0,"ts":1})");
      ack["data"]["user-id"] = want.at("uid");
      b.frame(kPrivate, row.contains("uid_response") ? ack.dump() : row.at("response").dump());
      const auto& a = b.accounts.back();
      CHECK(a.uid == want.at("uid"));
      CHECK(a.can_trade == tri(want.at("can_trade")));
      CHECK(a.can_withdraw == tri(want.at("can_withdraw")));
      CHECK(a.can_transfer == tri(want.at("can_transfer")));
      CHECK(a.ip_bound == tri(want.at("ip_bound")));
      CHECK(a.sub_account == tri(want.at("sub_account")));
      CHECK((a.expires_ms == 0) == want.at("expires").is_null());
      if (!want.at("expires").is_null()) CHECK(a.expires_ms == b.now_ms + 7LL * 86'400'000);
      CHECK(b.warnings.empty());
    }
  }
}

TEST_CASE("the clock answer of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const json& row : shared_json("vectors/keys.json").at("clock")) {
    if (row.at("venue") != "htx") continue;
    Bench b(true);
    b.start();
    const std::uint32_t id = b.open_requests(kTime).at(0).id;
    b.answer(kTime, row.at("response").dump());
    REQUIRE(b.clocks.size() == 1);
    CHECK(b.clocks[0] == std::pair<std::uint32_t, std::int64_t>(id, row.at("venue_ms")));
  }
}

TEST_CASE("the frames a plugin may send are those of the vectors") {
  ANDUIN_NEED_SHARED();
  const json want = shared_json("vectors/keys.json").at("ws_allow").at("htx.v5");
  const json& got = Bench::manifest().at("ws_egress").at("private");
  for (const char* member : {"key", "allow", "fields", "topics"}) CHECK(got.at(member) == want.at(member));
}

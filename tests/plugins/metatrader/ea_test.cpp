// The Expert Advisor, its own file, on a scripted terminal: what it keeps on disk, what it sends, what it makes of every
// answer. Method: the service is a function of this test; a kill is an exception in the middle of a request.
#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "plugins/metatrader/script.hpp"

using namespace anduin;
using namespace anduin::test;
using nlohmann::json;
using Web = mql::Terminal::Web;

namespace {

struct Folder {
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "anduin-ea-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};

std::string header(const Web& w, const std::string& name) {
  const auto at = w.headers.find(name + ": ");
  if (at == std::string::npos) return "";
  const auto begin = at + name.size() + 2;
  return w.headers.substr(begin, w.headers.find("\r\n", begin) - begin);
}

/// A service that accepts; a test puts its own answer before.
struct Service {
  std::vector<json> heartbeats, balances, prices;
  std::vector<std::pair<std::string, std::string>> closes;  ///< id, whole body
  std::set<std::string> nonces;
  std::function<bool(Web&, const json&)> first;  ///< true: it has answered
  int status = 200;
  std::string answer;  ///< for closes; empty = accepted

  void operator()(Web& w) {
    const json body = json::parse(w.body);
    CHECK(nonces.insert(header(w, "X-Anduin-Nonce")).second);
    CHECK(header(w, "X-Anduin-Signature").size() == 67);
    CHECK(w.url == "https://host.example/webhook/metatrader");
    const std::string type = body.at("type");
    if (type == "close") closes.emplace_back(body.at("positionId"), w.body);
    if (first && first(w, body)) return;
    w.status = type == "close" ? status : 200;
    w.answer = R"({"status":"ok"})";
    if (type == "heartbeat") heartbeats.push_back(body);
    if (type == "balance") balances.push_back(body);
    if (type == "prices") prices.push_back(body);
    if (type == "close") w.answer = answer.empty() ? R"({"status":"accepted"})" : answer;
  }
  [[nodiscard]] std::set<std::string> ids() const {
    std::set<std::string> out;
    for (const auto& [id, body] : closes) out.insert(id);
    return out;
  }
};

struct Rig {
  Rig() : desk(folder.path) {
    desk.web = [this](Web& w) { service(w); };
  }
  Folder folder;
  Service service;
  Desk desk;
};

std::string file_text(const std::filesystem::path& p) {
  std::ifstream in(p, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("ea: a close is seen, kept, sent and moved to done, what was closed before the first start is not sent") {
  Rig r;
  r.desk.round_trip("XAUUSD.m", true, 0.10, 2050.50, 2075.30, 248.00);
  r.desk.now_ms += 60'000;
  r.desk.begin();
  CHECK(r.service.closes.empty());
  const auto ticket = r.desk.round_trip("XAUUSD.m", true, 0.10, 2050.50, 2075.30, 248.00);
  r.desk.run(10'000);
  REQUIRE(r.service.closes.size() == 1);
  CHECK(r.service.closes[0].first == "MT5-ic01-" + std::to_string(ticket));
  const json body = json::parse(r.service.closes[0].second);
  CHECK(body.at("side") == "long");
  CHECK(body.at("pnl") == 248.0);
  CHECK(body.at("size") == 10.0);
  CHECK(body.at("utcOffsetSec") == 7200);
  CHECK(body.at("closedAtMs").get<long>() == body.at("serverTimeMs").get<long>() - 7'200'000);
  CHECK(r.desk.files_in("out") == 0);
  CHECK(r.desk.files_in("done") == 1);
  r.desk.run(200'000);
  CHECK(r.service.closes.size() == 1);
  CHECK(r.service.heartbeats.size() >= 6);
  CHECK(r.service.balances.size() >= 3);
  CHECK(r.service.balances.back().at("total") == 10248.0);
  // A new start on the same disk sends nothing again.
  r.desk.start();
  r.desk.run(70'000);
  CHECK(r.service.closes.size() == 1);
}

TEST_CASE("ea: closes that happen while the terminal is off are found, partial closes have ids of their own") {
  Rig r;
  r.desk.begin();
  const long position = 77;
  r.desk.deal({.ticket = 2001, .position = position, .symbol = "EURUSD.m", .type = mql::DEAL_TYPE_SELL, .volume = 1.0,
               .price = 1.08, .commission = -7});
  r.desk.kill();
  r.desk.now_ms += 3'600'000;
  r.desk.deal({.ticket = 2002, .position = position, .symbol = "EURUSD.m", .type = mql::DEAL_TYPE_BUY, .entry = mql::DEAL_ENTRY_OUT,
               .reason = mql::DEAL_REASON_SL, .volume = 0.3, .price = 1.079, .profit = 30, .commission = -2.1});
  r.desk.deal({.ticket = 2003, .position = position, .symbol = "EURUSD.m", .type = mql::DEAL_TYPE_BUY, .entry = mql::DEAL_ENTRY_OUT,
               .volume = 0.7, .price = 1.081, .profit = -70, .swap = -1.5, .commission = -4.9});
  r.desk.now_ms += 3'600'000;
  r.desk.start();
  r.desk.run(10'000);
  REQUIRE(r.service.closes.size() == 2);
  const json first = json::parse(r.service.closes[0].second), second = json::parse(r.service.closes[1].second);
  CHECK(first.at("positionId") == "MT5-ic01-2002");
  CHECK(first.at("reason") == "sl");
  CHECK(r.service.closes[0].second.find("\"pnl\":25.80,") != std::string::npos);
  CHECK(second.at("positionId") == "MT5-ic01-2003");
  CHECK(r.service.closes[1].second.find("\"pnl\":-81.30,") != std::string::npos);
  CHECK(second.at("mtPositionId") == "77");
}

TEST_CASE("ea: stop outs, brokers' closes and closes by an opposite position are closes (lessons 15)") {
  Rig r;
  r.desk.begin();
  r.desk.round_trip("XAUUSD.m", true, 0.1, 2075.3, 2050.5, -248, mql::DEAL_REASON_SO);
  r.desk.deal({.ticket = 3001, .position = 91, .symbol = "EURUSD.m", .type = mql::DEAL_TYPE_BUY, .volume = 0.5, .price = 1.1});
  r.desk.deal({.ticket = 3002, .position = 92, .symbol = "EURUSD.m", .type = mql::DEAL_TYPE_SELL, .volume = 0.5, .price = 1.102});
  r.desk.deal({.ticket = 3003, .position = 91, .symbol = "EURUSD.m", .type = mql::DEAL_TYPE_SELL, .entry = mql::DEAL_ENTRY_OUT_BY,
               .volume = 0.5, .price = 1.102, .profit = 100});
  r.desk.deal({.ticket = 3004, .position = 92, .symbol = "EURUSD.m", .type = mql::DEAL_TYPE_BUY, .entry = mql::DEAL_ENTRY_OUT_BY,
               .volume = 0.5, .price = 1.102});
  r.desk.run(5'000);
  REQUIRE(r.service.closes.size() == 3);
  CHECK(json::parse(r.service.closes[0].second).at("reason") == "so");
  CHECK(json::parse(r.service.closes[1].second).at("dealEntry") == "out_by");
  CHECK(json::parse(r.service.closes[1].second).at("side") == "long");
  CHECK(json::parse(r.service.closes[2].second).at("side") == "short");
}

TEST_CASE("ea: a netting account turned over in one deal: the close and what it opens share its costs") {
  Rig r;
  r.desk.begin();
  r.desk.ea->margin_mode = mql::ACCOUNT_MARGIN_MODE_RETAIL_NETTING;
  const long p = 4001;
  const auto deal = [&](mql::ulong ticket, bool buy, long entry, double lots, double price, double profit, double commission, double swap = 0) {
    r.desk.deal({.ticket = ticket, .position = p, .symbol = "BTCUSDT", .type = buy ? mql::DEAL_TYPE_BUY : mql::DEAL_TYPE_SELL, .entry = entry,
                 .volume = lots, .price = price, .profit = profit, .swap = swap, .commission = commission});
  };
  deal(4001, true, mql::DEAL_ENTRY_IN, 2, 38000, 0, -2);
  deal(4002, true, mql::DEAL_ENTRY_IN, 2, 38100, 0, -2);
  deal(4003, false, mql::DEAL_ENTRY_OUT, 1, 38200, 150, -1);
  deal(4004, false, mql::DEAL_ENTRY_INOUT, 5, 38300, 750, -5, -3);
  deal(4005, true, mql::DEAL_ENTRY_OUT, 2, 38250, 100, -2);
  r.desk.run(5'000);
  REQUIRE(r.service.closes.size() == 3);
  CHECK(r.service.closes[0].second.find("\"pnl\":148.00,") != std::string::npos);
  CHECK(r.service.closes[1].second.find("\"pnl\":741.00,") != std::string::npos);
  CHECK(r.service.closes[2].second.find("\"pnl\":96.00,") != std::string::npos);
  const json turned = json::parse(r.service.closes[1].second), last = json::parse(r.service.closes[2].second);
  CHECK(turned.at("size") == 3.0);
  CHECK(turned.at("dealEntry") == "inout");
  CHECK(last.at("side") == "short");
  CHECK(last.at("accountMode") == "netting");
}

TEST_CASE("ea: killed between writing and sending, and between sending and the answer: the same bytes again, nothing lost") {
  Rig r;
  r.desk.begin();
  int kills = 0;
  r.service.first = [&](Web&, const json& body) {
    if (body.at("type") != "close" || kills >= 2) return false;
    ++kills;
    throw Killed{};
  };
  r.desk.round_trip("XAUUSD.m", false, 0.20, 2075.30, 2050.50, 496.00);
  for (int i = 0; i < 2; ++i) {
    CHECK_THROWS_AS(r.desk.run(10'000), Killed);
    CHECK(r.desk.files_in("out") == 1);
    r.desk.kill();
    r.desk.start();
  }
  r.desk.run(10'000);
  REQUIRE(r.service.closes.size() == 3);
  CHECK(r.service.closes[0].second == r.service.closes[1].second);
  CHECK(r.service.closes[0].second == r.service.closes[2].second);
  CHECK(r.desk.files_in("done") == 1);
}

TEST_CASE("ea: what each answer leads to") {
  Rig r;
  r.desk.begin();
  const auto one = [&] { return r.desk.round_trip("XAUUSD.m", true, 0.10, 2050.50, 2075.30, 248.00); };
  SECTION("duplicate and held are durable") {
    r.service.answer = GENERATE(R"({"status":"duplicate"})", R"({"status":"held","reason":"approval","detail":"approval: wait"})");
    one();
    r.desk.run(5'000);
    CHECK(r.desk.files_in("done") == 1);
  }
  SECTION("a refusal for good is buried with its reason, and somebody is told once") {
    r.service.status = GENERATE(400, 409, 413, 415, 422);
    r.service.answer = R"({"error":"conflict","message":"m","serverTime":1})";
    const auto ticket = one();
    r.desk.run(5'000);
    CHECK(r.desk.files_in("dead") == 1);
    CHECK(r.desk.files_in("out") == 0);
    CHECK(file_text(r.desk.box("dead") / (std::to_string(ticket) + ".txt")).find("conflict") != std::string::npos);
    CHECK(r.desk.ea->alerts.size() == 1);
    r.desk.run(120'000);
    CHECK(r.service.closes.size() == 1);
  }
  SECTION("such a status from somebody else than our host buries nothing") {
    r.service.status = 400;
    r.service.answer = "<html>proxy</html>";
    one();
    r.desk.run(5'000);
    CHECK(r.desk.files_in("out") == 1);
  }
  SECTION("in_future is tried again in a minute") {
    r.service.status = 422;
    r.service.answer = R"({"error":"in_future"})";
    one();
    r.desk.run(30'000);
    CHECK(r.service.closes.size() == 1);
    r.service.status = 200;
    r.service.answer.clear();
    r.desk.run(60'000);
    CHECK(r.desk.files_in("done") == 1);
  }
  SECTION("busy, gone, or an answer that is not ours: kept, with growing pauses, the same id") {
    const auto fault = GENERATE(0, 1, 2, 3, 4);
    r.service.first = [&](Web& w, const json& body) {
      if (body.at("type") != "close") return false;
      w.status = fault == 0 ? 503 : fault == 1 ? 429 : fault == 2 ? -1 : fault == 3 ? 200 : 1003;
      w.error = 5202;
      w.answer = fault == 3 ? "<html>sign in to the hotel</html>" : R"({"error":"busy"})";
      return true;
    };
    one();
    r.desk.run(60'000);
    CHECK(r.service.closes.size() >= 4);
    CHECK(r.service.closes.size() <= 8);
    CHECK(r.service.ids().size() == 1);
    CHECK(r.desk.files_in("out") == 1);
    r.service.first = nullptr;
    r.desk.run(80'000);
    CHECK(r.desk.files_in("done") == 1);
  }
  SECTION("a wrong clock is taken from the host, signed anew at once") {
    r.desk.ea->clock_error_s = 600;
    r.service.first = [&](Web& w, const json&) {
      const long stamp = std::stol(header(w, "X-Anduin-Timestamp"));
      if (std::abs(stamp - r.desk.now_ms) <= 120'000) return false;
      w.status = 401;
      w.answer = R"({"error":"clock_skew","serverTime":)" + std::to_string(r.desk.now_ms) + "}";
      return true;
    };
    one();
    r.desk.run(5'000);
    CHECK(r.desk.files_in("done") == 1);
    CHECK(r.service.closes.size() == 2);
    // Deal times come from two clocks that share the error: it cancels.
    CHECK(std::abs(json::parse(r.service.closes[0].second).at("closedAtMs").get<long>() - r.desk.now_ms) < 10'000);
  }
  SECTION("a used nonce: a new one, at once") {
    bool told = false;
    r.service.first = [&](Web& w, const json& body) {
      if (body.at("type") != "close" || std::exchange(told, true)) return false;
      w.status = 401;
      w.answer = R"({"error":"replayed_nonce"})";
      return true;
    };
    one();
    r.desk.run(2'000);
    CHECK(r.desk.files_in("done") == 1);
  }
  SECTION("a refused configuration keeps everything, tells once, probes every five minutes, and goes on when it is mended") {
    bool refuse = true;
    int requests = 0;
    r.service.first = [&](Web& w, const json&) {
      ++requests;
      if (!refuse) return false;
      w.status = 401;
      w.answer = R"({"error":"unknown_key"})";
      return true;
    };
    one();
    one();
    r.desk.run(290'000);
    CHECK(requests <= 2);
    CHECK(r.desk.files_in("out") == 2);
    CHECK(r.desk.ea->alerts.size() == 1);
    refuse = false;
    r.desk.run(320'000);
    CHECK(r.desk.files_in("done") == 2);
  }
  SECTION("an address that the terminal does not allow is named") {
    r.service.first = [&](Web& w, const json&) {
      w.status = -1;
      w.error = 4014;
      return true;
    };
    one();
    r.desk.run(5'000);
    REQUIRE_FALSE(r.desk.ea->alerts.empty());
    CHECK(r.desk.ea->alerts[0].find("https://host.example") != std::string::npos);
    CHECK(r.desk.files_in("out") == 1);
  }
}

TEST_CASE("ea: an outage of an hour with 500 closes: all of them, oldest first, five a tick") {
  Rig r;
  r.desk.begin();
  bool down = true;
  r.service.first = [&](Web& w, const json&) {
    if (down) w.status = -1, w.error = 5201;
    return down;
  };
  for (int i = 0; i < 500; ++i) {
    r.desk.round_trip("XAUUSD.m", i % 2 == 0, 0.01, 2050, 2051, 1);
    r.desk.run(250);
  }
  r.desk.run(3'600'000);
  CHECK(r.desk.files_in("out") == 500);
  r.service.closes.clear();
  down = false;
  r.desk.run(61'000 + 26'000);
  CHECK(r.desk.files_in("done") == 500);
  CHECK(r.service.ids().size() == 500);
  CHECK(r.service.closes.size() == 500);
  for (std::size_t i = 1; i < r.service.closes.size(); ++i) CHECK(r.service.closes[i - 1].first < r.service.closes[i].first);
}

TEST_CASE("ea: another account on the terminal suspends everything, another login's folder is refused") {
  Rig r;
  r.desk.begin();
  r.desk.ea->login = 999;
  r.desk.round_trip("XAUUSD.m", true, 0.1, 2050, 2051, 10);
  const auto before = r.service.nonces.size();
  r.desk.run(120'000);
  CHECK(r.service.nonces.size() == before);
  CHECK(r.desk.ea->alerts.size() == 1);
  r.desk.ea->login = r.desk.login;
  r.desk.run(10'000);
  CHECK(r.service.closes.size() == 1);
  r.desk.login = 999;
  CHECK(r.desk.start() == mql::INIT_FAILED);
}

TEST_CASE("ea: a second chart of the same account does not start, wrong inputs are named, the tester is refused") {
  Rig r;
  r.desk.begin();
  mql::Ea second;
  second.files = r.desk.ea->files;
  second.globals = r.desk.ea->globals;
  second.utc_ms = r.desk.ea->utc_ms;
  second.mono_ms = r.desk.ea->mono_ms;
  second.InpUrl = r.desk.url;
  second.InpKeyId = r.desk.key;
  second.InpSecret = r.desk.secret;
  second.InpAccountRef = r.desk.ref;
  second.InpExpectedLogin = r.desk.login;
  CHECK(second.OnInit() == mql::INIT_FAILED);
  second.InpRole = mql::Ea::AND_ROLE_PRICES;  // one for prices beside it is what the role is for
  CHECK(second.OnInit() == mql::INIT_SUCCEEDED);
  r.desk.ea->OnDeinit(0);
  second.InpRole = mql::Ea::AND_ROLE_BOTH;
  CHECK(second.OnInit() == mql::INIT_SUCCEEDED);
  second.tester = true;
  CHECK(second.OnInit() == mql::INIT_FAILED);
  second.tester = false;
  for (const auto* url : {"http://host.example", "https://host.example/", "host.example", ""}) {
    second.InpUrl = url;
    CHECK(second.OnInit() == mql::INIT_PARAMETERS_INCORRECT);
  }
  second.InpUrl = r.desk.url;
  second.InpSecret = "short";
  CHECK(second.OnInit() == mql::INIT_PARAMETERS_INCORRECT);
  second.InpSecret = r.desk.secret;
  second.InpAccountRef = "../x";
  CHECK(second.OnInit() == mql::INIT_PARAMETERS_INCORRECT);
}

TEST_CASE("ea: prices: new ticks only, with the tick's own time, none while closes fail") {
  Rig r;
  r.desk.prices_of = "XAUUSD.m, EURUSD.m,NOSUCH";
  r.desk.begin();
  const auto tick = [&](double bid, double ask) {
    r.desk.ea->symbols["XAUUSD.m"].tick = {bid, ask, r.desk.ea->server_ms()};
  };
  tick(2075.1, 2075.3);
  const std::int64_t at = r.desk.now_ms;
  r.desk.run(5'000);
  REQUIRE(r.service.prices.size() == 1);  // the tick has not changed since
  CHECK(r.service.prices[0].at("prices").size() == 1);
  CHECK(r.service.prices[0].at("prices")[0].at("symbol") == "XAUUSD.m");
  CHECK(r.service.prices[0].at("prices")[0].at("timestamp") == at);
  tick(2075.2, 2075.4);
  r.desk.run(2'000);
  CHECK(r.service.prices.size() == 2);
  r.service.status = 503;
  r.desk.round_trip("XAUUSD.m", true, 0.1, 2050, 2051, 10);
  r.desk.run(3'000);
  const auto sent = r.service.prices.size();
  tick(2075.3, 2075.5);
  r.desk.run(10'000);
  CHECK(r.service.prices.size() == sent);
}

TEST_CASE("ea: the host asks for closes again, and gets the same bytes") {
  Rig r;
  r.desk.begin();
  r.desk.round_trip("XAUUSD.m", true, 0.1, 2050, 2051, 10);
  r.desk.run(5'000);
  REQUIRE(r.service.closes.size() == 1);
  bool asked = false;
  r.service.first = [&](Web& w, const json& body) {
    if (body.at("type") != "heartbeat" || std::exchange(asked, true)) return false;
    w.status = 200;
    w.answer = R"({"status":"ok","rescanSec":3600})";
    return true;
  };
  r.desk.run(40'000);
  CHECK(asked);
  REQUIRE(r.service.closes.size() == 2);
  CHECK(r.service.closes[0].second == r.service.closes[1].second);
  r.desk.run(120'000);
  CHECK(r.service.closes.size() == 2);
}

TEST_CASE("ea: a full disk, a contract size that is not there yet, a history that still arrives") {
  Rig r;
  r.desk.begin();
  SECTION("the disk") {
    r.desk.ea->disk_full = true;
    r.desk.round_trip("XAUUSD.m", true, 0.1, 2050, 2051, 10);
    r.desk.run(20'000);
    CHECK(r.service.closes.empty());
    CHECK_FALSE(r.desk.ea->alerts.empty());
    r.desk.ea->disk_full = false;
  }
  SECTION("the contract size") {
    r.desk.ea->symbols["XAUUSD.m"].contract = 0;
    r.desk.round_trip("XAUUSD.m", true, 0.1, 2050, 2051, 10);
    r.desk.run(20'000);
    CHECK(r.service.closes.empty());
    r.desk.ea->symbols["XAUUSD.m"].contract = 100;
  }
  SECTION("no connection to the trade server") {
    r.desk.ea->connected = false;
    r.desk.round_trip("XAUUSD.m", true, 0.1, 2050, 2051, 10);
    r.desk.run(35'000);
    CHECK(r.service.closes.empty());
    CHECK(r.service.heartbeats.back().at("connected") == false);
    r.desk.ea->connected = true;
  }
  r.desk.run(70'000);
  CHECK(r.service.closes.size() == 1);
}

TEST_CASE("ea: an annulled deal is reported for a person, other kinds of deals are no closes") {
  Rig r;
  r.desk.begin();
  r.desk.deal({.position = 5, .symbol = "XAUUSD.m", .type = mql::DEAL_TYPE_BALANCE, .entry = mql::DEAL_ENTRY_OUT, .profit = 1000});
  r.desk.deal({.position = 5, .symbol = "XAUUSD.m", .type = mql::DEAL_TYPE_SELL_CANCELED, .entry = mql::DEAL_ENTRY_OUT});
  r.desk.run(100'000);
  CHECK(r.service.closes.empty());
  CHECK(r.service.heartbeats.back().at("anomaly").get<std::string>().find("annulled") != std::string::npos);
}

TEST_CASE("ea: a cent account and a euro account say their currency, nothing is converted") {
  Rig r;
  r.desk.begin();
  r.desk.ea->currency = "USC";
  r.desk.round_trip("XAUUSD.m", true, 0.1, 2050.50, 2075.30, 24800);
  r.desk.run(5'000);
  REQUIRE(r.service.closes.size() == 1);
  CHECK(json::parse(r.service.closes[0].second).at("currency") == "USC");
  CHECK(r.service.closes[0].second.find("\"pnl\":24800.00,") != std::string::npos);
}

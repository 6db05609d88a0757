// PublicVenue and AccountVenue through the C border, with a made-up venue: connections replaced before they end, lists,
// broken books, closes told by the stream and shown by a request.
#include "anduin/account_venue.hpp"
#include "anduin/public_venue.hpp"

#include <catch2/catch.hpp>

#include "plugins/support/plugin_bench.hpp"

using namespace anduin;
using test::PluginBench;

namespace {

Answer judge_plain(const venue::Reply& reply) {
  if (auto failed = judge_transport(reply)) return *failed;
  Answer a;
  const auto [code, text, result] = reply.json().get<"code", "text", "result">();
  a.code = code.i64_or_none().value_or(0);
  a.text = text.text();
  a.result = result;
  a.verdict = a.code == 0 ? Verdict::kOk : a.code == 1 ? Verdict::kAuth : Verdict::kServer;
  return a;
}

/// {"t":topic,"b":bid,"a":ask}, {"ack":id,"ok":true}
class Shop final : public PublicVenue<> {
 public:
  Shop() : PublicVenue(policy()) {
    add_market("spot", "public");
    add_listing("/list");
  }

 private:
  static Policy policy() {
    Policy p;
    p.topics = {.venue = "Shop", .topics_per_request = 10};
    p.rotate_ms = 1'000'000;
    return p;
  }
  Answer judge(const venue::Reply& reply) override { return judge_plain(reply); }
  std::string take_instruments(std::size_t, const Answer& answer) override {
    each_row(answer.result, "/list", "s", [&](const json::View& row) {
      const std::string name = row["s"].text();
      if (name.empty()) throw BadFrame("a row without s");
      list(0, {.native = name});
    });
    return "";
  }
  std::string topic_of(const Line&, std::string_view native) const override { return "q." + std::string(native); }
  std::string native_of(std::string_view topic) const override { return std::string(topic.substr(2)); }
  std::string subscription_frame(const Line&, const Subscriptions::Request& r) override {
    std::string out = (r.subscribe ? "sub " : "unsub ") + r.id;
    for (const auto& t : r.topics) out += " " + t;
    return out;
  }
  void take_frame(Line& line, const venue::Frame& frame) override {
    const auto [topic, bid, ask, ack, broken] = frame.json().get<"t", "b", "a", "ack", "broken">();
    if (ack) return answered(line, ack.str(), true, "");
    Symbol& s = symbol_of(line, native_of(topic.str()));
    if (broken) return start_over(line, s, "broken");
    quote(line, s, bid.dec_or_none().value_or(0), ask.dec_or_none().value_or(0), 1, 1, 5);
  }
};

/// Login and subscription in one word each; a close is announced as {"gone":id} and shown by /closes.
class Till final : public AccountVenue {
 public:
  Till() : AccountVenue(policy()) { add_history("spot", {}); }

 private:
  static Policy policy() {
    Policy p;
    p.clock_path = "/time";
    p.rotate_ms = 1'000'000;
    return p;
  }
  Answer judge(const venue::Reply& reply) override { return judge_plain(reply); }
  SignedGet signed_get(std::string_view path, const std::string& query) override {
    return {.target = std::string(path) + (query.empty() ? "" : "?" + query), .headers = {}, .sign = {}, .args = {}};
  }
  std::string advice(std::int64_t, std::string_view text, std::string_view) override { return "key: " + std::string(text); }
  std::int64_t clock_of(const Answer& a) override { return a.result["ms"].i64_or_none().value_or(0); }
  bool is_optional(std::string_view path) const override { return path == "/key"; }
  void log_in(Session& s) override {
    send(s.connection, "login");
    expect(s, "login");
  }
  void subscribe(Session& s) override { send(s.connection, "subscribe"); }
  void take_private(Session& s, const venue::Frame& frame) override {
    if (frame.text == "in") return login_accepted(s);
    if (frame.text == "on") return streaming(s);
    const std::string id = frame.json()["gone"].text();
    chase(id, [this, id] {
      get("/closes", "id=" + id, [this](const Answer& a) { take(a, AND_ORIGIN_STREAM); });
    });
  }
  void ask_key() override {
    get("/key", "", [](const Answer&) {});
  }
  void read_window(HistorySweep&, std::int64_t from, std::int64_t to, HistorySweep::Done done) override {
    read_pages("/closes", "from=" + std::to_string(from) + "&to=" + std::to_string(to),
               [this](const Answer& a) {
                 take(a, AND_ORIGIN_HISTORY);
                 const std::string next = a.result["next"].text();
                 return next.empty() ? "" : "page=" + next;
               },
               std::move(done));
  }
  void take(const Answer& answer, std::uint32_t origin) {
    const json::View rows = answer.result["rows"];
    if (!rows.is_array()) throw BadFrame("no rows");
    for (const json::View row : rows) {
      const std::string id = row["id"].text();
      emit_close({.id = id, .symbol = "A", .market = {}, .currency = "USD", .fee_currency = {}, .pnl_raw = {},
                  .fee_raw = {}, .origin = origin, .closed_ms = 1, .pnl = row["pnl"].dec()});
    }
  }
};

const and_plugin_v1& table() {
  static const and_plugin_v1 t = detail::plugin_table<Shop, Till>("shop", "1", "{}", 2);
  return t;
}

constexpr const char* kRows = R"({"code":0,"result":{"rows":[]}})";

std::string quote(const char* name, int bid) {
  return R"({"t":"q.)" + std::string(name) + R"(","b":)" + std::to_string(bid) + R"(,"a":)" + std::to_string(bid + 1) + "}";
}


void open_shop(PluginBench& b) {
  b.start();
  b.answer("/list", R"({"code":0,"result":[{"s":"A"},{"s":"B"},{"x":1}]})");
  b.symbols({"A", "B"});
  b.connect();
  b.frame(1, quote("A", 10));
  b.frame(1, quote("B", 20));
}

void open_till(PluginBench& b) {
  b.start();
  b.answer("/time", R"({"code":0,"result":{"ms":1746270500000}})");
  b.answer("/key", kRows);
  b.answer("/closes", kRows);
  b.connect();
  b.frame(1, "in");
  b.answer("/key", kRows);
  b.frame(1, "on");
}

}  // namespace

TEST_CASE("a bad row of a list costs no other, and is named") {
  PluginBench b(table(), false, nlohmann::json::object());
  open_shop(b);
  CHECK(b.instruments.size() == 2);
  REQUIRE(b.errors.size() == 1);
  CHECK(b.errors[0].find("a row without s") != std::string::npos);
  CHECK(b.prices.size() == 2);
}

TEST_CASE("a planned reconnect: the new connection has every quote before the old one goes") {
  PluginBench b(table(), false, nlohmann::json::object());
  open_shop(b);
  const std::uint32_t second = 101;
  b.advance(1'000'000);
  REQUIRE(b.dialled.back() == second);
  CHECK(b.dropped.empty());
  CHECK(b.opened(second) == AND_OK);
  CHECK(b.frames.back().connection == second);
  CHECK(b.frames.back().text.find("q.A q.B") != std::string::npos);
  b.frame(1, quote("A", 11));  // the old one still speaks
  CHECK(b.prices.back().bid == "11");
  b.frame(second, quote("A", 12));
  CHECK(b.prices.back().bid == "11");  // held until all is there
  CHECK(b.dropped.empty());
  b.frame(second, quote("B", 21));
  REQUIRE(b.dropped == std::vector<std::uint32_t>{1});
  CHECK(b.prices[b.prices.size() - 2].bid == "12");
  CHECK(b.prices.back().bid == "21");
  b.frame(1, quote("A", 13));  // late, of a connection that is gone
  CHECK(b.prices.back().bid == "21");
  b.frame(second, quote("A", 14));
  CHECK(b.prices.back().bid == "14");
  // And back, when that one is old.
  b.advance(1'000'000);
  CHECK(b.dialled.back() == 1);
}

TEST_CASE("a successor takes over without the symbols that stay silent") {
  PluginBench b(table(), false, nlohmann::json::object());
  open_shop(b);
  b.advance(1'000'000);
  b.opened(101);
  b.frame(101, quote("A", 12));
  b.advance(20'000);
  CHECK(b.dropped == std::vector<std::uint32_t>{1});
  CHECK(b.prices.back().bid == "12");
}

TEST_CASE("a broken symbol is asked for at once, then ever more slowly, and no other suffers") {
  PluginBench b(table(), false, nlohmann::json::object());
  open_shop(b);
  const auto asked = [&] {
    return std::count_if(b.frames.begin(), b.frames.end(), [](const auto& f) { return f.text.starts_with("unsub"); });
  };
  b.frame(1, R"({"t":"q.A","broken":1})");
  CHECK(asked() == 1);
  CHECK(b.prices.back().withdrawn);
  b.frame(1, R"({"t":"q.A","broken":1})");
  CHECK(asked() == 1);
  b.advance(2'000);
  CHECK(asked() == 2);
  b.frame(1, quote("B", 22));
  CHECK(b.prices.back().bid == "22");
  b.frame(1, quote("A", 15));
  CHECK(b.prices.back().bid == "15");
}

TEST_CASE("a close announced by the stream is asked for until its record shows, and emitted once") {
  PluginBench b(table(), true, nlohmann::json::object());
  open_till(b);
  b.answer("/closes", kRows);  // what was closed while nobody listened
  b.frame(1, R"({"gone":"7"})");
  b.frame(1, R"({"gone":"7"})");  // announced again
  b.advance(300);
  REQUIRE(b.open_requests("/closes").size() == 1);
  b.answer("/closes", kRows);
  b.advance(700);
  b.answer("/closes", R"({"code":0,"result":{"rows":[{"id":"7","pnl":"1.5"}]}})");
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].id == "7");
  b.advance(8'000);
  CHECK(b.open_requests("/closes").empty());  // caught
  b.advance(60'000);  // the sweep sees it too
  while (!b.open_requests("/closes").empty())
    b.answer("/closes", R"({"code":0,"result":{"rows":[{"id":"7","pnl":"1.5"}]}})");
  CHECK(b.closes.size() == 1);
}

TEST_CASE("a record that never shows is said, and history goes on looking") {
  PluginBench b(table(), true, nlohmann::json::object());
  open_till(b);
  b.answer("/closes", kRows);
  b.frame(1, R"({"gone":"9"})");
  for (int i = 0; i < 40; ++i) {
    b.advance(1'000);
    while (!b.open_requests("/closes").empty()) b.answer("/closes", kRows);
  }
  REQUIRE(b.warnings.size() == 1);
  CHECK(b.warnings[0].find("the close 9 was announced") != std::string::npos);
}

TEST_CASE("history: pages are read to the end, a failed page is never an empty one, a repeated cursor is an error") {
  PluginBench b(table(), true, nlohmann::json::object());
  b.start();
  b.answer("/closes", R"({"code":0,"result":{"rows":[{"id":"1","pnl":"1"}],"next":"x"}})");
  b.answer("/closes", R"({"code":5,"text":"busy"})", 200, "page=x");
  CHECK(b.watermarks.empty());
  b.advance(1'000);
  b.answer("/closes", R"({"code":0,"result":{}})", 200, "page=x");  // no rows member: not "nothing there"
  CHECK(b.watermarks.empty());
  b.advance(2'000);
  b.answer("/closes", R"({"code":0,"result":{"rows":[{"id":"2","pnl":"1"}],"next":"x"}})", 200, "page=x");
  CHECK(b.watermarks.empty());
  b.advance(5'000);  // the whole window again
  b.answer("/closes", R"({"code":0,"result":{"rows":[{"id":"1","pnl":"1"},{"id":"2","pnl":"1"}]}})", 200, "from=");
  CHECK(b.watermarks.size() == 1);
  CHECK(b.closes.size() == 2);
  CHECK(b.order.back() == "watermark");
}

TEST_CASE("a private socket is replaced before the venue ends it") {
  PluginBench b(table(), true, nlohmann::json::object());
  open_till(b);
  b.advance(1'000'000);
  REQUIRE(b.dialled.back() == 2);
  b.opened(2);
  b.frame(2, "in");
  CHECK(b.dropped.empty());
  b.frame(1, R"({"gone":"7"})");  // the old one still tells
  b.frame(2, "on");
  CHECK(b.dropped == std::vector<std::uint32_t>{1});
  CHECK(std::none_of(b.statuses.begin(), b.statuses.end(), [](const auto& s) { return s.state == "resync"; }));
}

TEST_CASE("a refused key is said once, and requests rest until a person may have acted") {
  PluginBench b(table(), true, nlohmann::json::object());
  b.start();
  CHECK(b.answer("/closes", R"({"code":1,"text":"unknown key"})") == AND_E_AUTH);
  CHECK(b.statuses.back().state == "failed");
  CHECK(b.statuses.back().detail == "key: unknown key");
  CHECK(b.answer("/key", R"({"code":1,"text":"unknown key"})") == AND_OK);
  const std::size_t sent = b.requests.size();
  b.advance(200'000);
  CHECK(b.requests.size() <= sent + 1);  // the clock
  b.advance(160'000);
  CHECK(b.requests.size() > sent + 1);
}

// USDT perpetual futures of Gate, prices only: one connection, the channel futures.book_ticker, each frame a whole top.
// Written from the venue's public documentation of WebSocket v4 and REST v4; not yet run against the venue itself.
#include <anduin/plugin.hpp>
#include <anduin/public_venue.hpp>

namespace {

using namespace anduin;

class Gate : public PublicVenue<> {
 public:
  Gate() : PublicVenue({.topics = {.venue = "Gate", .topics_per_request = 20}}) {
    add_market("linear", "public");
    add_listing("/api/v4/futures/usdt/contracts");
  }

 private:
  Answer judge(const venue::Reply& reply) override {
    if (auto failed = judge_transport(reply)) return *failed;
    if (!reply.ok()) return Answer::failed(Verdict::kServer, reply.json()["message"].text(), reply.status);
    Answer answer;
    answer.result = reply.json();
    return answer;
  }

  std::string take_instruments(std::size_t, const Answer& answer) override {
    each_row(answer.result, "contracts", "name", [&](const json::View& row) {
      const auto [name, lot, tick] = row.get<"name", "quanto_multiplier", "order_price_round">();
      const std::string_view native = name.str();
      if (!native.ends_with("_USDT")) throw BadFrame("a contract that is not BASE_USDT");
      const std::string_view base = native.substr(0, native.size() - 5);
      list(0, {.native = native, .base = base, .quote = "USDT", .settle = "USDT", .market = "linear",
               .kind = AND_KIND_LINEAR_PERPETUAL, .contract_size = lot.dec(), .tick = tick.dec()});
    });
    return "";  // the whole list is one page
  }

  std::string topic_of(const Line&, std::string_view native) const override { return std::string(native); }
  std::string native_of(std::string_view topic) const override { return std::string(topic); }
  std::string subscription_frame(const Line&, const Subscriptions::Request& request) override {
    std::string contracts;
    for (const std::string& topic : request.topics) contracts += (contracts.empty() ? "" : ",") + json::quoted(topic);
    return R"({"time":)" + std::to_string(now_ms() / 1000) + R"(,"channel":"futures.book_ticker","event":")" +
           (request.subscribe ? "subscribe" : "unsubscribe") + R"(","payload":[)" + contracts + "]}";
  }

  void take_frame(Line& line, const venue::Frame& frame) override {
    const auto [channel, event, error, result] = frame.json().get<"channel", "event", "error", "result">();
    if (channel == "futures.pong") return;
    if (event == "subscribe") return answered(line, "", !error, error["message"].text());
    if (error) return problem(channel.str(), error["message"].text());
    if (event != "update") return;
    const auto [s, b, B, a, A, t] = result.get<"s", "b", "B", "a", "A", "t">();
    if (!s) throw BadFrame("an update without a contract");
    const auto side = [](const json::View& v) { return v == "" ? Decimal() : v.dec(); };  // "": nobody bids, or asks
    quote(line, symbol_of(line, s.str()), side(b), side(a), B.dec(), A.dec(), t.i64());
  }
};

}  // namespace

ANDUIN_PLUGIN(Gate);

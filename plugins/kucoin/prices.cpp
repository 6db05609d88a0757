#include "prices.hpp"

#include "errors.hpp"
#include "instruments.hpp"
#include "times.hpp"
#include "token.hpp"

namespace anduin::kucoin {
namespace {

constexpr std::string_view kContracts = "/api/v1/contracts/active", kBullet = "/api/v1/bullet-public";
constexpr std::size_t kTopicsPerRequest = 100, kTopicsMax = 300;  // by the rate page and the error page
constexpr std::uint64_t kWelcomeMs = 10'000;
constexpr std::uint64_t kSilentMs = 15'000;  // an unknown symbol is acknowledged like any other, and never heard of

PublicVenue<SymbolState>::Policy policy() {
  PublicVenue<SymbolState>::Policy p;
  p.topics = {.venue = "KuCoin", .topics_per_request = kTopicsPerRequest, .topics_max = kTopicsMax};
  p.rest_rate = "public";
  p.ban_ms = kBanMs;
  p.rotate_ms = kRotateMs;
  return p;
}

}  // namespace

Prices::Prices(const venue::Options& options) : PublicVenue(policy()), markets_(wanted_markets(options)) {
  const std::string channel = options.text("price_channel");
  depth_ = channel == "level2Depth5";
  if (!depth_ && channel != "tickerV2")
    throw BadOption("/price_channel", "'" + channel + "' is neither tickerV2 nor level2Depth5");
  prefix_ = "/contractMarket/" + channel + ":";
  for (const std::string_view market : markets_) add_market(std::string(market), "public");
  add_listing(std::string(kContracts));
}

// -- instruments ----------------------------------------------------------------------------------------------------

Answer Prices::judge(const venue::Reply& reply) { return kucoin::judge(reply, now_ms()); }

std::string Prices::take_instruments(std::size_t, const Answer& answer) {
  if (!answer.result.is_array()) throw BadFrame("an answer without a list");
  each_row(answer.result, kContracts, "symbol", [&](const json::View& row) {
    const venue::InstrumentInfo info = instrument_of(row);
    const auto market = std::find(markets_.begin(), markets_.end(), info.market);
    if (market != markets_.end()) list(static_cast<std::size_t>(market - markets_.begin()), info);
  });
  return {};
}

std::size_t Prices::guess_market(std::string_view native) const {
  const auto market = std::find(markets_.begin(), markets_.end(), looks_inverse(native) ? kInverse : kLinear);
  return market == markets_.end() ? 0 : static_cast<std::size_t>(market - markets_.begin());
}

// -- connections ----------------------------------------------------------------------------------------------------

/// A token is good for the connection that it was asked for: an old one is refused for ever.
void Prices::dial_line(Line& line) {
  http({.endpoint = "rest", .target = kBullet, .method = "POST", .rate = "connect"},
       [this, &line, number = ++dials_[line.connection]](const venue::Reply& reply) {
         take_token(line, number, reply);
       });
}

void Prices::take_token(Line& line, std::uint64_t number, const venue::Reply& reply) {
  if (number != dials_[line.connection]) return;  // the host has asked again meanwhile
  std::string why;
  try {
    const Answer answer = judge(reply);
    if (answer.ok()) {
      const SocketAddress address =
          socket_address(answer.result, "anduin-" + std::to_string(line.connection) + "-" + std::to_string(number));
      return open(line.connection, "public", {.url = address.url});
    }
    why = answer.text + " (" + std::to_string(answer.code) + ")";
  } catch (const BadFrame& e) {
    why = e.what();
  }
  problem(kBullet, why);
  redial(line.connection, "no token: " + why);
}

void Prices::line_opened(Line& line) {
  after(kWelcomeMs, [this, &line, session = line.session] {
    if (line.session == session && !line.topics.is_open()) redial(line.connection, "KuCoin does not greet");
  });
}

// -- subscriptions --------------------------------------------------------------------------------------------------

std::string Prices::topic_of(const Line&, std::string_view native) const { return prefix_ + std::string(native); }
std::string Prices::native_of(std::string_view topic) const { return std::string(topic.substr(prefix_.size())); }

std::string Prices::subscription_frame(const Line&, const Subscriptions::Request& request) {
  std::string topic = prefix_;
  for (const std::string& t : request.topics) {
    if (&t != &request.topics.front()) topic += ',';
    topic += native_of(t);
  }
  return R"({"id":)" + json::quoted(request.id) + R"(,"type":")" + (request.subscribe ? "subscribe" : "unsubscribe") +
         R"(","topic":)" + json::quoted(topic) + R"(,"privateChannel":false,"response":true})";
}

void Prices::look_for_silence(Line& line) {
  after(kSilentMs, [this, &line, session = line.session] {
    if (line.session != session) return;
    for (const Symbol& s : line.symbols)
      if (!s.has_data && !s.removed)
        problem(topic_of(line, s.native), "acknowledged, and silent since: an unknown symbol, or a quiet contract");
  });
}

// -- frames ---------------------------------------------------------------------------------------------------------

void Prices::Quote::read_ticker(json::Reader& r) {
  r.object([&](std::string_view key) {
    if (key == "bestBidPrice") bid = r.dec_or_zero();
    else if (key == "bestAskPrice") ask = r.dec_or_zero();
    else if (key == "bestBidSize") bid_size = r.dec_or_zero();
    else if (key == "bestAskSize") ask_size = r.dec_or_zero();
    else if (key == "sequence") sequence = r.i64_or_zero();
    else if (key == "ts") ts = r.i64_or_zero();
  });
}

/// The first level of each side; `timestamp` and `ts` are the same here.
void Prices::Quote::read_depth(json::Reader& r) {
  const auto best = [&](Decimal& price, Decimal& size) {
    bool first = true;
    r.array([&] {
      if (!first) return r.skip();
      first = false;
      int place = 0;
      r.array([&] {
        if (place == 0) price = r.dec();
        else if (place == 1) size = r.dec();
        ++place;
      });
    });
  };
  r.object([&](std::string_view key) {
    if (key == "bids") best(bid, bid_size);
    else if (key == "asks") best(ask, ask_size);
    else if (key == "sequence") sequence = r.i64_or_zero();
    else if (key == "ts") ts = r.i64_or_zero();
  });
}

void Prices::take_frame(Line& line, const venue::Frame& frame) {
  if (frame.binary) return;
  std::string_view topic;
  Quote q;
  bool has_data = false;
  json::Reader r = frame.reader();
  r.object([&](std::string_view key) {
    if (key == "topic") {
      topic = r.str();
    } else if (key == "data" && r.at_object()) {
      has_data = true;
      if (depth_) q.read_depth(r);
      else q.read_ticker(r);
    }
  });
  if (topic.empty()) return take_control(line, frame.json());
  if (!has_data || !topic.starts_with(prefix_)) return;  // another channel
  Symbol& s = symbol_of(line, topic.substr(prefix_.size()));
  if (q.sequence != 0 && q.sequence < s.sequence) return;  // overtaken by a newer one
  s.sequence = q.sequence;
  quote(line, s, q.bid, q.ask, q.bid_size, q.ask_size, to_ms(q.ts));
}

void Prices::take_control(Line& line, const json::View& frame) {
  const auto [type, id, code, data] = frame.get<"type", "id", "code", "data">();
  if (type == "welcome") {
    if (!line.topics.is_open()) begin(line);
  } else if (type == "ack") {
    if (id.str().starts_with('s')) look_for_silence(line);
    answered(line, id.str(), true, "");
  } else if (type == "error") {
    take_error(line, id.str(), code.i64_or_none().value_or(0), data.text());
  }
  // Pongs need nothing.
}

void Prices::take_error(Line& line, std::string_view id, std::int64_t code, const std::string& text) {
  const std::string what = text + " (" + std::to_string(code) + ")";
  if (code == 401) return redial(line.connection, what);  // the next dial asks for a new token
  // Too much at once: what is unanswered is asked again later, a topic at a time.
  if (code == 509 || id.empty()) return problem("public", what);
  answered(line, id, false, what);
}

}  // namespace anduin::kucoin

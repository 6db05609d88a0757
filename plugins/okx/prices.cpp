#include "prices.hpp"

#include "errors.hpp"
#include "instruments.hpp"

namespace anduin::okx {
namespace {

constexpr std::string_view kInstruments = "/api/v5/public/instruments", kFunding = "funding-rate";
constexpr std::size_t kTopicsPerRequest = 200;  // of 64 KB a frame, with two subscriptions of some 70 bytes a topic
constexpr std::int64_t kSilentMs = 75'000;      // OKX repeats a channel without news after a minute
constexpr std::uint64_t kSilenceLookMs = 15'000;

PublicVenue<SymbolState>::Policy policy(const venue::Options& options) {
  PublicVenue<SymbolState>::Policy p;
  p.topics = {.venue = "OKX", .topics_per_request = kTopicsPerRequest};
  p.resync_when_crossed = options.text("price_channel") == "books";
  p.rest_headers = demo_header(options);
  return p;
}

}  // namespace

Prices::Prices(const venue::Options& options)
    : PublicVenue(policy(options)),
      markets_(chosen_markets(options)),
      channel_(options.text("price_channel")),
      funding_(options.text("funding") == "on"),
      has_ids_(channel_ != "tickers") {
  add_market("public", "public");
  if (markets_.swaps()) add_listing(std::string(kInstruments) + "?instType=SWAP");
  if (markets_.spot) add_listing(std::string(kInstruments) + "?instType=SPOT");
}

// -- instruments ----------------------------------------------------------------------------------------------------

Answer Prices::judge(const venue::Reply& reply) { return okx::judge(reply); }

std::string Prices::take_instruments(std::size_t listing, const Answer& answer) {
  // All rows are of the type that was asked for: another's answer would leave ours out in silence.
  const std::string_view type = listing == 0 && markets_.swaps() ? "SWAP" : "SPOT";
  if (const json::View first = answer.result[0]["instType"]; !first.absent() && !(first == type))
    throw BadFrame("instruments of type " + first.text() + " where " + std::string(type) + " was asked for");
  each_row(answer.result, kInstruments, "instId", [&](const json::View& row) {
    const InstrumentRow instrument(row);
    if (markets_.has(instrument.info.market)) list(0, instrument.info);
  });
  return "";
}

// -- subscriptions --------------------------------------------------------------------------------------------------

/// A topic is an instrument: its price channel, and for a swap the funding rate with it.
std::string Prices::topic_of(const Line&, std::string_view native) const { return std::string(native); }
std::string Prices::native_of(std::string_view topic) const { return std::string(topic); }

std::string Prices::subscription_frame(const Line&, const Subscriptions::Request& request) {
  std::string args;
  const auto add = [&](std::string_view channel, const std::string& topic) {
    args += args.empty() ? "" : ",";
    args += R"({"channel":")" + std::string(channel) + R"(","instId":)" + json::quoted(topic) + "}";
  };
  for (const std::string& topic : request.topics) {
    add(channel_, topic);
    if (funding_ && is_swap(topic)) add(kFunding, topic);
  }
  return R"({"id":")" + request.id + R"(","op":")" + (request.subscribe ? "subscribe" : "unsubscribe") +
         R"(","args":[)" + args + "]}";
}

void Prices::line_opened(Line& line) {
  begin(line);
  watch_silence(line, line.session);
}

/// The socket lives and answers pings, but one symbol says nothing any more: only that one is asked for anew.
void Prices::watch_silence(Line& line, std::uint64_t session) {
  if (!has_ids_) return;  // nothing is said of repeats of tickers
  after(kSilenceLookMs, [this, &line, session] {
    if (line.session != session) return;
    for (Symbol& s : line.symbols) {
      if (s.removed || s.heard_ms == 0 || now_ms() - s.heard_ms < kSilentMs) continue;
      start_over(line, s, "nothing for 75 s, where OKX repeats itself after 60 s");
      s.heard_ms = now_ms();
    }
    watch_silence(line, session);
  });
}

// -- frames ---------------------------------------------------------------------------------------------------------

void Prices::take_frame(Line& line, const venue::Frame& frame) {
  if (frame.binary || frame.text == "pong") return;
  frame_.read(frame.reader());
  if (frame_.is_event) return take_event(line, frame.json());
  if (!frame_.has_data) return;
  if (frame_.channel == kFunding) return take_funding(line, frame);
  if (frame_.channel != channel_) return;
  if (frame_.instrument.empty()) throw BadFrame("a push without arg.instId");
  Symbol& s = symbol_of(line, frame_.instrument);
  if (s.removed) return;
  s.heard_ms = now_ms();
  for (std::size_t i = 0; i < frame_.size(); ++i) take_row(line, s, frame_.row(i));
}

void Prices::take_row(Line& line, Symbol& s, const PushRow& row) {
  static const Decimal none;
  if (channel_ != "books") {  // every row is the whole of what the channel shows, best first
    const bool both = !row.bids.empty() && !row.asks.empty();
    if (!both) return quote(line, s, none, none, none, none, row.ts_ms);
    return quote(line, s, row.bids[0].price, row.asks[0].price, row.bids[0].size, row.asks[0].size, row.ts_ms);
  }
  const bool is_snapshot = frame_.action == "snapshot" || frame_.action.empty();
  if (!is_snapshot && frame_.action != "update")
    throw BadFrame("action '" + std::string(frame_.action) + "' is neither snapshot nor update");
  s.has_data = true;
  switch (s.chain.apply(row, is_snapshot, now_ms())) {
    case ChainedBook::Applied::kYes:
      return quote_top(line, s, s.chain.levels(), row.ts_ms);
    case ChainedBook::Applied::kIgnored:
      return;
    case ChainedBook::Applied::kGap:
      return start_over(line, s, "a change of the book is missing");
    case ChainedBook::Applied::kNoSnapshot:
      return start_over(line, s, "changes of the book, but no snapshot");
  }
}

void Prices::take_funding(Line& line, const venue::Frame& frame) {
  each_row(frame.json()["data"], kFunding, "instId", [&](const json::View& row) {
    const auto [id, rate, next, due, time] = row.get<"instId", "fundingRate", "nextFundingRate", "fundingTime", "ts">();
    const auto value = rate.dec_or_none();
    if (id.str().empty() || !value) throw BadFrame("a funding rate without instId or fundingRate");
    const Symbol& s = symbol_of(line, id.str());
    if (s.removed) return;
    funding(s.id, *value, next.dec_or_none(), due.i64_or_none().value_or(0), time.i64_or_none().value_or(0));
  });
}

void Prices::take_event(Line& line, const json::View& frame) {
  const auto [event, arg, code, text, id] = frame.get<"event", "arg", "code", "msg", "id">();
  if (event == "subscribe") {
    const auto [channel, inst] = arg.get<"channel", "instId">();
    if (!(channel == channel_) || !line.topics.wants(inst.text())) return;
    symbol_of(line, inst.str()).heard_ms = now_ms();
    return answered_topic(line, inst.text(), true, "");
  }
  if (event == "error") return take_error(line, code.i64_or_none().value_or(0), text.text(), id.str());
  if (event == "notice") replace(line, text.text());  // a service upgrade: it will be closed within a minute
  // Events that we do not know need nothing.
}

/// An error has no `arg`: its text names the instrument, or its id the request.
void Prices::take_error(Line& line, std::int64_t code, const std::string& text, std::string_view id) {
  const std::string what = text + " (" + std::to_string(code) + ")";
  if (verdict_of(code) == Verdict::kRate) return problem(channel_, what);  // asked again when its answer is overdue
  static constexpr std::string_view kName = "instId:";
  if (const std::size_t at = text.find(kName); at != std::string::npos) {
    const std::size_t begin = at + kName.size();
    const std::string inst = text.substr(begin, std::min(text.find_first_of(" ,", begin), text.size()) - begin);
    if (text.find(kFunding) != std::string::npos) return problem(std::string(kFunding) + " " + inst, what);
    if (line.topics.wants(inst)) return answered_topic(line, inst, false, what);
  }
  if (id.empty()) return problem(channel_, what);
  answered(line, id, false, what);
}

}  // namespace anduin::okx
